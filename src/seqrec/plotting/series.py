"""What tells the lines of a table apart: their names, colours and dashes."""

from collections import Counter
from typing import Any, NamedTuple

import pandas as pd

from seqrec.errors import SeqrecError
from seqrec.plotting.colours import colour

DIFFERENCES = ("dataset", "model", "branch", "protocol")
"""The columns that tell lines apart."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
"""Of lines of the same model, which have its one colour."""


class Series(NamedTuple):
    """What a table holds of one line."""

    name: str
    line: dict[str, Any]
    """Colour and dash."""
    rows: pd.DataFrame


def series(table: pd.DataFrame, *, without: str = "") -> list[Series]:
    """Return the lines of a table, in the order of their first rows, named by what differs.

    A model has the colour it has everywhere; several lines of one model differ in their dashes.

    Args:
        table: with some of the columns ``DIFFERENCES``; ``model`` always.
        without: one of them that tells panels apart instead of lines.

    Raises:
        SeqrecError: the table is empty.
    """
    if table.empty:
        raise SeqrecError(
            "a picture was asked for of a table without rows; make the cells it is of first"
        )
    present = [name for name in DIFFERENCES if name in table and name != without]
    differing = [name for name in present if table[name].nunique() > 1] or ["model"]
    lines: list[Series] = []
    of_model: Counter[str] = Counter()
    for key, rows in table.groupby(differing, sort=False):
        name = ", ".join(str(part) for part in key if part != "all")
        model = str(rows["model"].iloc[0])
        dash = DASHES[of_model[model] % len(DASHES)]
        lines.append(Series(name, {"color": colour(model), "dash": dash}, rows))
        of_model[model] += 1
    return lines
