"""``seqrec recommend``: lists from a model folder, without a project around it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqrec.commands import fail
from seqrec.errors import SeqrecError, unknown_name

if TYPE_CHECKING:
    from seqrec.recommendation.given_histories import Columns
    from seqrec.recommendation.recommendations import Recommendations

FILE = click.Path(path_type=Path)
FILE_SUFFIXES = (".csv", ".tsv", ".parquet", ".json", ".jsonl", ".ndjson", ".txt", ".gz", ".zip")


@click.command("recommend", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--model", "folder", type=FILE, required=True, help="The folder of a trained model.")
@click.option("--history", help="One history: a,b,c, oldest first.")
@click.option(
    "--histories",
    metavar="FILE",
    help="CSV, Parquet or JSON lines, or - for standard input: a row an interaction (user_id, "
    "item_id and perhaps timestamp), or a row a user (user_id, history).",
)
@click.option("-k", "--k", default=10, show_default=True, help="Length of a list.")
@click.option(
    "--seen-items",
    metavar="exclude|keep",
    help="Whether items of the history may stand in the list; as the model was evaluated unless "
    "given: they may not, under protocol authors they have score 0.",
)
@click.option("--candidates", metavar="IDS|FILE", help="Only these: a,b,c or a file (item_id).")
@click.option("--exclude", metavar="IDS|FILE", help="Never these; with user_id: not for this one.")
@click.option(
    "--fallback",
    default="popular",
    show_default=True,
    metavar="popular|none",
    help="What a history without a known item gets.",
)
@click.option("--columns", help="Names of their own: user=customer,item=sku,timestamp=day.")
@click.option("--format", "form", metavar="table|csv|json|parquet", help="Of the output.")
@click.option("--output", type=FILE, help="A file; its name says the format.")
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|mps")
def recommend(
    folder: Path,
    history: str | None,
    histories: str | None,
    columns: str | None,
    form: str | None,
    output: Path | None,
    device: str,
    **told: Any,
) -> None:
    """Give lists for histories in your own item ids, of users known or new."""
    try:
        if (history is None) == (histories is None):
            raise SeqrecError("give either --history a,b,c or --histories FILE")
        # torch comes with these: not for --help
        from seqrec.recommendation.output_files import as_text, form_of, terminal_table, write

        names, kind = _columns(columns), form_of(form, output)
        found = _lists(folder, device, history, histories, names, told)
        if output is not None:
            write(found, kind, output)
        elif kind != "table":
            click.echo(as_text(found, kind), nl=False)
    except SeqrecError as error:
        fail(error)
    if kind == "table":
        from rich.console import Console

        width = None if sys.stdout.isatty() else 10_000  # a pipe cuts nothing off
        Console(highlight=False, width=width).print(terminal_table(found))
    for line in found.remarks():
        click.echo(line, err=True)


def _lists(
    folder: Path,
    device: str,
    history: str | None,
    histories: str | None,
    columns: Columns,
    told: dict[str, Any],
) -> Recommendations:
    """Read everything, and make the lists."""
    from seqrec.models.folder import load_model
    from seqrec.recommendation.input_files import read_histories
    from seqrec.recommendation.item_ids import ids_between_commas
    from seqrec.recommendation.recommender import Recommender

    for name in ("candidates", "exclude"):
        told[name] = _items(told[name], name, columns)
    given: Any = [ids_between_commas(history)] if history is not None else None
    if histories is not None:
        given = read_histories(histories, columns)
    recommender = Recommender(load_model(folder), device=device)
    return recommender.recommend(given, columns=columns, **told)


def _items(given: str | None, name: str, columns: Columns) -> Any:
    """Return ids, or the table of a file, which is what looks like one."""
    if given is None:
        return None
    # ids may be longer than a path can be, which Path.is_file() does not take
    if os.path.isfile(given) or ("," not in given and given.endswith(FILE_SUFFIXES)):
        from seqrec.recommendation.input_files import read_items

        return read_items(given, columns)
    from seqrec.recommendation.item_ids import ids_between_commas

    return ids_between_commas(given)


def _columns(text: str | None) -> Columns:
    """Return the names that a user gives to columns.

    Raises:
        SeqrecError: there is no such column.
    """
    from seqrec.recommendation.given_histories import Columns

    known = Columns.__dataclass_fields__
    names: dict[str, str] = {}
    for part in filter(None, map(str.strip, (text or "").split(","))):
        column, equals, name = part.partition("=")
        if not equals or not name:
            raise SeqrecError(f"--columns {part}: write {column}=NAME, as user=customer,item=sku")
        if column not in known:
            raise unknown_name("column of --columns", column, known)
        names[column] = name
    return Columns(**names)
