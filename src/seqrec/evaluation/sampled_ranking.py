"""Ranks among sampled items, which follow from seed, user and target alone.

Every item has a number that is a hash of seed, user, target and itself; the unseen items with the
smallest ones are drawn. So no draw depends on another, on the order or size of the batches, or on
how much of a history the model looks at, and every device draws the same.

Shapes: B targets, V = items + 1 columns of scores (column 0 is padding), S seen pairs.
"""

from __future__ import annotations

import logging
from typing import Any

import torch
from torch import Tensor

from seqrec.batches import Examples, Sequences
from seqrec.errors import SeqrecError
from seqrec.evaluation.metrics import ranking_metrics
from seqrec.evaluation.ranker import Ranker, ScoredBatch, checked_ranks
from seqrec.evaluation.ranking import SeenItems, spoilt

log = logging.getLogger(__name__)

# The finaliser of SplitMix64 (Steele, Lea and Flood, 2014); the factors as signed integers.
STEP = 0x9E3779B97F4A7C15 - (1 << 64)
FACTORS = (0xBF58476D1CE4E5B9 - (1 << 64), 0x94D049BB133111EB - (1 << 64))
SHIFTS = (30, 27)
LAST_SHIFT = 31
NOT_DRAWN = torch.iinfo(torch.int64).max
NOTE = "ranked among sampled items only: for comparison with papers that did so"


class SampledRanks:
    """Ranks among so many unseen items, batch by batch.

    Args:
        data: the sequences; whole histories count as seen, whatever a model looks at.
        examples: the targets.
        ranker: in whose order they come.
        negatives: how many items, for each target.
        seed: draws them, with user and target.
        device: where the scores are.
    """

    def __init__(
        self,
        data: Sequences,
        examples: Examples,
        ranker: Ranker,
        negatives: int,
        seed: int,
        device: torch.device,
    ) -> None:
        ordered = examples.take(ranker.parts.order)
        self.ranker, self.examples = ranker, examples
        self.seen = SeenItems(data, ordered, device)
        self.users = torch.from_numpy(ordered.users).to(device).long()
        self.negatives, self.seed = negatives, seed
        self.ranks: list[tuple[slice, Tensor]] = []
        self.unseen: list[tuple[slice, Tensor]] = []

    def add(self, part: ScoredBatch) -> None:
        """Rank the targets of a batch."""
        rows = part.rows
        drawable = drawable_items(part.scores, part.targets, self.seen.pairs(rows))
        keys = item_keys(drawable, self.seed, self.users[rows], part.targets)
        ranks = ranks_among_drawn(part.scores, part.targets, keys, self.negatives)
        self.ranks.append((rows, ranks))
        self.unseen.append((rows, drawable.sum(dim=1)))

    def summary(self, split: str, cutoffs: tuple[int, ...]) -> dict[str, Any]:
        """Return the block ``sampled`` of the metrics.

        Raises:
            SeqrecError: no user has enough unseen items.
        """
        unseen = self.ranker.in_order(self.unseen, torch.long)
        check_negatives(self.negatives, int(unseen.max()))
        kept = (unseen >= self.negatives).cpu()
        ranks = checked_ranks(self.ranker.in_order(self.ranks)[kept.to(unseen.device)])
        users = self.examples.users
        left_out = len(set(users[~kept.numpy()].tolist()))
        if left_out:
            log.warning(
                "sampled metrics, %s: %s of %s targets left out, for %s users have fewer than %d "
                "unseen items (evaluation.sampled_negatives)",
                *(split, f"{len(users) - len(ranks):,}", f"{len(users):,}"),
                *(f"{left_out:,}", self.negatives),
            )
        return {
            "negatives": self.negatives,
            "note": NOTE,
            "targets": len(ranks),
            "left_out_targets": len(users) - len(ranks),
            "left_out_users": left_out,
            "metrics": ranking_metrics(ranks, cutoffs, users[kept.numpy()]),
        }


def check_negatives(negatives: int, most_unseen: int) -> None:
    """Raise a SeqrecError if no user has so many unseen items as negatives are drawn."""
    if most_unseen < negatives:
        raise SeqrecError(
            f"evaluation.sampled_negatives={negatives}, but no user has more than "
            f"{max(0, most_unseen)} unseen items to draw from; choose fewer"
        )


def drawable_items(scores: Tensor, targets: Tensor, seen: tuple[Tensor, Tensor]) -> Tensor:
    """Return (B, V) which items may be drawn: no padding, no target, none of the history."""
    drawable = torch.ones_like(scores, dtype=torch.bool)
    drawable[seen] = False
    drawable[:, 0] = False
    return drawable.scatter_(1, targets[:, None], value=False)


def item_keys(drawable: Tensor, seed: int, users: Tensor, targets: Tensor) -> Tensor:
    """Return (B, V) the number of each item for each target, the largest where none is drawn.

    Args:
        drawable: (B, V) which items may be drawn.
        seed: of the run.
        users: (B,) from 1.
        targets: (B,).
    """
    start = torch.full_like(users, seed)
    of_pair = _mixed(_mixed(_mixed(start) + users) + targets)
    items = torch.arange(drawable.shape[1], device=drawable.device)
    keys = _mixed(of_pair[:, None] + items)
    return keys.bitwise_and_(NOT_DRAWN).masked_fill_(~drawable, NOT_DRAWN)


def _mixed(numbers: Tensor) -> Tensor:
    """Return a hash of each number, in its place; products wrap around at 64 bits."""
    numbers = numbers.add_(STEP)
    for shift, factor in zip(SHIFTS, FACTORS, strict=True):
        numbers.bitwise_xor_(_shifted(numbers, shift)).mul_(factor)
    return numbers.bitwise_xor_(_shifted(numbers, LAST_SHIFT))


def _shifted(numbers: Tensor, shift: int) -> Tensor:
    """Shift to the right, zeros coming in, whatever the sign."""
    return (numbers >> shift).bitwise_and_((1 << (64 - shift)) - 1)


def ranks_among_drawn(scores: Tensor, targets: Tensor, keys: Tensor, negatives: int) -> Tensor:
    """Return (B,) expected ranks among the items with the smallest numbers.

    Args:
        scores: (B, V).
        targets: (B,).
        keys: (B, V) the items' numbers.
        negatives: how many are drawn; a row that has fewer gets a rank that means nothing.
    """
    count = min(negatives, keys.shape[1])
    draws = keys.topk(count, dim=1, largest=False, sorted=False).indices
    rivals = scores.gather(1, draws)
    own = scores.gather(1, targets[:, None])
    ranks = 1 + (~(rivals <= own)).sum(dim=1) + (rivals == own).sum(dim=1).float() / 2
    return spoilt(ranks, own[:, 0])
