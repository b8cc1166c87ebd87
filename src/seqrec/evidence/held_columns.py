"""Sums of rows where most columns are empty: of the columns alone that any row of a history holds.

The same sums as ``channel_sums``, in the same order, without a pass over whole rows of the catalog.

Shapes: B histories of L items, C channels, V = items + 1, E entries of rows, U held columns of all
histories together, M of one at the most, K entries of a list.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from seqrec.evidence.channels import CHANNELS, REACH, ages
from seqrec.evidence.pair_tables import Tables


class HeldColumns(NamedTuple):
    """What the channels say of the columns that the rows of histories hold."""

    columns: Tensor
    """(U,) item indices, those of one history after those of another, sorted."""
    counts: Tensor
    """(B,) how many of them a history has."""
    values: Tensor
    """(C, U)."""

    def largest(self) -> Tensor:
        """Return (C, B) each channel's largest value."""
        found = torch.segment_reduce(
            self.values.t().contiguous(), "max", lengths=self.counts, initial=0
        )
        return found.t()

    def strongest(self, length: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return the columns with the largest sums of their channels.

        Args:
            length: K.

        Returns:
            (B, K) columns, 0 for none; (B, K, C) what the channels say of them; and (B,) how many
            columns have something said of them.
        """
        score = self.values.sum(dim=0)
        begins = self.counts.cumsum(0) - self.counts
        steps = torch.arange(int(self.counts.max()), device=score.device)
        places = (begins[:, None] + steps).clamp(max=max(len(score) - 1, 0))
        score = score[places] * (steps < self.counts[:, None])
        # of columns that are alike the first: whatever else is in the batch
        key = (score.view(torch.int32).long() << 32) - steps
        at = key.topk(min(length, len(steps)), dim=1).indices
        chosen = places.gather(1, at)
        listed = score.gather(1, at) > 0
        columns = self.columns[chosen] * listed
        features = self.values[:, chosen].permute(1, 2, 0) * listed[:, :, None]
        missing = length - columns.shape[1]
        padded = (
            torch.nn.functional.pad(columns, (0, missing)),
            torch.nn.functional.pad(features, (0, 0, 0, missing)),
        )
        return (*padded, (score > 0).sum(dim=1))


def held_columns(tables: Tables, histories: Tensor) -> HeldColumns:
    """Return the channels' sums after histories, divided, 0 for items of the history.

    Args:
        tables: on the device.
        histories: (B, L) item indices, oldest first, padded with 0 on the left; B is not 0.
    """
    recent = histories[:, -REACH:]
    place, entry = _entries(tables, recent)
    lines = torch.arange(len(recent), device=recent.device)[:, None] * tables.size
    keys = lines.expand_as(recent).flatten().index_select(0, place)
    keys += tables.columns.index_select(0, entry)
    found, target = keys.unique(return_inverse=True)
    columns = found % tables.size
    counts = torch.bincount(found // tables.size, minlength=len(recent))
    values = _sums(tables, recent, place, entry, target, len(found))
    for value, channel in zip(values, CHANNELS, strict=True):
        value /= tables.divisors[channel.kind].index_select(0, columns)
    # what stands in the history has no evidence
    values *= ~torch.isin(found, lines + histories, assume_unique=False)
    return HeldColumns(columns, counts, values)


def most_entries(tables: Tables, histories: Tensor) -> int:
    """Return how many entries the rows of a history have, at the most."""
    recent = histories[:, -REACH:]
    degrees = tables.offsets[recent + 1] - tables.offsets[recent]
    return int(degrees.sum(dim=1).max())


def _sums(
    tables: Tables, recent: Tensor, place: Tensor, entry: Tensor, target: Tensor, size: int
) -> Tensor:
    """Return (C, U) sums of the entries by channel, each at its target."""
    sums = tables.values.new_zeros(len(CHANNELS), size)
    for kind in sorted({channel.kind for channel in CHANNELS}):
        values = tables.values[kind].index_select(0, entry)
        for number, channel in enumerate(CHANNELS):
            if channel.kind == kind:
                weights = tables.sources[kind][recent] * ages(channel, recent)
                added = weights.flatten().index_select(0, place).mul_(values)
                _add(sums[number], target, added)
    return sums


def _entries(tables: Tables, histories: Tensor) -> tuple[Tensor, Tensor]:
    """Return (E,) to which place of which history an entry belongs, and where it stands."""
    items = histories.flatten()
    begins = tables.offsets.index_select(0, items)
    lengths = tables.offsets.index_select(0, items + 1) - begins
    place = torch.repeat_interleave(lengths)
    entry = torch.arange(len(place), device=items.device)
    entry += (begins - (lengths.cumsum(0) - lengths)).index_select(0, place)
    return place, entry


def _add(sums: Tensor, target: Tensor, added: Tensor) -> None:
    if sums.device.type == "cpu":
        sums.index_add_(0, target, added)
    else:  # where index_add_ would add in any order
        sums.index_put_((target,), added, accumulate=True)
