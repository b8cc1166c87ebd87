"""Items like one, as a notebook shows them."""

from __future__ import annotations

import pyarrow as pa

from seqrec.notebook.tabular import Tabular


class Similar(Tabular):
    """The items most like one: rank, item_id, score."""

    def __init__(self, table: pa.Table, item: str) -> None:
        self._table, self._item = table, item

    @property
    def table(self) -> pa.Table:
        """The items, nearest first."""
        return self._table

    def __repr__(self) -> str:
        return f"{len(self._table):,} items like {self._item}"
