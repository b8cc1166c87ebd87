"""Channels: what the tables say for the items of a history, the last ones most.

A channel sums one table's rows over a history, an item back at a time weighing ``decay`` of the
item after it: P(t) = decay · P(t - 1) + row(h_t). Several channels of one table differ in how
soon they forget.

Shapes: B histories of L items, C channels, V = items + 1, E entries of rows.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from seqrec.evidence.pair_tables import AFTER, BEFORE, NEXT, TOGETHER, Tables

FORGOTTEN = 1e-5
"""An item counts no more where its weight is below this."""
SOON_FORGOTTEN = 0.6
"""A channel with this decay or less is about the last few items."""
DENSE_FROM = 8
"""Tables with more than V² / 8 pairs are summed as dense ones, where V² is small enough."""
MOST_CELLS = 1 << 24
"""Of a dense table: 64 MB."""


class Channel(NamedTuple):
    """A table and how soon it forgets."""

    kind: int
    decay: float

    @property
    def name(self) -> str:
        """What a reader is told: ``after the last items``."""
        last = self.decay <= SOON_FORGOTTEN
        if self.kind == NEXT:
            return "directly after the last item"
        way = {AFTER: "after", BEFORE: "before", TOGETHER: "together with"}[self.kind]
        return f"{way} the last items" if last else f"{way} the history"

    @property
    def reach(self) -> int:
        """How many of the last items count."""
        if not self.decay:
            return 1
        return 1 + math.floor(math.log(FORGOTTEN) / math.log(self.decay))


CHANNELS = (
    Channel(NEXT, 0.0),
    Channel(AFTER, 0.4),
    Channel(AFTER, 0.8),
    Channel(BEFORE, 0.6),
    Channel(TOGETHER, 0.6),
    Channel(TOGETHER, 0.95),
)
REACH = max(channel.reach for channel in CHANNELS)
"""How many items of a history the evidence looks at."""


def channel_sums(tables: Tables, histories: Tensor) -> Tensor:
    """Return (C, B, V) what each channel says of each item after histories, not yet divided.

    Args:
        tables: on the device.
        histories: (B, L) item indices, oldest first, padded with 0 on the left.
    """
    kinds = sorted({channel.kind for channel in CHANNELS})
    sums = tables.values.new_empty(len(CHANNELS), len(histories), tables.size)
    for kind in kinds:
        own = [number for number, channel in enumerate(CHANNELS) if channel.kind == kind]
        longest = max(CHANNELS[number].reach for number in own)
        recent = histories[:, -longest:]
        weights = tables.sources[kind][recent] * (recent != 0)
        rows = _Rows(tables, kind, recent)
        for number in own:
            rows.sum_into(sums[number], weights * ages(CHANNELS[number], recent))
    return sums


def ages(channel: Channel, histories: Tensor) -> Tensor:
    """Return (L,) what the items of histories weigh by their places, the last one 1."""
    back = torch.arange(histories.shape[1] - 1, -1, -1, device=histories.device)
    return channel.decay ** back.to(torch.float32) * (back < channel.reach)


def is_dense(tables: Tables) -> bool:
    """Whether rows hold so much that they are added up as those of a dense table."""
    return DENSE_FROM * len(tables.columns) > tables.size**2 <= MOST_CELLS


class _Rows:
    """The rows of one table for the items of (B, L) histories; summed in a fixed order."""

    def __init__(self, tables: Tables, kind: int, histories: Tensor) -> None:
        self.histories, self.tables, self.kind = histories, tables, kind
        self.dense = is_dense(tables)
        if not self.dense:
            self._find_entries()

    def _find_entries(self) -> None:
        """Find what the rows hold; ``index_select`` takes a tenth of the time of ``x[index]``."""
        tables, histories = self.tables, self.histories
        items = histories.flatten()
        begins = tables.offsets.index_select(0, items)
        lengths = tables.offsets.index_select(0, items + 1) - begins
        # which place of which history an entry belongs to, and where it stands
        self.place = torch.repeat_interleave(lengths)
        entry = torch.arange(len(self.place), device=items.device)
        entry += (begins - (lengths.cumsum(0) - lengths)).index_select(0, self.place)
        line = torch.arange(len(histories), device=items.device) * tables.size
        self.target = line.repeat_interleave(histories.shape[1]).index_select(0, self.place)
        self.target += tables.columns.index_select(0, entry)
        self.values = tables.values[self.kind].index_select(0, entry)

    def sum_into(self, sums: Tensor, weights: Tensor) -> None:
        """Write the (B, V) sums of the rows, weighted by (B, L)."""
        if self.dense:
            table = self.tables.dense(self.kind)
            sums.copy_(
                torch.nn.functional.embedding_bag(
                    self.histories, table, per_sample_weights=weights, mode="sum"
                )
            )
            return
        added = weights.flatten().index_select(0, self.place).mul_(self.values)
        flat = sums.zero_().view(-1)
        if flat.device.type == "cpu":
            flat.index_add_(0, self.target, added)
        else:  # where index_add_ would add in any order
            flat.index_put_((self.target,), added, accumulate=True)
