"""Losses that compare a target with a few negatives of its own: BCE, gBCE and BPR.

Negatives are drawn uniformly from the items that neither the history nor the target holds. That
takes one draw each, without trial and error: with the held items in order, the r-th free item is
r plus the number of held items before it.

Shapes: N states, d channels, V = items + 1, n negatives, B histories with S items each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from seqrec.losses import Held, Seen, accumulated, rows_that_count

Sampler = Callable[[Held], Tensor]
"""Draws (N, n) negatives."""


@dataclass(frozen=True)
class UniformNegatives:
    """Draws negatives uniformly from the items that are not held.

    Where every item is held, any may be drawn.
    """

    num_items: int
    count: int
    """n."""

    def __call__(self, held: Held) -> Tensor:
        """Return (N, n) item indices."""
        gaps, free = _gaps(held.items, self.num_items)
        # float32 cannot tell tens of millions of items apart, and MPS has no float64
        kind = torch.float32 if gaps.device.type == "mps" else torch.float64
        draws = torch.rand(len(held.of), self.count, dtype=kind, device=gaps.device)
        free_item = (draws * free[held.of, None]).long()
        passed = torch.searchsorted(gaps[held.of], free_item, right=True)
        return (free_item + passed + 1).clamp(max=self.num_items)


def _gaps(items: Tensor, num_items: int) -> tuple[Tensor, Tensor]:
    """Return, of (B, S) held items, how many free ones lie before each, and how many in all.

    Returns:
        (B, S) in ascending order, ``num_items`` where nothing is held, and (B,), at least 1.
    """
    ordered = items.sort(dim=1).values
    distinct = torch.cat([ordered[:, :1] != 0, ordered[:, 1:] != ordered[:, :-1]], dim=1)
    before = distinct.cumsum(dim=1)
    gaps = torch.where(distinct & (ordered != 0), ordered - before, num_items)
    free = (num_items - before[:, -1]).clamp(min=1)
    return gaps.sort(dim=1).values, free


class BinaryCrossEntropy:
    """-log σ(target) - Σ log(1 - σ(negative)): SASRec (arXiv 1808.09781), equation 10.

    With ``calibration`` it is gBCE (gSASRec, arXiv 2308.07192, equations 8 to 11): the target's
    term is weighted by beta < 1, against the overconfidence that a sample of negatives breeds.

    Args:
        sampler: draws the negatives.
        beta: weight of the target's term; 1 is plain BCE.
        per_term: divide by n + 1, as gBCE does.
    """

    def __init__(self, sampler: Sampler, *, beta: float = 1.0, per_term: bool = False) -> None:
        self.sampler, self.beta, self.per_term = sampler, beta, per_term

    def __call__(self, states: Tensor, item_vectors: Tensor, targets: Tensor, seen: Seen) -> Tensor:
        """Return the mean over the states that have a target; ``ItemLoss`` says of what."""
        own, others, counted = _compared(self.sampler, states, item_vectors, targets, seen)
        losses = self.beta * F.softplus(-own) + F.softplus(others).sum(dim=1)
        if self.per_term:
            losses = losses / (1 + others.shape[1])
        return (losses * counted).sum() / counted.sum().clamp(min=1)


class BayesianPersonalisedRanking:
    """-log σ(target - negative), the mean over the negatives (BPR, arXiv 1205.2618)."""

    def __init__(self, sampler: Sampler) -> None:
        self.sampler = sampler

    def __call__(self, states: Tensor, item_vectors: Tensor, targets: Tensor, seen: Seen) -> Tensor:
        """Return the mean over the states that have a target; ``ItemLoss`` says of what."""
        own, others, counted = _compared(self.sampler, states, item_vectors, targets, seen)
        losses = F.softplus(others - own[:, None]).mean(dim=1)
        return (losses * counted).sum() / counted.sum().clamp(min=1)


def gbce_beta(num_items: int, negatives: int, calibration: float) -> float:
    """Return gBCE's beta for a sampling rate and a calibration t (arXiv 2308.07192, eq. 11).

    Args:
        num_items: at least 2.
        negatives: drawn for each target.
        calibration: t from 0 (plain BCE) to 1 (fully calibrated).
    """
    rate = min(1.0, negatives / (num_items - 1))
    return rate * (calibration * (1 - 1 / rate) + 1 / rate)


def _compared(
    sampler: Sampler, states: Tensor, item_vectors: Tensor, targets: Tensor, seen: Seen
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the logits of targets (N,) and negatives (N, n), and which targets count (N,)."""
    held, rows = seen(), rows_that_count(targets)
    if rows is not None:
        states, targets, held = states[rows], targets[rows], Held(held.items, held.of[rows])
    own = (states * F.embedding(targets, item_vectors)).sum(dim=1)
    negatives = F.embedding(sampler(held), item_vectors)
    others = (negatives @ states.unsqueeze(2)).squeeze(2)
    kind = accumulated(own.dtype)
    return own.to(kind), others.to(kind), (targets != 0).to(kind)
