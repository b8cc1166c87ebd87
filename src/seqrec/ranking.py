"""Scores to ranks and to top-k lists, under two sets of rules.

``standard``: padding never competes, items of the user's own history get -inf, a target tied
with n others gets the expected rank, n / 2 places further down. ``authors``: padding competes,
items of the history get score 0, and the target wins every tie.

Shapes: B targets, V = items + 1 columns of scores (column 0 is padding), S seen pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from seqrec.batches import Examples, Sequences
from seqrec.errors import SeqrecError


@dataclass(frozen=True)
class RankingRules:
    """What competes with the target, and who wins a tie."""

    padding_competes: bool
    seen_score: float | None
    """The score given to items of the user's history; None leaves them as they are."""
    target_wins_ties: bool


def ranking_rules(protocol: str, seen_items: str = "exclude") -> RankingRules:
    """Return the rules of a protocol; ``seen_items`` is a choice of ``standard`` alone."""
    if protocol == "authors":
        return RankingRules(padding_competes=True, seen_score=0.0, target_wins_ties=True)
    seen_score = -torch.inf if seen_items == "exclude" else None
    return RankingRules(padding_competes=False, seen_score=seen_score, target_wins_ties=False)


class SeenItems:
    """Every item of a user's history before the target, however long, on the device."""

    def __init__(self, sequences: Sequences, examples: Examples, device: torch.device) -> None:
        self.items = torch.from_numpy(sequences.items).to(device).long()
        begins = sequences.offsets[examples.users - 1]
        self.begins = torch.from_numpy(begins).to(device)
        self.lengths = torch.from_numpy(examples.ends - begins).to(device)

    def pairs(self, rows: slice) -> tuple[Tensor, Tensor]:
        """Return (S,) rows within the batch and (S,) items, for the targets ``rows``."""
        lengths, begins = self.lengths[rows], self.begins[rows]
        row = torch.repeat_interleave(torch.arange(len(lengths), device=lengths.device), lengths)
        first = lengths.cumsum(0) - lengths
        within = torch.arange(len(row), device=row.device) - first[row]
        return row, self.items[begins[row] + within]


def apply_rules(scores: Tensor, seen: tuple[Tensor, Tensor], rules: RankingRules) -> Tensor:
    """Write the rules into (B, V) scores, in place, and return them."""
    if rules.seen_score is not None:
        scores[seen] = rules.seen_score
    if not rules.padding_competes:
        scores[:, 0] = -torch.inf
    return scores


def target_ranks(scores: Tensor, targets: Tensor, rules: RankingRules) -> Tensor:
    """Return the rank of each target, 1 the best.

    Args:
        scores: (B, V), the rules already applied.
        targets: (B,).
        rules: who wins ties, and whether padding stands among the candidates.

    Returns:
        (B,) float64; fractional where a tie leaves the expectation between two places, NaN
        where the target's own score is not a number.
    """
    own = scores.gather(1, targets[:, None])
    # "not at most" rather than "above": a rival that is not a number counts against the target
    better = (~(scores <= own)).sum(dim=1).double()
    if not rules.target_wins_ties:
        ties = (scores == own).sum(dim=1).double() - 1
        if not rules.padding_competes:  # padding stands at -inf, where a seen target stands too
            ties -= torch.isneginf(own[:, 0]).double()
        better = better + ties / 2
    return (better + 1).masked_fill(torch.isnan(own[:, 0]), torch.nan)


def candidate_counts(scores: Tensor, targets: Tensor, rules: RankingRules) -> Tensor:
    """Return (B,) how many items the target is ranked among, itself included."""
    counts = torch.isfinite(scores).sum(dim=1)
    return counts + torch.isneginf(scores.gather(1, targets[:, None])[:, 0]).long()


def sampled_ranks(
    scores: Tensor,
    targets: Tensor,
    seen: tuple[Tensor, Tensor],
    negatives: int,
    generator: torch.Generator,
) -> Tensor:
    """Return expected ranks among ``negatives`` random unseen items, drawn without repeats.

    Args:
        scores: (B, V).
        targets: (B,).
        seen: rows and items of the histories; they are not drawn, nor is padding.
        negatives: how many, for each target.
        generator: draws on the CPU, so that every device ranks against the same items.

    Returns:
        (B,) float64.

    Raises:
        SeqrecError: a user has fewer unseen items than that.
    """
    drawable = torch.ones_like(scores, dtype=torch.bool)
    drawable[seen] = False
    drawable[:, 0] = False
    drawable.scatter_(1, targets[:, None], value=False)
    fewest = int(drawable.sum(dim=1).min())
    if fewest < negatives:
        raise SeqrecError(
            f"evaluation.sampled_negatives={negatives}, but a user has only {fewest} items left "
            "to draw from; choose fewer"
        )
    draws = torch.multinomial(drawable.float().cpu(), negatives, generator=generator)
    rivals = scores.gather(1, draws.to(scores.device))
    own = scores.gather(1, targets[:, None])
    return 1 + (~(rivals <= own)).sum(dim=1) + (rivals == own).sum(dim=1).double() / 2
