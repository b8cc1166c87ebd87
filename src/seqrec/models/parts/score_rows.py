"""A sparse table of scores, item by item, that is summed over the items of a history.

Notable: a table that is an eighth full is summed as a dense one, rows of memory at a time; a
sparser one entry by entry. Either way in a fixed order, so that results repeat to the last digit.

Shapes: B histories of L items, V = items + 1 (row and column 0 are padding, and empty), P entries.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqrec.evidence.pairs import Pairs

DENSE_FROM = 8
"""A table with more than V² / 8 entries is dense: it takes at most four times the memory."""
NAMES = ("offsets", "columns", "values")


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
        self.register_load_state_dict_pre_hook(_take_their_sizes)  # type: ignore[no-untyped-call]

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
            rows = torch.repeat_interleave(self.offsets.diff())
            self._table = self.values.new_zeros(self.size, self.size)
            self._table[rows, self.columns.long()] = self.values
        return self._table

    def _sum_entries(self, histories: Tensor, weights: Tensor) -> Tensor:
        """Add entry by entry; ``index_select`` takes a tenth of the time of ``x[index]``."""
        rows, device = len(histories), histories.device
        items = histories.flatten()
        begins = self.offsets.index_select(0, items)
        lengths = self.offsets.index_select(0, items + 1) - begins
        # which place of which history an entry belongs to, and where it stands
        place = torch.repeat_interleave(lengths)
        entry = torch.arange(len(place), device=device)
        entry += (begins - (lengths.cumsum(0) - lengths)).index_select(0, place)
        whole = torch.int32 if rows * self.size < 2**31 else torch.long
        line = torch.arange(rows, device=device, dtype=whole) * self.size
        target = line.repeat_interleave(histories.shape[1]).index_select(0, place)
        target += self.columns.index_select(0, entry)
        added = self.values.index_select(0, entry)
        added *= weights.repeat(rows).index_select(0, place)
        sums = self.values.new_zeros(rows * self.size)
        if device.type == "cpu":
            sums.index_add_(0, target, added)
        else:  # where index_add_ would add in any order
            sums.index_put_((target.long(),), added, accumulate=True)
        return sums.view(rows, self.size)


def _take_their_sizes(module: nn.Module, state: Any, prefix: str, *_: object) -> None:
    """Make room for the entries that are to be loaded: only the data know how many there are."""
    tensors = [state.get(prefix + name) for name in NAMES]
    if any(tensor is None for tensor in tensors):
        return  # load_state_dict says what is missing
    offsets, columns, values = tensors
    if len(columns) != len(values) or int(offsets[-1]) != len(values):
        raise ValueError(f"{prefix}offsets, columns and values do not belong together")
    module.columns, module.values = torch.empty_like(columns), torch.empty_like(values)
