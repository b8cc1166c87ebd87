"""The best of many scores, equals by their number: the same list every time.

Shapes: B rows, n columns, k the best of them.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


def best(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the k highest scores of each row, and their columns.

    Args:
        scores: (B, n).
        k: how many; all, where there are fewer columns.

    Returns:
        Scores and columns, (B, min(k, n)) each: highest first, equal ones by column, before all
        what is not a number.
    """
    k = min(k, scores.shape[1])
    values, columns = scores.topk(min(k + 1, scores.shape[1]), dim=1)
    if values.shape[1] > k:  # which of several equals stand at the end is chance
        last, next_one = values[:, k - 1], values[:, k]
        columns = columns[:, :k]
        tied = (last == next_one) & ~torch.isneginf(last) & ~torch.isnan(values[:, 0])
        tied = tied.nonzero()[:, 0]
        if len(tied):
            columns = columns.index_copy(0, tied, _first_of_equals(scores[tied], last[tied], k))
    columns = columns.sort(dim=1).values
    values, places = scores.gather(1, columns).sort(dim=1, descending=True, stable=True)
    return values, columns.gather(1, places)


def _first_of_equals(scores: Tensor, last: Tensor, k: int) -> Tensor:
    """Return (B, k) columns above the last score, and the first of those that reach it."""
    above = scores > last[:, None]
    equal = scores == last[:, None]
    left = k - above.sum(dim=1, keepdim=True)
    chosen = above | (equal & (equal.cumsum(dim=1) <= left))
    return chosen.nonzero()[:, 1].view(len(scores), k)


def best_of_blocks(blocks: Iterable[Tensor], k: int) -> tuple[Tensor, Tensor]:
    """Return the same of rows whose columns come in blocks, (B, n) each, one after the other."""
    found: tuple[Tensor, Tensor] | None = None
    first = 0
    for block in blocks:
        values, columns = best(block, k)
        found = _joined(found, (values, columns + first), k)
        first += block.shape[1]
    assert found is not None, "there is at least one block"
    return found


def _joined(
    found: tuple[Tensor, Tensor] | None, more: tuple[Tensor, Tensor], k: int
) -> tuple[Tensor, Tensor]:
    """Return the best of both; among equals, those of lower columns come first in either."""
    if found is None:
        return more
    values = torch.cat([found[0], more[0]], dim=1)
    columns = torch.cat([found[1], more[1]], dim=1)
    values, places = best(values, k)
    return values, columns.gather(1, places)
