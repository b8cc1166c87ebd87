"""Results that show themselves in a notebook, and are plain Arrow tables underneath."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import pandas as pd

FIRST_ROWS = 10
"""How many rows of a table are shown."""
STYLE = "text-align:{}; padding:2px 10px"


class Tabular:
    """One table, with a line that says what it is."""

    @property
    def table(self) -> pa.Table:
        """The table."""
        raise NotImplementedError

    def to_pandas(self) -> pd.DataFrame:
        """Return the table as a pandas DataFrame."""
        frame: pd.DataFrame = self.table.to_pandas()
        return frame

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.table)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Hand the table to whatever speaks Arrow: polars, DuckDB, Ibis, pandas."""
        return self.table.__arrow_c_stream__(requested_schema)

    def _repr_html_(self) -> str:
        return arrow_html(self.table, repr(self))


def arrow_html(table: pa.Table, caption: str) -> str:
    """Return the first rows of a table as HTML."""
    head = table.slice(0, FIRST_ROWS).to_pydict()
    rows = [[_shown(value) for value in row] for row in zip(*head.values(), strict=True)]
    if len(table) > FIRST_ROWS:
        rows.append(["…"] * len(head))
    texts = [place for place, kind in enumerate(table.schema.types) if pa.types.is_string(kind)]
    return html_table(list(head), rows, caption, texts)


def html_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    caption: str,
    texts: Collection[int] = (0,),
) -> str:
    """Return an HTML table.

    Args:
        header: names of the columns.
        rows: their texts.
        caption: a line above them.
        texts: which columns hold texts, from 0; the others hold numbers.
    """
    head, *body = (
        _row(kind, cells, texts) for kind, cells in (("th", header), *(("td", row) for row in rows))
    )
    top = f'<caption style="text-align:left">{escape(caption)}</caption>'
    return f"<table>{top}<thead>{head}</thead><tbody>{''.join(body)}</tbody></table>"


def _row(kind: str, cells: Sequence[str], texts: Collection[int]) -> str:
    sides = ("left" if place in texts else "right" for place in range(len(cells)))
    shown = (
        f'<{kind} style="{STYLE.format(side)}">{escape(cell)}</{kind}>'
        for side, cell in zip(sides, cells, strict=True)
    )
    return f"<tr>{''.join(shown)}</tr>"


def _shown(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if isinstance(value, float) else str(value)
