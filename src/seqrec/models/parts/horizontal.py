"""Filters of every height over a history, each with its largest answer (Caser, section 3.2).

A filter of height h takes h successive columns of a history, from every place it fits in; the
largest of its answers counts. All filters of all heights are L (L + 1) / 2 products a filter
and row, most of them with padding. On the CPU only those with a real item are made: padding's
vector is taken from all columns, so that it becomes zero, and its own answer is added at the end.

Notable: the products of one column with all weights that ever meet it are one call. Seen from the
m-th item from the end, a window that ends g columns later takes it with the weights g rows from
a filter's end, and the heights that allow that are g + 1 to g + L - m: with the filters aligned
at their ends, the weights (and likewise the answers) of all g lie on a diagonal, which is a view.

Shapes: B histories, L columns and heights, N items, d channels, k filters of each height,
F = L k, E ends of windows.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ROWS_TOGETHER = 64
"""Histories whose answers are in memory at once: E k L numbers each."""
HEIGHTS_TOGETHER = 8
"""Of one convolution, where nothing may depend on the lengths of histories."""


class Group(NamedTuple):
    """Some histories next to each other, longest first."""

    rows: int
    counts: list[int]
    """How many of them have an item in a column, for each column that has any."""


class Filters(nn.Module):
    """Filters of one shape, drawn as torch's convolutions are."""

    def __init__(self, count: int, height: int, width: int) -> None:
        super().__init__()
        bound = (height * width) ** -0.5
        self.weight = nn.Parameter(torch.empty(count, height, width).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(count).uniform_(-bound, bound))


def largest_answers(x: Tensor, filters: Sequence[Tensor]) -> Tensor:
    """Return each filter's largest answer to (B, L, d): (B, F), by a few convolutions.

    Args:
        x: histories, padding included.
        filters: L of them, (k, h, d) for each height h from 1 to L.
    """
    length, aligned = x.shape[1], _aligned(filters)
    if not aligned.shape[1]:  # a convolution must have filters
        return x.new_zeros(len(x), 0)
    x, largest = x.transpose(1, 2), []
    for low in range(0, length, HEIGHTS_TOGETHER):
        high = min(low + HEIGHTS_TOGETHER, length)
        weights = aligned[low:high, :, length - high :].flatten(0, 1).transpose(1, 2)
        answers = F.conv1d(F.pad(x, (high - 1 - low, 0)), weights)
        answers = answers.unflatten(1, (high - low, -1))  # (B, heights, k, ends)
        ends = torch.arange(low, length, device=x.device)
        heights = torch.arange(low, high, device=x.device)
        answers = answers.masked_fill((ends < heights[:, None])[:, None], -torch.inf)
        largest.append(answers.amax(dim=3).flatten(1))
    return torch.cat(largest, dim=1)


def largest_answers_to_items(
    x: Tensor, padding: Tensor, groups: Sequence[Group], filters: Sequence[Tensor]
) -> Tensor:
    """Return the same of what is real alone, in the order of the groups.

    Args:
        x: (N, d), each item's vector less padding's, group by group and column by column.
        padding: (d,); gets no gradient.
        groups: the histories.
        filters: as in ``largest_answers``.
    """
    largest: Tensor = _Largest.apply(x, padding, groups, *filters)  # type: ignore[no-untyped-call]
    return largest


def _aligned(filters: Sequence[Tensor]) -> Tensor:
    """Stack filters (k, h, d) of all heights, zeros before the lower ones: (L, k, L, d)."""
    return torch.stack([F.pad(each, (0, 0, len(filters) - each.shape[1], 0)) for each in filters])


