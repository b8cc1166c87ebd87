"""Markov: the items that followed a history's last item most often in the training part.

A chain of first order, by maximum likelihood: the score of j after i is how often j came right
after i, as a share of i's most frequent follower; equals go by popularity. With a wider ``window``
what came d places after i counts too, gamma^(d - 1) times.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from seqrec.models.parts.bounds import Share, Size
from seqrec.models.parts.counting import CountingConfig, CountingModel, Counts, recent_sum
from seqrec.models.parts.score_rows import ScoreRows
from seqrec.models.parts.search_range import SearchRange


@dataclass(frozen=True)
class MarkovConfig(CountingConfig):
    """A plain chain; ``trials`` above 1 tune the window and its weights."""

    window: Size = 1
    """How many places apart two items may be and still count as a transition."""
    gamma: Share = 1.0
    """Weight of a transition over d places: gamma^(d - 1)."""
    trials: Size = 1


class Markov(CountingModel):
    """Transition counts as scores."""

    Config: ClassVar[type] = MarkovConfig
    config: MarkovConfig
    space: ClassVar[Mapping[str, SearchRange]] = {
        "window": SearchRange(1, 10),
        "gamma": SearchRange(0.1, 1.0),
    }

    def __init__(self, config: MarkovConfig) -> None:
        super().__init__(config)
        self.transitions = ScoreRows(config.num_items)

    def fit(self, counts: Counts) -> None:
        """Count the followers, weighted by distance."""
        super().fit(counts)
        self.transitions.fill(counts.transitions.weighted(self.config.window, self.config.gamma))

    def scores(self, histories: Tensor) -> Tensor:
        """Return (B, items + 1) the followers of the last items."""
        return recent_sum(self.transitions, histories, last=1, decay=1.0).add_(self.ties())
