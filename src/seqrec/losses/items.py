"""Losses over all items, or over a sample of them.

Notable: the cross entropy computes its gradient together with its value, in chunks of rows, so
that a chunk of logits stays in the cache and no (rows, items) array is ever whole; a catalog too
wide for that is walked in blocks of items.

Shapes: N rows (states), V = items + 1, d channels, C classes (V, or V - 1 without padding).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from seqrec.machine.products import columns_by_columns, inner


class Held(NamedTuple):
    """Items that are no negatives."""

    items: Tensor
    """(B, S) item indices in any order, 0 for none; the same one may stand twice."""
    of: Tensor
    """(N,) which row of ``items`` each state takes."""


Seen = Callable[[], Held]
"""What a batch's states must not get as negatives; only losses that draw some ask for it."""
Padding = Literal["class", "zero", "none"]
"""What item 0 is to the softmax: a class like any other, one whose logit is always 0, nothing."""

CACHED = 1 << 20
"""Logits of a chunk on the CPU, for each core: 4 MB."""
RESIDENT = 1 << 27
"""Logits of a chunk on an accelerator: 512 MB."""
WORTH_LEAVING_OUT = 0.9
"""Rows without a target are left out where fewer than this share have one."""
FEWEST_ROWS = 32
"""Below this many rows a product wastes the processor: blocks of items then."""


class ItemLoss(Protocol):
    """A loss that compares states with the vectors of their targets and of other items."""

    def __call__(self, states: Tensor, item_vectors: Tensor, targets: Tensor, seen: Seen) -> Tensor:
        """Map (N, d), (V, d) and (N,) to a scalar; rows with target 0 do not count.

        Without a target the loss is 0.

        ``seen`` gives, when called, the items that are no negatives.
        """


@dataclass(frozen=True)
class CrossEntropy:
    """Cross entropy with all items as classes."""

    padding: Padding = "none"

    def __call__(
        self, states: Tensor, item_vectors: Tensor, targets: Tensor, seen: Seen | None = None
    ) -> Tensor:
        """Return the mean over the rows that have a target."""
        return chunked_cross_entropy(states, item_vectors, targets, padding=self.padding)


def chunked_cross_entropy(
    states: Tensor, item_vectors: Tensor, targets: Tensor, *, padding: Padding = "none"
) -> Tensor:
    """Return the mean cross entropy of the targets, with all items as classes.

    Args:
        states: (N, d).
        item_vectors: (V, d), row 0 for padding.
        targets: (N,) item indices from 1; a row with target 0 does not count.
        padding: what item 0 is to the softmax.

    Returns:
        A scalar. Its gradient is computed at once, if one is wanted.
    """
    loss: Tensor = _CrossEntropy.apply(  # type: ignore[no-untyped-call]
        states, item_vectors, targets, padding
    )
    return loss


def plain_cross_entropy(
    states: Tensor, item_vectors: Tensor, targets: Tensor, *, padding: Padding = "none"
) -> Tensor:
    """Return the same by the textbook: one (N, C) array of logits, gradients by autograd."""
    if padding == "none":
        return F.cross_entropy(states @ item_vectors[1:].T, targets - 1, ignore_index=-1)
    logits = states @ item_vectors.T
    if padding == "zero":
        logits = logits * (torch.arange(len(item_vectors), device=logits.device) != 0)
    return F.cross_entropy(logits, targets, ignore_index=0)


def logits_at_once(device: torch.device) -> int:
    """Return how many logits a chunk may have: as much as the cores' caches hold together."""
    return CACHED * torch.get_num_threads() if device.type == "cpu" else RESIDENT


def accumulated(dtype: torch.dtype) -> torch.dtype:
    """Return the type in which sums over such values are kept."""
    return torch.float32 if dtype.itemsize < 4 else dtype


class _CrossEntropy(torch.autograd.Function):
    """Value and gradients together; the gradients are scaled in the backward pass."""

    @staticmethod
    def forward(
        ctx: Any, states: Tensor, item_vectors: Tensor, targets: Tensor, padding: Padding
    ) -> Tensor:
        rows = rows_that_count(targets)
        kept_states = states if rows is None else states[rows]
        kept = targets if rows is None else targets[rows]
        first = 1 if padding == "none" else 0
        weights = (kept != 0).to(accumulated(states.dtype))
        task = Softmax(
            kept_states.detach(),
            item_vectors.detach(),
            (kept - first).clamp(min=0),
            weights / weights.sum().clamp(min=1),
            first=first,
            zero_class=padding == "zero",
        )
        wanted = any(ctx.needs_input_grad[:2])
        loss = task.by_rows(wanted) if task.fits_by_rows() else task.by_blocks(wanted)
        if wanted:
            ctx.save_for_backward(_at_rows(task.of_states, rows, states), task.of_vectors)
        return loss

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        of_states, of_vectors = ctx.saved_tensors
        return of_states.mul_(gradients[0]), of_vectors.mul_(gradients[0]), None, None