class _Largest(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, padding: Tensor, groups: Sequence[Group], *filters: Tensor
    ) -> Tensor:
        aligned = _aligned(filters)
        largest, ends = [], []
        for group, part in zip(groups, _parts(x, groups), strict=True):
            values, places = _largest_of(_answers(part, group, aligned), aligned.shape[1])
            largest.append(values)
            ends.append(places)
        ctx.save_for_backward(x, padding, aligned, *ends)
        ctx.groups = groups
        return torch.cat(largest) + (aligned.sum(dim=2) @ padding).flatten()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, padding, aligned, *ends = ctx.saved_tensors
        groups = ctx.groups
        of_x, of_aligned = torch.empty_like(x), torch.zeros_like(aligned)
        upstream = gradients[0].split([group.rows for group in groups])
        parts = zip(groups, _parts(x, groups), _parts(of_x, groups), upstream, ends, strict=True)
        for group, part, of_part, of_largest, places in parts:
            if group.counts:
                of_answers = _at_their_ends(of_largest, places, len(group.counts))
                _add_gradients(part, group, aligned, of_answers, of_part, of_aligned)
        whole = gradients[0].sum(dim=0).view(*aligned.shape[:2], 1, 1)
        of_aligned += whole * padding
        length = len(aligned)
        of_filters = [of_aligned[low, :, length - low - 1 :] for low in range(length)]
        return of_x, None, None, *of_filters


def _parts(x: Tensor, groups: Sequence[Group]) -> tuple[Tensor, ...]:
    parts: tuple[Tensor, ...] = x.split([sum(group.counts) for group in groups])
    return parts


def _answers(x: Tensor, group: Group, aligned: Tensor) -> Tensor:
    """Return (E, rows, F) the answers of windows by their ends, the last one the history's end.

    Where a window has no item, as the first of E, the answer is 0; and so it is left, and not
    to be looked at, where a window would begin before the history.
    """
    length, width = len(aligned), len(group.counts)
    answers = x.new_zeros(min(width + 1, length), group.rows, length * aligned.shape[1])
    for back, items in enumerate(reversed(x.split(group.counts))):
        weights = _weights(aligned, back)
        met = torch.bmm(items.expand(back + 1, *items.shape), weights.transpose(1, 2))
        _met(answers, back, len(items), aligned).add_(met)
    return answers


def _add_gradients(
    x: Tensor,
    group: Group,
    aligned: Tensor,
    of_answers: Tensor,
    of_x: Tensor,
    of_aligned: Tensor,
) -> None:
    """Write the gradient of the items, and add that of the filters to what is there."""
    parts = zip(x.split(group.counts), of_x.split(group.counts), strict=True)
    for back, (items, of_items) in enumerate(reversed(list(parts))):
        upstream = _met(of_answers, back, len(items), aligned)
        torch.sum(torch.bmm(upstream, _weights(aligned, back)), dim=0, out=of_items)
        repeated = items.expand(back + 1, *items.shape)
        _weights(of_aligned, back).add_(torch.bmm(upstream.transpose(1, 2), repeated))


def _weights(aligned: Tensor, back: int) -> Tensor:
    """Return what meets the item ``back`` columns from the end: (back + 1, (L - back) k, d).

    The g-th of them for windows that end g columns later.
    """
    length, count, _, dim = aligned.shape
    height, each, row, _ = aligned.stride()
    shape = (back + 1, (length - back) * count, dim)
    return aligned.as_strided(shape, (height - row, each, 1), (length - 1) * row)


def _met(answers: Tensor, back: int, rows: int, aligned: Tensor) -> Tensor:
    """Return where these products go: (back + 1, rows, (L - back) k)."""
    length, count = aligned.shape[:2]
    end, row, _ = answers.stride()
    shape = (back + 1, rows, (length - back) * count)
    return answers.as_strided(shape, (end + count, row, 1), (len(answers) - 1 - back) * end)


def _largest_of(answers: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return (rows, F) the largest answers over the ends, and how far from the end they are."""
    last, *earlier = answers.unbind()[::-1]
    largest, places = last.clone(), torch.zeros_like(last, dtype=torch.int16)
    for back, at_end in enumerate(earlier, start=1):
        fits = answers.shape[2] - back * count  # higher filters would begin before the history
        at_end, best = at_end[:, :fits], largest[:, :fits]
        places[:, :fits].masked_fill_(at_end > best, back)
        torch.maximum(at_end, best, out=best)
    return largest, places


def _at_their_ends(upstream: Tensor, places: Tensor, width: int) -> Tensor:
    """Return (width, rows, F) the gradients of the answers of windows with an item."""
    nothing = upstream.new_zeros(())
    backs = range(width - 1, -1, -1)
    return torch.stack([torch.where(places == back, upstream, nothing) for back in backs])
