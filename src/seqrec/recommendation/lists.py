"""Lists of the best items after many histories, in blocks of users and of items.

Memory is that of one block, whatever the numbers of users and items; what is found is exact.

Shapes: E histories, V = items + 1, R rows of all lists together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seqrec.batches import Examples, Integers, Sequences, ranges
from seqrec.errors import SeqrecError
from seqrec.evaluation.history_batches import HistoryBatches, rows_at_once
from seqrec.models.parts.face import ScoringModel, SequentialModel
from seqrec.protocol import RankingRules
from seqrec.recommendation.best import best_of_blocks
from seqrec.recommendation.choice import Choice, Chosen

ITEM_BLOCK = 16_384
"""Items that are scored together, where there are more."""

Advance = Callable[[int], object]
"""Is told how many more lists are done."""
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Lists:
    """One list a history, one after the other."""

    offsets: Integers
    """(E + 1,) where a list begins."""
    ranks: npt.NDArray[np.int32]
    """(R,) places from 1; under ``authors`` padding's place is left out."""
    items: Integers
    """(R,) item indices."""
    scores: Floats
    """(R,)."""

    @classmethod
    def of(cls, scores: Floats, items: Integers, k: int) -> Lists:
        """Return the lists among (E, n) scores and items, best first; -inf and item 0 are none."""
        listed = (items != 0) & ~np.isneginf(scores)
        listed &= listed.cumsum(axis=1) <= k
        counts = listed.sum(axis=1)
        ranks = np.broadcast_to(np.arange(1, items.shape[1] + 1, dtype=np.int32), items.shape)
        offsets = np.concatenate([[0], np.cumsum(counts)])
        return cls(offsets, ranks[listed], items[listed], scores[listed])

    @classmethod
    def empty(cls, count: int) -> Lists:
        """Return so many lists without an item."""
        whole = np.zeros(0, np.int64)
        ranks, scores = whole.astype(np.int32), whole.astype(np.float32)
        return cls(np.zeros(count + 1, np.int64), ranks, whole, scores)

    @classmethod
    def joined(cls, parts: Sequence[Lists]) -> Lists:
        """Return the lists of all parts, one part after the other."""
        parts = parts or [cls.empty(0)]
        lengths = np.concatenate([np.diff(part.offsets) for part in parts])
        return cls(
            np.concatenate([[0], np.cumsum(lengths)]),
            np.concatenate([part.ranks for part in parts]),
            np.concatenate([part.items for part in parts]),
            np.concatenate([part.scores for part in parts]),
        )

    def taken(self, places: Integers) -> Lists:
        """Return the lists at these places, in this order."""
        begins, ends = self.offsets[places], self.offsets[places + 1]
        _, order = ranges(begins, ends)
        offsets = np.concatenate([[0], np.cumsum(ends - begins)])
        return Lists(offsets, self.ranks[order], self.items[order], self.scores[order])


class ListMaker:
    """Makes lists with a model.

    Args:
        model: in evaluation mode, on the device.
        num_items: how many items it knows.
        device: where to compute.
        batch_size: histories at a time, at most.
    """

    def __init__(
        self, model: ScoringModel, num_items: int, device: torch.device, batch_size: int
    ) -> None:
        self.model, self.num_items, self.device = model, num_items, device
        in_blocks = isinstance(model, SequentialModel)
        columns = min(num_items, ITEM_BLOCK) if in_blocks else num_items
        self.rows = rows_at_once(batch_size, columns, device)
        with torch.inference_mode():
            self.score = model.block_scorer(ITEM_BLOCK)

    @torch.inference_mode()
    def after(
        self,
        sequences: Sequences,
        histories: Examples,
        k: int,
        rules: RankingRules,
        choice: Choice | None = None,
        *,
        known_users: bool = False,
        advance: Advance | None = None,
    ) -> Lists:
        """Return the lists after some histories.

        Args:
            sequences: whose items they are.
            histories: where each begins, for the model, and ends; none is empty, but under
                ``authors``.
            k: length of a list; it is shorter where fewer items are left.
            rules: what becomes of seen items, and of padding.
            choice: items to choose from and to leave out, by the places of the histories.
            known_users: whether the users are those the model was trained on, by their indices.
            advance: is told what is done.

        Raises:
            SeqrecError: a score is not a number.
        """
        window = self.model.config.max_len if rules.seen_in_window else None
        parts = HistoryBatches(sequences, histories, self.model, self.device, self.rows, window)
        chosen = Chosen(choice or Choice(), rules, self.num_items, self.device)
        places = self._places(k, rules)
        made: list[Lists] = []
        for rows, batch, users, seen in parts:
            own = parts.order[rows]
            blocks = self.score(batch, users if known_users else torch.zeros_like(users))
            found = best_of_blocks(chosen.applied(blocks, seen, own), places)
            made.append(Lists.of(*_checked(*found), k))
            if advance:
                advance(len(own))
        return Lists.joined(made).taken(np.argsort(parts.order))

    @torch.inference_mode()
    def popular(
        self, popularity: Tensor, users: Integers, k: int, rules: RankingRules, choice: Choice
    ) -> Lists:
        """Return the same list for users of whom nothing is known, but for their choices.

        Args:
            popularity: (V,) scores for everybody.
            users: their places among all, by which ``choice`` knows them.
            k: length of a list.
            rules: those of the other lists.
            choice: items to choose from and to leave out.
        """
        chosen = Chosen(choice, rules, self.num_items, self.device)
        places = self._places(k, rules)
        nothing = torch.zeros(0, dtype=torch.long, device=self.device)
        made: list[Lists] = []
        for rows in slices(len(users), self.rows):
            table = popularity.to(self.device).expand(len(users[rows]), -1)
            blocks = (block.clone() for block in table.split(ITEM_BLOCK, dim=1))
            ruled = chosen.applied(blocks, (nothing, nothing), users[rows])
            made.append(Lists.of(*_checked(*best_of_blocks(ruled, places)), k))
        return Lists.joined(made)

    def _places(self, k: int, rules: RankingRules) -> int:
        """Return how many places are looked at: padding may take one."""
        return min(k + rules.padding_competes, self.num_items + 1)


def slices(count: int, size: int) -> Iterator[slice]:
    """Yield slices of ``size`` that cover ``count``."""
    for first in range(0, count, size):
        yield slice(first, min(first + size, count))


def _checked(values: Tensor, items: Tensor) -> tuple[Floats, Integers]:
    """Return both as arrays.

    Raises:
        SeqrecError: a score is not a number.
    """
    scores: Floats = values.cpu().numpy()
    if np.isnan(scores).any():
        raise SeqrecError(
            "the model gives scores that are not numbers; its training diverged: "
            "lower training.learning_rate"
        )
    return scores, items.cpu().numpy()
