"""Which items may stand in a list: rules of a protocol, items to choose from, items to leave out.

Shapes: B rows of scores, N items of a block, n users, S pairs of a row and an item.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seqrec.batches import Integers, ranges
from seqrec.protocol import RankingRules, ranking_rules

Pairs = tuple[Tensor, Tensor]
"""Rows within a batch and items, (S,) each."""


@dataclass(frozen=True)
class ItemsByUser:
    """Items of some of n users."""

    offsets: Integers
    """(n + 1,) where a user's items begin."""
    items: Integers
    named: np.ndarray[tuple[int], np.dtype[np.bool_]]
    """(n,) whether the user has items of their own at all, be it none."""

    def pairs(self, users: Integers, device: torch.device) -> Pairs:
        """Return rows, counted from 0, and items of these users."""
        rows, places = ranges(self.offsets[users], self.offsets[users + 1])
        items = self.items[places]
        return torch.from_numpy(rows).to(device), torch.from_numpy(items).to(device)

    def of(self, users: Integers) -> ItemsByUser:
        """Return those of some users, in this order."""
        rows, places = ranges(self.offsets[users], self.offsets[users + 1])
        counts = np.bincount(rows, minlength=len(users))
        offsets = np.concatenate([[0], np.cumsum(counts)])
        return ItemsByUser(offsets, self.items[places], self.named[users])


@dataclass(frozen=True)
class Choice:
    """Items to choose from and items to leave out; by default all, and none."""

    candidates: Integers | ItemsByUser | None = None
    exclude: Integers | ItemsByUser | None = None

    @property
    def is_free(self) -> bool:
        """Whether any item may stand in any list."""
        return self.candidates is None and self.exclude is None

    def of(self, users: Integers) -> Choice:
        """Return the choice for some users, in this order."""
        both = (self.candidates, self.exclude)
        return Choice(*(x.of(users) if isinstance(x, ItemsByUser) else x for x in both))

    def left_out(self, num_items: int, device: torch.device) -> Tensor | None:
        """Return (items + 1,) which items nobody gets, None where there is no such item."""
        if not isinstance(self.candidates, np.ndarray) and not isinstance(self.exclude, np.ndarray):
            return None
        out = torch.zeros(num_items + 1, dtype=torch.bool)
        if isinstance(self.candidates, np.ndarray):
            out[1:] = True
            out[torch.from_numpy(self.candidates)] = False
        if isinstance(self.exclude, np.ndarray):
            out[torch.from_numpy(self.exclude)] = True
        return out.to(device)


def rules_of_lists(protocol: str, seen_items: str | None, authors: RankingRules) -> RankingRules:
    """Return what competes in a list.

    Args:
        protocol: the model's.
        seen_items: None: as the protocol ranks; ``exclude`` or ``keep``: so under any.
        authors: the rules of the model's authors.
    """
    if seen_items is None:
        return ranking_rules(protocol, authors=authors)
    return ranking_rules("standard", seen_items)


def remark_on(rules: RankingRules, max_len: int) -> str | None:
    """Return what a reader of lists would not expect of their rules, if anything."""
    if not (rules.padding_competes or rules.seen_in_window):
        return None
    items = f"the last {max_len} items" if rules.seen_in_window else "items"
    what = "have score 0 and may stand in a list" if rules.seen_score == 0 else "alone are left out"
    return (
        f"protocol authors: {items} of a history {what}, as in the authors' evaluation; "
        "seen_items=exclude leaves out all of them"
    )


class Chosen:
    """Writes into scores what may not stand in the lists of some users.

    Args:
        choice: items to choose from and to leave out.
        rules: what becomes of seen items, and of padding.
        num_items: how many there are.
        device: where the scores are.
    """

    def __init__(
        self, choice: Choice, rules: RankingRules, num_items: int, device: torch.device
    ) -> None:
        self.choice, self.rules, self.device = choice, rules, device
        self.left_out = choice.left_out(num_items, device)

    def applied(self, blocks: Iterable[Tensor], seen: Pairs, users: Integers) -> Iterator[Tensor]:
        """Yield blocks of scores (B, N), ruled in place.

        Args:
            blocks: all items of the users, one block of items after the other.
            seen: what they have seen.
            users: (B,) whose rows they are, by their places among all.
        """
        out = self._pairs(self.choice.exclude, users)
        only = self._pairs(self.choice.candidates, users)
        first = 0
        for block in blocks:
            scores = block.float()
            self._apply(scores, first, seen, out)
            if only is not None:
                self._keep(scores, first, only, users)
            first += scores.shape[1]
            yield scores

    def _pairs(self, items: Integers | ItemsByUser | None, users: Integers) -> Pairs | None:
        return items.pairs(users, self.device) if isinstance(items, ItemsByUser) else None

    def _apply(self, scores: Tensor, first: int, seen: Pairs, out: Pairs | None) -> None:
        """Apply the rules, then leave out what nobody gets and what the users are not to get."""
        if self.rules.seen_score is not None:
            scores[_within(seen, first, scores)] = self.rules.seen_score
        if first == 0 and not self.rules.padding_competes:
            scores[:, 0] = -torch.inf
        if self.left_out is not None:
            block = self.left_out[first : first + scores.shape[1]]
            scores.masked_fill_(block, -torch.inf)
        if out is not None:
            scores[_within(out, first, scores)] = -torch.inf

    def _keep(self, scores: Tensor, first: int, only: Pairs, users: Integers) -> None:
        """Leave out all but a user's own candidates, for those who have some; padding stays."""
        assert isinstance(self.choice.candidates, ItemsByUser)
        restricted = torch.from_numpy(self.choice.candidates.named[users]).to(self.device)
        out = restricted[:, None].repeat(1, scores.shape[1])
        out[_within(only, first, scores)] = False
        if first == 0:
            out[:, 0] = False
        scores.masked_fill_(out, -torch.inf)


def _within(pairs: Pairs, first: int, scores: Tensor) -> Pairs:
    """Return the pairs whose items stand in a block that begins at ``first``."""
    rows, items = pairs
    inside = (items >= first) & (items < first + scores.shape[1])
    return rows[inside], items[inside] - first
