"""Scores to ranks and to top-k lists, under two sets of rules.

``standard``: padding never competes, items of the user's own history get -inf, and a target that is
itself in the history an infinite rank. ``authors``: padding competes, and items of the history get
score 0. Under both a target tied with n others gets the expected rank, n / 2 places further down.

Shapes: B targets, V = items + 1 columns of scores (column 0 is padding), S seen pairs.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from seqrec.batches import Examples, Sequences
from seqrec.protocol import RankingRules


class SeenItems:
    """Every item of a user's history before the target, on the device.

    Args:
        sequences: the data.
        examples: the targets.
        device: where the items live.
        window: how many of a user's last training items count, with all that follow them; None
            for all.
    """

    def __init__(
        self,
        sequences: Sequences,
        examples: Examples,
        device: torch.device,
        window: int | None = None,
    ) -> None:
        self.items = torch.from_numpy(sequences.items).to(device).long()
        begins = sequences.offsets[examples.users - 1]
        if window is not None:
            begins = np.maximum(begins, sequences.train_ends()[examples.users - 1] - window)
        self.begins = torch.from_numpy(begins).to(device)
        self.lengths = torch.from_numpy(examples.ends - begins).to(device)
        self.totals = np.concatenate([[0], np.cumsum(examples.ends - begins)])

    def pairs(self, rows: slice) -> tuple[Tensor, Tensor]:
        """Return (S,) rows within the batch and (S,) items, for the targets ``rows``."""
        lengths, begins = self.lengths[rows], self.begins[rows]
        first, stop, _ = rows.indices(len(self.lengths))
        row = torch.repeat_interleave(
            torch.arange(len(lengths), device=lengths.device),
            lengths,
            # known here: the device need not be asked
            output_size=int(self.totals[stop] - self.totals[first]),
        )
        before = lengths.cumsum(0) - lengths
        within = torch.arange(len(row), device=row.device) - before[row]
        return row, self.items[begins[row] + within]


def apply_rules(scores: Tensor, seen: tuple[Tensor, Tensor], rules: RankingRules) -> Tensor:
    """Write the rules into (B, V) scores, in place, and return them."""
    if rules.seen_score is not None:
        scores[seen] = rules.seen_score
    if not rules.padding_competes:
        scores[:, 0] = -torch.inf
    return scores


def target_ranks(scores: Tensor, targets: Tensor) -> Tensor:
    """Return the rank of each target, 1 the best.

    Args:
        scores: (B, V), the rules already applied.
        targets: (B,).

    Returns:
        (B,) float32, exact up to eight million items; fractional where a tie leaves the
        expectation between two places, infinite where the target itself may not be recommended,
        NaN where its score is not a number.
    """
    own = scores.gather(1, targets[:, None])
    # Ones and zeros as floats: counting bools takes five times as long on a CPU.
    matches = torch.empty_like(scores)
    # All but those at most as good: a rival that is not a number counts against the target.
    ranks = 1 + scores.shape[1] - torch.le(scores, own, out=matches).sum(dim=1)
    ranks += (torch.eq(scores, own, out=matches).sum(dim=1) - 1) / 2
    return spoilt(ranks, own[:, 0])


def spoilt(ranks: Tensor, own: Tensor) -> Tensor:
    """Put infinity where the target is out of the ranking, NaN where its score is no number."""
    ranks = ranks.masked_fill(torch.isneginf(own), torch.inf)
    return ranks.masked_fill(torch.isnan(own), torch.nan)


def candidate_counts(scores: Tensor) -> Tensor:
    """Return (B,) how many items compete in (B, V) scores with the rules applied."""
    return torch.isfinite(scores).sum(dim=1)
