"""What the models without training share: they are counted, and their parameters are tried out.

Such a model is a sum of tables' rows for the last items of a history. ``fit`` fills the tables
from counts that are the same for all parameters; ``space`` says what may be tuned, and where
(``seqrec.training.counted``).

Shapes: B histories of L items, V = items + 1.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor

from seqrec.batches import Sequences
from seqrec.evidence.pairs import LaggedPairs, Pairs, SharedUsers, lagged_pairs, shared_users
from seqrec.models.parts.bounds import Size
from seqrec.models.parts.face import Scorer, ScoringModel
from seqrec.models.parts.score_rows import ScoreRows
from seqrec.models.parts.search_range import SearchRange
from seqrec.protocol import Protocol

TIES = 1e-4
"""What the most popular item gets on top of scores between 0 and 1: it decides between equals."""


@dataclass(frozen=True)
class CountingConfig:
    """What every model without training is told."""

    num_items: Size
    protocol: Protocol = "standard"

    @property
    def max_len(self) -> int:
        """How many of a history's last items it looks at."""
        return 1


class Counts:
    """What is counted in the training part, once, when it is first asked for.

    Args:
        sequences: the data.
        widest: the configuration with the widest reach that will be tried.
    """

    def __init__(self, sequences: Sequences, widest: Any) -> None:
        self.sequences, self.widest = sequences, widest

    @cached_property
    def popularity(self) -> Tensor:
        """(V,) training interactions an item."""
        return torch.from_numpy(self.sequences.item_counts()).float()

    @cached_property
    def transitions(self) -> LaggedPairs:
        """Which item follows which, up to ``window`` places apart."""
        return lagged_pairs(self.sequences, self.widest.window)

    @cached_property
    def companions(self) -> SharedUsers:
        """Which items share users, up to ``neighbours`` an item."""
        return shared_users(self.sequences, self.widest.neighbours)


class CountingModel(ScoringModel):
    """A model without training; its scores are never negative."""

    space: ClassVar[Mapping[str, SearchRange]] = {}
    """The options that a training tunes by itself, unless the user gives them."""
    popularity: Tensor
    """(V,) training interactions an item."""

    def __init__(self, config: CountingConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("popularity", torch.zeros(config.num_items + 1))

    def fit(self, counts: Counts) -> None:
        """Fill the tables."""
        self.popularity = counts.popularity

    @abstractmethod
    def scores(self, histories: Tensor) -> Tensor:
        """Map (B, L) items, oldest first, 0 where there is none, to (B, V) scores from 0 on."""

    def scorer(self) -> Scorer:
        """Score by ``scores``, which takes no notice of users."""
        return lambda histories, users: self.scores(histories)

    @property
    def hides_padding(self) -> bool:
        """Padding has no rows in the tables."""
        return True

    def ties(self) -> Tensor:
        """Return (V,) what popularity adds to a score: next to nothing."""
        return self.popularity * (TIES / self.popularity.max())


def recent_sum(rows: ScoreRows, histories: Tensor, last: int, decay: float) -> Tensor:
    """Return (B, V) the rows of the ``last`` items summed, an item back at a time weighing less.

    Args:
        rows: the table.
        histories: (B, L), padded with 0 on the left.
        last: how many items count.
        decay: weight of the item before an item whose weight is 1.

    Returns:
        The sums, divided by the largest of each history: from 0 to 1.
    """
    recent = histories[:, -last:]
    ages = torch.arange(recent.shape[1] - 1, -1, -1, device=recent.device)
    sums: Tensor = rows(recent, decay ** ages.float())
    largest = sums.amax(dim=1, keepdim=True)
    return sums.div_(largest.clamp_min_(torch.finfo(sums.dtype).tiny))


def similarities(counts: Counts, source_exponent: float, target_exponent: float) -> Pairs:
    """Return n_ij / (n_i^source_exponent n_j^target_exponent)."""
    users = counts.companions.users
    return counts.companions.pairs.divided(users**source_exponent, users**target_exponent)
