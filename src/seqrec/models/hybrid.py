"""Hybrid: item-item cosine plus transitions, both summed over the last items of a history.

Two things that the data say without any training, and that complement each other: which item came
soon after which (T), and which items have users in common (C). S counts the transitions within a
window, gamma^(d - 1) at distance d, plus a share of those in the other direction;
T_ij = S_ij / (out_i^a in_j^b) with the row and column sums of S. C is as in ``cosine``. For a
history, A sums T's rows and B sums C's, each over its own number of last items, with its own decay:

    score = A / max(A) + weight * B / max(B), and popularity between equals.

Notable: on LastFM this is above trained models, on Sports level with them, on Beauty and ML-1M
below the best of them (docs/replication.md). The window and the numbers of last items are not
tuned: gamma and the decays say as much, and fewer parameters are found in fewer trials.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from seqrec.evidence.pairs import Pairs
from seqrec.models.parts.bounds import Share, Size, Weight
from seqrec.models.parts.counting import (
    CountingConfig,
    CountingModel,
    Counts,
    recent_sum,
    similarities,
)
from seqrec.models.parts.score_rows import ScoreRows
from seqrec.models.parts.search_range import SearchRange


@dataclass(frozen=True)
class HybridConfig(CountingConfig):
    """Defaults that are nowhere bad on validation; tuning starts from them."""

    window: Size = 10
    """How many places apart two items may be and still count as a transition."""
    gamma: Share = 0.85
    """Weight of a transition over d places: gamma^(d - 1)."""
    reverse: Share = 0.2
    """Weight of a transition in the other direction, as a share of that in the right one."""
    transition_source_exponent: Weight = 0.25
    """How much popular items of the history are held back in the transitions: a, 1 makes a row a
    distribution, 0 leaves the counts."""
    transition_target_exponent: Weight = 0.1
    """How much popular followers are held back in the transitions: b, 0 is not at all."""
    transition_items: Size = 30
    """How many of a history's last items count in the sum of transitions."""
    transition_decay: Share = 0.6
    """Weight of an item in that sum, as a share of that of the one after it."""
    cosine_source_exponent: Weight = 0.5
    """How much popular items of the history are held back in the cosines, as ``source_exponent``
    of ``cosine``."""
    cosine_target_exponent: Weight = 0.2
    """How much popular neighbours are held back in the cosines, as ``target_exponent`` of
    ``cosine``."""
    cosine_items: Size = 30
    """How many of a history's last items count in the sum of cosines."""
    cosine_decay: Share = 0.95
    """Weight of an item in that sum, as a share of that of the one after it."""
    cosine_weight: Weight = 0.8
    """Weight of the sum of cosines; that of the transitions has 1."""
    neighbours: Size = 1000
    """How many other items an item keeps among the cosines, the nearest by plain cosine."""
    trials: Size = 36

    @property
    def max_len(self) -> int:
        """How many of a history's last items it looks at."""
        return max(self.transition_items, self.cosine_items)


class Hybrid(CountingModel):
    """Transitions and similarities as scores."""

    Config: ClassVar[type] = HybridConfig
    config: HybridConfig
    space: ClassVar[Mapping[str, SearchRange]] = {
        "gamma": SearchRange(0.2, 1.0),
        "reverse": SearchRange(0.0, 0.8),
        "transition_source_exponent": SearchRange(0.0, 0.8),
        "transition_target_exponent": SearchRange(0.0, 0.6),
        "transition_decay": SearchRange(0.2, 0.95),
        "cosine_source_exponent": SearchRange(0.2, 0.8),
        "cosine_target_exponent": SearchRange(0.0, 0.5),
        "cosine_decay": SearchRange(0.4, 1.0),
        "cosine_weight": SearchRange(0.1, 5.0, log=True),
    }

    def __init__(self, config: HybridConfig) -> None:
        super().__init__(config)
        self.transitions = ScoreRows(config.num_items)
        self.similarities = ScoreRows(config.num_items)

    def fit(self, counts: Counts) -> None:
        """Weigh and divide the counts."""
        super().fit(counts)
        self.transitions.fill(self._normalised_transitions(counts))
        self.similarities.fill(self._similarities(counts))

    def _similarities(self, counts: Counts) -> Pairs:
        """Return C."""
        config = self.config
        return similarities(counts, config.cosine_source_exponent, config.cosine_target_exponent)

    def _normalised_transitions(self, counts: Counts) -> Pairs:
        """Return T."""
        config = self.config
        weighted = counts.transitions.weighted(config.window, config.gamma, config.reverse)
        out, into = weighted.sums()
        return weighted.divided(
            out**config.transition_source_exponent, into**config.transition_target_exponent
        )

    def scores(self, histories: Tensor) -> Tensor:
        """Return (B, items + 1) the sum of both sides."""
        config = self.config
        a = recent_sum(
            self.transitions, histories, config.transition_items, config.transition_decay
        )
        b = recent_sum(self.similarities, histories, config.cosine_items, config.cosine_decay)
        return a.add_(b, alpha=config.cosine_weight).add_(self.ties())
