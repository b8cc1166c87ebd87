"""A sparse table of scores, item by item, that is summed over the items of a history.

Notable: a table that is an eighth full is summed as a dense one, rows of memory at a time; a
sparser one entry by entry. Either way in a fixed order, so that results repeat to the last digit.

Shapes: B histories of L items, V = items + 1 (row and column 0 are padding, and empty), P entries.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqrec.evidence.pairs import Pairs
from seqrec.evidence.sparse_rows import add_at, as_dense, entries_of, take_their_sizes

DENSE_FROM = 8
"""A table with more than V² / 8 entries is dense: it takes at most four times the memory."""


class ScoreRows(nn.Module):
    """One row of scores an item: what a history with this item says for the others.

    Args:
        num_items: V - 1.
    """

    offsets: Tensor
    """(V + 1,) where the row of an item begins."""
    columns: Tensor
    """(P,)."""
    values: Tensor
    """(P,)."""

    def __init__(self, num_items: int) -> None:
        super().__init__()
        self.size = num_items + 1
        self.register_buffer("offsets", torch.zeros(self.size + 1, dtype=torch.long))
        self.register_buffer("columns", torch.zeros(0, dtype=torch.int32))
        self.register_buffer("values", torch.zeros(0))
        self._table: Tensor | None = None
        self.register_load_state_dict_pre_hook(take_their_sizes)  # type: ignore[no-untyped-call]

    def fill(self, pairs: Pairs) -> None:
        """Take the rows of these pairs: the first item's row has the value at the second's."""
        per_row = np.bincount(pairs.first, minlength=self.size)
        self.offsets = torch.from_numpy(np.concatenate([[0], np.cumsum(per_row)]))
        self.columns = torch.from_numpy(pairs.second)
        self.values = torch.from_numpy(pairs.values.astype(np.float32))
        self._table = None

    def forward(self, histories: Tensor, weights: Tensor) -> Tensor:
        """Return (B, V) sums of the rows of (B, L) items, weighted by their places (L,)."""
        if len(self.values) * DENSE_FROM > self.size**2:
            places = weights.expand(histories.shape).contiguous()
            return F.embedding_bag(histories, self.table(), per_sample_weights=places, mode="sum")
        return self._sum_entries(histories, weights)

    def table(self) -> Tensor:
        """Return the whole (V, V) table, which is kept."""
        if self._table is None or self._table.device != self.values.device:
            self._table = as_dense(self.offsets, self.columns, self.values)
        return self._table

    def _sum_entries(self, histories: Tensor, weights: Tensor) -> Tensor:
        """Add entry by entry."""
        rows = len(histories)
        place, entry = entries_of(self.offsets, histories.flatten())
        whole = torch.int32 if rows * self.size < 2**31 else torch.long
        line = torch.arange(rows, device=histories.device, dtype=whole) * self.size
        target = line.repeat_interleave(histories.shape[1]).index_select(0, place)
        target += self.columns.index_select(0, entry)
        added = self.values.index_select(0, entry)
        added *= weights.repeat(rows).index_select(0, place)
        sums = self.values.new_zeros(rows * self.size)
        add_at(sums, target, added)
        return sums.view(rows, self.size)
