"""Lists: the items with the most evidence at a moment, and what is told of each.

Shapes: B moments, C channels, V = items + 1, K entries of a list, M columns at hand.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from seqrec.evidence.channels import CHANNELS, channel_sums
from seqrec.evidence.held_columns import held_columns, most_entries
from seqrec.evidence.pair_tables import Tables

FEATURES = len(CHANNELS) + 1
"""Of an entry: what each channel says, and the item's popularity."""
MOMENTS = 3 + len(CHANNELS)
"""Of a moment: length, users of the last item, items with evidence, each channel's largest."""
CELLS_AT_ONCE = 1 << 22
"""Sums of all channels together: 16 MB, for they are gone over many times."""
WIDE = 1 << 15
"""Items from which on the columns that rows hold are looked up, and the others left alone."""
ENTRIES_AT_ONCE = 1 << 18
"""Of the rows of all histories together, there."""


class Evidence(NamedTuple):
    """What the log says at some moments."""

    columns: Tensor
    """(B, K) item indices, strongest first; 0 where there are no more."""
    features: Tensor
    """(B, K, FEATURES), of entries; 0 where there is none."""
    moments: Tensor
    """(B, MOMENTS)."""


def evidence_after(tables: Tables, histories: Tensor, scales: Tensor, length: int) -> Evidence:
    """Return the lists after histories.

    Args:
        tables: on the device.
        histories: (B, L) item indices, oldest first, padded with 0 on the left; each has an item.
        scales: (C,) what a channel's largest value is on average.
        length: K.
    """
    wide = is_wide(tables) and len(histories) > 0
    made = _of_held_columns if wide else _of_whole_rows
    rows = histories_at_once(tables, histories) if len(histories) else 1
    parts = [made(tables, part, scales, length) for part in histories.split(rows)]
    return Evidence(*(torch.cat(tensors) for tensors in zip(*parts, strict=True)))


def is_wide(tables: Tables) -> bool:
    """Whether the catalog is so large that passing over it costs more than looking up columns."""
    return tables.size > WIDE


def histories_at_once(tables: Tables, histories: Tensor) -> int:
    """Return how many of (B, L) histories are summed together."""
    if is_wide(tables):
        return max(1, ENTRIES_AT_ONCE // max(1, most_entries(tables, histories)))
    return max(1, CELLS_AT_ONCE // (len(CHANNELS) * tables.size))


def largest_values(tables: Tables, histories: Tensor) -> Tensor:
    """Return (C, B) the largest value of each channel after (B, L) histories, not scaled."""
    rows = histories_at_once(tables, histories)
    if is_wide(tables):
        parts = [held_columns(tables, part).largest() for part in histories.split(rows)]
    else:
        parts = [divided_sums(tables, part).amax(dim=2) for part in histories.split(rows)]
    return torch.cat(parts, dim=1)


def _of_held_columns(tables: Tables, histories: Tensor, scales: Tensor, length: int) -> Evidence:
    """Return the lists of few histories, by the columns alone that their rows hold."""
    held = held_columns(tables, histories)
    held.values.div_(scales[:, None])
    columns, features, found = held.strongest(min(length, tables.size - 1))
    return _told(tables, histories, columns, features, found, held.largest())


def _of_whole_rows(tables: Tables, histories: Tensor, scales: Tensor, length: int) -> Evidence:
    """Return them by sums over the whole catalog."""
    values = divided_sums(tables, histories)
    values /= scales[:, None, None]
    score = values.sum(dim=0)
    best, columns = score.topk(min(length, tables.size - 1), dim=1)
    columns = columns * (best > 0)
    features = torch.stack([value.gather(1, columns) for value in values], dim=2)
    found = (score > 0).sum(dim=1)
    return _told(tables, histories, columns, features, found, values.amax(dim=2))


def _told(
    tables: Tables,
    histories: Tensor,
    columns: Tensor,
    features: Tensor,
    found: Tensor,
    largest: Tensor,
) -> Evidence:
    """Return what is told of listed columns (B, K), whose scaled channels are (B, K, C)."""
    lengths = (histories != 0).sum(dim=1)
    moments = told_of_moments(lengths, tables.users[histories[:, -1]], found, largest.T)
    told = told_of_entries(features, tables.popularity[columns], tables.mean_popularity)
    return Evidence(columns, told * (columns != 0)[:, :, None], moments)


def divided_sums(tables: Tables, histories: Tensor) -> Tensor:
    """Return (C, B, V) what each channel says of each item, 0 for those of the history."""
    values = channel_sums(tables, histories)
    for value, channel in zip(values, CHANNELS, strict=True):
        value /= tables.divisors[channel.kind]
        value.scatter_(1, histories, 0.0)
    values[:, :, 0] = 0
    return values


def told_of_entries(features: Tensor, counts: Tensor, mean: Tensor) -> Tensor:
    """Return (…, FEATURES) of listed items.

    Args:
        features: (…, C) scaled channels.
        counts: (…) popularities.
        mean: of all items, as the tables have it.
    """
    popularity = (torch.log1p(counts) - mean) / 2
    return torch.cat([_damped(features), popularity[..., None]], dim=-1)


def told_of_moments(lengths: Tensor, users: Tensor, found: Tensor, largest: Tensor) -> Tensor:
    """Return (B, MOMENTS) features.

    Args:
        lengths: (B,) of the histories.
        users: (B,) of their last items.
        found: (B,) how many items have evidence.
        largest: (B, C) scaled channels' largest values.
    """
    counts = torch.stack([lengths.float(), users.float(), found.float()], dim=1)
    shift, width = counts.new_tensor([2.0, 2.0, 5.0]), counts.new_tensor([1.5, 1.5, 2.0])
    return torch.cat([(torch.log1p(counts) - shift) / width, _damped(largest) - 1], dim=1)


def _damped(values: Tensor) -> Tensor:
    return torch.log1p(values * 20) / 2
