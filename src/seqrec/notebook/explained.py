"""What scores are made of, as a notebook shows it."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from seqrec.notebook.tabular import Tabular


class Explanation(Tabular):
    """The parts of items' scores: item_id, part, score, because_of, count."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    @property
    def table(self) -> pa.Table:
        """A row a part of an item's score, items in the order in which they were asked for."""
        return self._table

    def plot(self) -> Any:
        """Return a figure: a bar an item, made of the parts of its score."""
        from seqrec.plotting.score_parts import reasons_figure

        return reasons_figure(self._table)

    def __repr__(self) -> str:
        return f"what the scores of {len(self._table['item_id'].unique()):,} items are made of"
