"""Item-item cosine: what the users of a history's items had besides (Sarwar et al., WWW 2001).

With n_i users of item i and n_ij of both, the similarity of j to i is n_ij / (n_i^a n_j^b): the
cosine of the items' columns where a = b = 1/2, raw co-occurrence where both are 0. A score is the
sum over the last items of the history, each weighing ``decay`` times the one after it; equals go by
popularity.

Notable: order matters only through the decay; an item is no neighbour of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

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
class CosineConfig(CountingConfig):
    """Defaults that are nowhere bad on validation; tuning starts from them."""

    source_exponent: Weight = 0.3
    """How much popular items of the history are held back: a, 0 is not at all."""
    target_exponent: Weight = 0.1
    """How much popular neighbours are held back: b, 0 is not at all."""
    last_items: Size = 30
    """How many of a history's last items count."""
    decay: Share = 0.85
    """Weight of an item of the history, as a share of that of the one after it."""
    neighbours: Size = 1000
    """How many other items an item keeps, the nearest by plain cosine."""
    trials: Size = 36

    @property
    def max_len(self) -> int:
        """How many of a history's last items it looks at."""
        return self.last_items


class Cosine(CountingModel):
    """Decayed sums of item similarities as scores."""

    Config: ClassVar[type] = CosineConfig
    config: CosineConfig
    space: ClassVar[Mapping[str, SearchRange]] = {
        "source_exponent": SearchRange(0.0, 0.8),
        "target_exponent": SearchRange(0.0, 0.6),
        "decay": SearchRange(0.2, 1.0),
    }

    def __init__(self, config: CosineConfig) -> None:
        super().__init__(config)
        self.similarities = ScoreRows(config.num_items)

    def fit(self, counts: Counts) -> None:
        """Divide the numbers of shared users."""
        super().fit(counts)
        config = self.config
        self.similarities.fill(similarities(counts, config.source_exponent, config.target_exponent))

    def scores(self, histories: Tensor) -> Tensor:
        """Return (B, items + 1) similarities to the last items."""
        last, decay = self.config.last_items, self.config.decay
        return recent_sum(self.similarities, histories, last, decay).add_(self.ties())