def rows_that_count(targets: Tensor) -> Tensor | None:
    """Return the rows that count, or None for all: on a GPU, asking would wait for it.

    A few rows without a target stay: a product has to be prepared for each new shape.
    """
    if targets.device.type != "cpu":
        return None
    rows = targets.nonzero().squeeze(1)
    return None if len(rows) > WORTH_LEAVING_OUT * len(targets) else rows


def _at_rows(gradient: Tensor, rows: Tensor | None, like: Tensor) -> Tensor:
    if rows is None:
        return gradient.to(like.dtype)
    return torch.zeros_like(like).index_copy_(0, rows, gradient)


class Softmax:
    """One softmax over all classes, and the gradients of its cross entropy.

    Args:
        states: (N, d).
        item_vectors: (V, d).
        targets: (N,) classes.
        weights: (N,) share of each row in the mean.
        first: the item that is class 0.
        zero_class: the logit of class 0 is 0, whatever its vector.
    """

    def __init__(
        self,
        states: Tensor,
        item_vectors: Tensor,
        targets: Tensor,
        weights: Tensor,
        *,
        first: int,
        zero_class: bool,
    ) -> None:
        self.states, self.vectors, self.targets = states, item_vectors[first:], targets
        self.weights, self.zero_class = weights, zero_class
        self.budget = logits_at_once(states.device)
        self.of_states = torch.empty_like(states)
        self.of_vectors = torch.zeros_like(item_vectors)
        self.of_classes = self.of_vectors[first:]

    def fits_by_rows(self) -> bool:
        """Whether a chunk with all classes and enough rows for a good product is small enough."""
        return len(self.vectors) * FEWEST_ROWS <= 4 * self.budget

    def by_rows(self, wanted: bool) -> Tensor:
        """Walk over chunks of rows, each with all classes: three products in all."""
        loss = self.weights.new_zeros(())
        # the shorter side first: a product with few rows is the faster one to add up
        of_classes = self.of_classes.new_zeros(self.of_classes.shape[::-1]) if wanted else None
        size = max(FEWEST_ROWS, self.budget // len(self.vectors))
        for first in range(0, len(self.states), size):
            rows = slice(first, first + size)
            logits = self._logits(rows, slice(None))
            highest, own = logits.amax(dim=1), self._own(logits, rows)
            shares = logits.softmax(dim=1)
            # exp(highest - log-sum-exp) is the largest share: no second pass of exponentials
            normaliser = highest.to(own.dtype) - shares.amax(dim=1).to(own.dtype).log()
            loss += ((normaliser - own) * self.weights[rows]).sum()
            if of_classes is not None:
                self._of_logits(shares, rows, 0)
                self.of_states[rows] = inner(shares, self.vectors.t())
                of_classes += inner(self.states[rows].t(), shares.t())
        if of_classes is not None:
            self.of_classes.copy_(of_classes.t())
        return loss

    def by_blocks(self, wanted: bool) -> Tensor:
        """Walk over blocks of classes, twice: four products, memory independent of the classes."""
        rows, blocks = slice(None), self._blocks()
        normaliser, own = self._normaliser(blocks)
        loss = ((normaliser - own) * self.weights).sum()
        if wanted:
            self.of_states.zero_()
            for block in blocks:
                shares = self._logits(rows, block).sub_(normaliser[:, None]).exp_()
                self._of_logits(shares, rows, block.start)
                self.of_states += inner(shares, self.vectors[block].t())
                self.of_classes[block] = columns_by_columns(shares, self.states)
        return loss

    def _blocks(self) -> list[slice]:
        size = max(1, self.budget // max(1, len(self.states)))
        return [slice(first, first + size) for first in range(0, len(self.vectors), size)]

    def _normaliser(self, blocks: list[slice]) -> tuple[Tensor, Tensor]:
        """Return the log-sum-exp of all logits, and the targets' own logits: (N,) each."""
        normaliser = torch.full_like(self.weights, -torch.inf)
        for block in blocks:
            part = self._logits(slice(None), block).to(self.weights.dtype).logsumexp(dim=1)
            normaliser = torch.logaddexp(normaliser, part)
        return normaliser, self._own_logits()

    def _own_logits(self) -> Tensor:
        """Return the targets' own logits, (N,)."""
        own = (self.states * self.vectors[self.targets]).sum(dim=1)
        return own * (self.targets != 0) if self.zero_class else own

    def _logits(self, rows: slice, block: slice) -> Tensor:
        logits = inner(self.states[rows], self.vectors[block])
        if self.zero_class and not block.start:
            logits[:, 0] = 0
        return logits

    def _own(self, logits: Tensor, rows: slice) -> Tensor:
        own = logits.gather(1, self.targets[rows, None]).squeeze(1)
        return own.to(self.weights.dtype)

    def _of_logits(self, shares: Tensor, rows: slice, first: int) -> None:
        """Turn shares, of classes from ``first`` on, into the gradient of their logits."""
        weights = self.weights[rows]
        shares *= weights[:, None].to(shares.dtype)
        within = self.targets[rows] - first
        here = (within >= 0) & (within < shares.shape[1])
        within = within.clamp(0, shares.shape[1] - 1)
        shares.scatter_add_(1, within[:, None], -(weights * here).to(shares.dtype)[:, None])
        if self.zero_class and first == 0:
            shares[:, 0] = 0
