"""Histories of like length together, so that a group of them is no wider than it must be.

Where padding leaves no trace in a state, a batch may be cut to its longest history. That alone
gains little, for one of some hundreds is nearly always long; most are short. So a batch goes
through a model in groups, each cut to its own longest.

Shapes: B histories, W columns, d channels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from seqrec.models.parts.columns import may_walk
from seqrec.models.parts.face import SequentialModel

ROWS = 64
"""Of a group, at most: enough for good products, few enough to stay in the cache."""
FEWEST_PLACES = 1 << 13
"""With fewer places, rows times columns, further operations cost more than the padding."""
WORTH_IT = 0.75
"""Groups must get by with this share of the places."""


def encode_by_length(model: SequentialModel, histories: Tensor) -> Tensor:
    """Return a model's states after histories, some group of them at a time.

    Args:
        model: one whose ``encode`` treats each history by itself.
        histories: (B, W) item indices, padded with 0 on the left.

    Returns:
        (B, d), in the order of the histories.
    """
    groups = groups_of_like_length(histories) if model.hides_padding else None
    if groups is None:
        return model.encode(histories)
    parts = [model.encode(histories[rows, -width:]) for rows, width in groups]
    order = torch.cat([rows for rows, _ in groups])
    return torch.cat(parts)[order.argsort()]


def groups_of_like_length(histories: Tensor) -> list[tuple[Tensor, int]] | None:
    """Return groups of rows of (B, W) histories and their widths, or None if they gain nothing."""
    if histories.numel() < FEWEST_PLACES or not may_walk(histories):
        return None
    lengths = real_lengths(histories)
    order = lengths.argsort(stable=True).chunk(-(-len(lengths) // ROWS))
    groups = [(rows, int(lengths[rows[-1]])) for rows in order]
    places = sum(len(rows) * width for rows, width in groups)
    return groups if places <= WORTH_IT * histories.numel() else None


def real_lengths(histories: Tensor) -> Tensor:
    """Return (B,) how many columns each history needs: from its first item on, at least one."""
    real = (histories != 0).cumsum(dim=1) > 0
    return real.sum(dim=1).clamp(min=1)
