"""Lists as CSV, JSON lines or Parquet, or as a table for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import pyarrow.csv
import pyarrow.parquet as pq

from seqrec.errors import SeqrecError
from seqrec.files import replacing
from seqrec.recommendation.recommendations import Recommendations

if TYPE_CHECKING:
    from rich.table import Table

Form = Literal["table", "csv", "json", "parquet"]
FORM_OF_SUFFIX: dict[str, Form] = {
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
}


def form_of(form: str | None, output: Path | None) -> Form:
    """Return the form that was asked for, or that a file's name says.

    Raises:
        SeqrecError: there is no such form, or one that does not go to a terminal.
    """
    if form is None and output is not None:
        if output.suffix not in FORM_OF_SUFFIX:
            raise SeqrecError(
                f"--output {output}: its name says no form; call it .csv, .json or .parquet, or "
                "give --format"
            )
        return FORM_OF_SUFFIX[output.suffix]
    form = form or "table"
    if form not in get_args(Form):
        raise SeqrecError(f"--format {form}: choose table, csv, json or parquet")
    if form == "parquet" and output is None:
        raise SeqrecError("--format parquet goes to a file; name it by --output FILE")
    if form == "table" and output is not None:
        raise SeqrecError("--format table goes to the terminal; leave out --output")
    return cast(Form, form)


def write(found: Recommendations, form: Form, output: Path) -> None:
    """Write the lists into a file, wholly or not at all."""
    with replacing(output) as temporary:
        if form == "parquet":
            pq.write_table(found.table, temporary)
        else:
            temporary.write_text(as_text(found, form), encoding="utf-8", newline="\n")


def as_text(found: Recommendations, form: Form) -> str:
    """Return the lists as CSV, or as JSON with a line for each user."""
    if form == "json":
        return "".join(f"{line}\n" for line in _json_lines(found))
    sink = pyarrow.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(quoting_header="none")
    pyarrow.csv.write_csv(found.table, sink, options)
    text: str = sink.getvalue().to_pybytes().decode("utf-8")
    return text


def _json_lines(found: Recommendations) -> Iterator[str]:
    rows = iter(found.table.drop(["user_id"]).to_pylist())
    for user in found.users.to_pylist():
        items = [next(rows) for _ in range(user.pop("items"))]
        yield json.dumps({**user, "items": items}, ensure_ascii=False)


def terminal_table(found: Recommendations) -> Table:
    """Return the lists as a table for a terminal; of one user alone without the user."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    shown = found.table if len(found.users) > 1 else found.table.drop(["user_id"])
    table = Table(box=SIMPLE_HEAD)
    for name in shown.column_names:
        table.add_column(name, justify="right" if name in ("rank", "score") else "left")
    for row in shown.to_pylist():
        table.add_row(*map(_shown, row.values()))
    return table


def _shown(value: Any) -> str:
    from rich.markup import escape

    if value is None:  # an item without a title
        return ""
    return escape(f"{value:.4f}" if isinstance(value, float) else str(value))
