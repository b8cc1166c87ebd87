"""Pairs of items, counted in the training part: which follow each other, which share users.

Notable: one sort of whole numbers (first item, second item, lag) groups everything; what is
counted is counted once, and weighted anew for every set of parameters.

Shapes: V = items + 1 (0 is padding), P pairs of items, E pairs of items at a lag.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seqrec.batches import Integers, Sequences, distinct, ranges

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int32]
AT_ONCE = 4_000_000
"""Pairs of items expanded at a time: about 200 MB."""


@dataclass(frozen=True)
class Pairs:
    """A number for each pair of items, sorted by the first item, then the second."""

    first: Numbers
    """(P,)."""
    second: Numbers
    """(P,)."""
    values: Floats
    """(P,)."""
    num_items: int

    def sums(self) -> tuple[Floats, Floats]:
        """Return (V,) sums over all pairs with an item first, and with an item second."""
        size = self.num_items + 1
        first: Floats = np.bincount(self.first, self.values, size).astype(np.float64)
        second: Floats = np.bincount(self.second, self.values, size).astype(np.float64)
        return first, second

    def divided(self, first: Floats, second: Floats) -> Pairs:
        """Return the values divided by (V,) numbers of the first item and of the second."""
        values = self.values / (first[self.first] * second[self.second])
        return Pairs(self.first, self.second, values, self.num_items)


@dataclass(frozen=True)
class LaggedPairs:
    """How often the second item of a pair comes so many places after the first."""

    first: Numbers
    """(P,)."""
    second: Numbers
    """(P,)."""
    starts: Integers
    """(P,) where a pair begins in ``lags`` and ``counts``."""
    lags: npt.NDArray[np.int32]
    """(E,) from -longest to longest: negative where the second item comes before the first."""
    counts: Floats
    """(E,)."""
    longest: int
    num_items: int

    def weighted(self, window: int, gamma: float, reverse: float = 0.0) -> Pairs:
        """Return the sum of each pair's counts, weighted by lag; pairs without any are left out.

        Args:
            window: the longest lag that counts.
            gamma: weight of lag d + 1 where lag d weighs 1; lag 1 does.
            reverse: share of these weights for the lags -1, -2, ….
        """
        kernel = np.zeros(2 * self.longest + 1)
        kernel[self.longest + 1 :][:window] = gamma ** np.arange(window)
        kernel[: self.longest] = reverse * kernel[: self.longest : -1]
        values = np.add.reduceat(self.counts * kernel[self.lags + self.longest], self.starts)
        kept = values > 0
        return Pairs(self.first[kept], self.second[kept], values[kept], self.num_items)


def lagged_pairs(sequences: Sequences, longest: int) -> LaggedPairs:
    """Count pairs of items of one user that stand up to ``longest`` places apart."""
    users, items = training_part(sequences)
    size, lags = sequences.num_items + 1, 2 * longest + 1
    keys = [np.empty(0, np.int64)]
    for lag in range(1, longest + 1):
        same = users[lag:] == users[:-lag]
        before, after = items[:-lag][same], items[lag:][same]
        keys.append((before * size + after) * lags + longest + lag)
        keys.append((after * size + before) * lags + longest - lag)
    entries, counts = np.unique(np.concatenate(keys), return_counts=True)
    pairs, places = np.divmod(entries, lags)
    starts = np.flatnonzero(np.diff(pairs, prepend=-1))
    first, second = np.divmod(pairs[starts], size)
    return LaggedPairs(
        first.astype(np.int32),
        second.astype(np.int32),
        starts,
        (places - longest).astype(np.int32),
        counts.astype(np.float64),
        longest,
        sequences.num_items,
    )


@dataclass(frozen=True)
class SharedUsers:
    """How many users two items share, and how many each has."""

    pairs: Pairs
    """Both directions, no item with itself."""
    users: Floats
    """(V,)."""


def shared_users(sequences: Sequences, neighbours: int) -> SharedUsers:
    """Count the users that items have in common.

    Args:
        sequences: the data.
        neighbours: how many other items to keep an item, those of the highest cosine.

    Returns:
        The counts; they took time linear in the users' squared numbers of items, and memory in
        the pairs that are kept.
    """
    users, items = training_part(sequences)
    size = sequences.num_items + 1
    users, items = np.divmod(distinct(users * size + items), size)
    audience = np.bincount(items, minlength=size).astype(np.float64)
    per_user = np.bincount(users, minlength=sequences.num_users)
    begins = np.cumsum(per_user) - per_user
    by_item = np.argsort(items, kind="stable")
    costs = np.bincount(items, per_user[users], size).astype(np.int64)
    ends = np.cumsum(audience).astype(np.int64)
    blocks_of_pairs = []
    for first, stop in blocks(costs, AT_ONCE):
        rows = by_item[ends[first] - int(audience[first]) : ends[stop - 1]]
        owners = users[rows]
        which, places = ranges(begins[owners], begins[owners] + per_user[owners])
        keys = items[rows[which]] * size + items[places]
        blocks_of_pairs.append(_nearest(keys, audience, size, neighbours))
    pairs, counts = (np.concatenate(parts) for parts in zip(*blocks_of_pairs, strict=True))
    one, other = (part.astype(np.int32) for part in np.divmod(pairs, size))
    return SharedUsers(Pairs(one, other, counts.astype(np.float64), size - 1), audience)


def _nearest(
    keys: Integers, audience: Floats, size: int, neighbours: int
) -> tuple[Integers, Integers]:
    """Return pairs ``first * size + second`` and how often each occurs, the nearest of an item."""
    pairs, counts = np.unique(keys, return_counts=True)
    first, second = np.divmod(pairs, size)
    others = first != second
    pairs, counts, first, second = pairs[others], counts[others], first[others], second[others]
    per_item = np.bincount(first, minlength=size)
    if len(pairs) == 0 or per_item.max() <= neighbours:
        return pairs, counts
    nearest_first = np.lexsort((second, -counts / np.sqrt(audience[second]), first))
    place = np.arange(len(pairs)) - (np.cumsum(per_item) - per_item)[first]
    kept = np.sort(nearest_first[place < neighbours])
    return pairs[kept], counts[kept]


def training_part(sequences: Sequences) -> tuple[Integers, Integers]:
    """Return users, from 0, and items of the training interactions, oldest first a user."""
    users = np.repeat(np.arange(sequences.num_users), np.diff(sequences.offsets))
    in_training = sequences.split == 0
    return users[in_training], sequences.items[in_training].astype(np.int64)


def blocks(costs: Integers, limit: int) -> Iterator[tuple[int, int]]:
    """Cut a row of costs into [first, stop) of at most ``limit`` each, or of one that is more."""
    ends = np.cumsum(costs)
    first = 0
    while first < len(costs):
        done = int(ends[first - 1]) if first else 0
        stop = max(first + 1, int(np.searchsorted(ends, done + limit, side="right")))
        yield first, stop
        first = stop
