"""Cross entropy over all items, some of which have a bonus and some of which are no classes.

Notable: as in ``items``, value and gradients together, in chunks; the bonus is added to a chunk of
logits where it stands, and its gradient read from there.

Shapes: N rows (states), V = items + 1, d channels, K items with a bonus, W items left out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from seqrec.losses.items import Padding, Softmax, accumulated

OUT = -1e4
"""Added to the logit of an item that is no class."""


class Bonus(NamedTuple):
    """What comes on top of the products of states and item vectors."""

    columns: Tensor
    """(N, K) item indices, each once; 0 for none."""
    values: Tensor
    """(N, K), added to their logits."""
    without: Tensor
    """(N, W) items that are no classes, 0 for none."""


def cross_entropy_with_bonus(
    states: Tensor,
    item_vectors: Tensor,
    targets: Tensor,
    bonus: Bonus,
    *,
    padding: Padding = "none",
) -> Tensor:
    """Return the mean cross entropy of the targets.

    Args:
        states: (N, d).
        item_vectors: (V, d), row 0 for padding.
        targets: (N,) item indices from 1; a target stays a class though it is to be left out.
        bonus: on top of the logits; its values may want a gradient.
        padding: what item 0 is to the softmax.

    Returns:
        A scalar. Its gradients are computed at once, if they are wanted.
    """
    without = bonus.without * (bonus.without != targets[:, None])
    loss: Tensor = _WithBonus.apply(  # type: ignore[no-untyped-call]
        states, item_vectors, targets, bonus.columns, bonus.values, without, padding
    )
    return loss


def plain_cross_entropy_with_bonus(
    states: Tensor,
    item_vectors: Tensor,
    targets: Tensor,
    bonus: Bonus,
    *,
    padding: Padding = "none",
) -> Tensor:
    """Return the same by the textbook: one (N, V) array of logits, gradients by autograd."""
    logits = states @ item_vectors.T
    if padding == "zero":
        logits = logits * (torch.arange(len(item_vectors), device=logits.device) != 0)
    logits = logits.scatter_add(1, bonus.columns, bonus.values * (bonus.columns != 0))
    without = bonus.without * (bonus.without != targets[:, None])
    out = torch.zeros_like(logits, dtype=torch.bool).scatter_(1, without, value=True)
    out[:, 0] = padding == "none"
    return F.cross_entropy(logits.masked_fill(out, -torch.inf), targets)


class _WithBonus(torch.autograd.Function):
    """Value and gradients together; the gradients are scaled in the backward pass."""

    @staticmethod
    def forward(
        ctx: Any,
        states: Tensor,
        item_vectors: Tensor,
        targets: Tensor,
        columns: Tensor,
        values: Tensor,
        without: Tensor,
        padding: Padding,
    ) -> Tensor:
        first = 1 if padding == "none" else 0
        task = _SoftmaxWithBonus(
            states.detach(),
            item_vectors.detach(),
            targets - first,
            torch.full_like(targets, 1 / len(targets), dtype=accumulated(states.dtype)),
            first=first,
            zero_class=padding == "zero",
        )
        task.add(Bonus(columns, values.detach(), without), first)
        wanted = any(ctx.needs_input_grad)
        loss = task.by_rows(wanted) if task.fits_by_rows() else task.by_blocks(wanted)
        if wanted:
            ctx.save_for_backward(task.of_states, task.of_vectors, task.of_values.to(values.dtype))
        return loss

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        of_states, of_vectors, of_values = (found.mul_(gradients[0]) for found in ctx.saved_tensors)
        return of_states, of_vectors, None, None, of_values, None, None


class _SoftmaxWithBonus(Softmax):
    """The softmax with a bonus on some logits."""

    def add(self, bonus: Bonus, first: int) -> None:
        """Take the bonus; item ``first`` is class 0."""
        self.counts = bonus.columns != 0
        self.columns, self.values = bonus.columns - first, bonus.values * self.counts
        self.without, self.out = bonus.without - first, OUT * (bonus.without != 0)
        self.of_values = torch.zeros_like(self.values)

    def _logits(self, rows: slice, block: slice) -> Tensor:
        logits = super()._logits(rows, block)
        for columns, values in ((self.columns, self.values), (self.without, self.out)):
            places, here = _within(columns[rows], block, logits)
            added = values[rows] if here is None else values[rows] * here
            logits.scatter_add_(1, places, added.to(logits.dtype))
        return logits

    def _own_logits(self) -> Tensor:
        own = super()._own_logits()
        return own + (self.values * (self.columns == self.targets[:, None])).sum(dim=1)

    def _of_logits(self, shares: Tensor, rows: slice, first: int) -> None:
        super()._of_logits(shares, rows, first)
        block = slice(first, first + shares.shape[1])
        places, here = _within(self.columns[rows], block, shares)
        found = shares.gather(1, places).to(self.of_values.dtype) * self.counts[rows]
        if here is None:
            self.of_values[rows] = found
        else:
            self.of_values[rows] += found * here


def _within(classes: Tensor, block: slice, logits: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return the places of classes in a block, and which lie there; None for all that count."""
    if block.start is None or (not block.start and block.stop is None):
        return classes.clamp(min=0), None
    places = classes - block.start
    here = (places >= 0) & (places < logits.shape[1])
    return places.clamp(0, logits.shape[1] - 1), here
