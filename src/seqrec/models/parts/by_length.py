"""Histories of like length together, so that a group of them is no wider than it must be.

Where padding leaves no trace in a state, a batch may be cut to its longest history. That alone
gains little, for one of some hundreds is nearly always long; most are short. So a batch goes
through a model in groups, each cut to its own longest.

Shapes: B histories, W columns, d channels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seqrec.models.parts.columns import may_walk
from seqrec.models.parts.face import SequentialModel

FURTHER_GROUP = 80_000
"""Values, places times channels, that cost as much as the operations of one more group."""
SQUARES = 0.01
"""What a column costs more for each column beside it: attention looks from each at each."""


def encode_by_length(model: SequentialModel, histories: Tensor) -> Tensor:
    """Return a model's states after histories, some group of them at a time.

    Args:
        model: one whose ``encode`` treats each history by itself.
        histories: (B, W) item indices, padded with 0 on the left.

    Returns:
        (B, d), in the order of the histories.
    """
    groups = None
    if model.hides_padding:
        groups = groups_of_like_length(histories, model.item_vectors().shape[1])
    if groups is None:
        return model.encode(histories)
    parts = [model.encode(histories[rows, -width:]) for rows, width in groups]
    order = torch.cat([rows for rows, _ in groups])
    return torch.cat(parts)[order.argsort()]


def groups_of_like_length(histories: Tensor, channels: int) -> list[tuple[Tensor, int]] | None:
    """Return groups of rows of (B, W) histories and their widths, or None if they gain nothing.

    Args:
        histories: (B, W) item indices, padded with 0 on the left.
        channels: d, how many values the model has at each place.
    """
    if not may_walk(histories):
        return None
    lengths = real_lengths(histories)
    order = lengths.argsort(stable=True)
    groups = cheapest(lengths.bincount(minlength=1).numpy(), FURTHER_GROUP / channels)
    widths = [width for _, width in groups]
    if widths == [histories.shape[1]]:
        return None
    return list(zip(order.split([rows for rows, _ in groups]), widths, strict=True))


def cheapest(counts: npt.NDArray[np.int64], further: float) -> list[tuple[int, int]]:
    """Return the groups, of how many rows and how wide, that cost least; the shortest first.

    Args:
        counts: (W + 1,) how many rows have each length.
        further: what a group costs beside its places, in places.
    """
    widths = np.flatnonzero(counts)
    rows = np.concatenate([[0], counts[widths].cumsum()])
    least, begins = np.zeros(len(rows)), np.zeros(len(rows), np.int64)
    for end, width in enumerate(widths, start=1):  # the last group so far is as wide as this
        costs = least[:end] + further + (rows[end] - rows[:end]) * width * (1 + SQUARES * width)
        begins[end] = costs.argmin()
        least[end] = costs[begins[end]]
    groups, end = [], len(widths)
    while end:
        begin = begins[end]
        groups.append((int(rows[end] - rows[begin]), int(widths[end - 1])))
        end = begin
    return groups[::-1]


def real_lengths(histories: Tensor) -> Tensor:
    """Return (B,) how many columns each history needs: from its first item on, at least one."""
    real = (histories != 0).cumsum(dim=1) > 0
    return real.sum(dim=1).clamp(min=1)
