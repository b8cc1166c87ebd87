"""What the two protocols are to a plain form.

Under ``authors`` padding takes part everywhere, under ``standard`` nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch.nn.functional as F
from torch import Tensor


def without_padding(x: Tensor, histories: Tensor, protocol: str) -> Tensor:
    """Return (B, L, d) with zeros where (B, L) histories have padding, under ``standard``."""
    return x if protocol == "authors" else x * (histories > 0).unsqueeze(-1)


def over_all_items(scores: Tensor, targets: Tensor, protocol: str) -> Tensor:
    """Return the cross entropy of (N,) targets; padding is a class under ``authors``."""
    if protocol == "authors":
        return F.cross_entropy(scores, targets)
    return F.cross_entropy(scores[:, 1:], targets - 1)


def asked(states: Tensor, targets: Tensor, *more: Tensor) -> tuple[Tensor, ...]:
    """Return the states that have a target, the targets, and what else stands beside them.

    Args:
        states: (B, L, d).
        targets: (B,) of prefixes, the last states'; (B, L) of whole sequences, 0 for none.
        more: shaped as the targets.
    """
    if targets.ndim == 1:
        return states[:, -1], targets, *more
    there = targets > 0
    return states[there], targets[there], *(each[there] for each in more)


def prefixes_of(items: list[int], max_len: int, protocol: str) -> Iterator[tuple[list[int], int]]:
    """Yield the prefixes of a user's training items with the items that follow them."""
    first = max(0, len(items) - max_len)
    for target in range(first, len(items)):
        start = first if protocol == "authors" else max(0, target - max_len)
        if target > start or protocol == "authors":
            yield items[start:target], items[target]
