"""A log of a given size: as many users, items and interactions as somebody expects to have."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from seqrec.errors import SeqrecError

SHORTEST = 5
"""Interactions of a user, as a 5-core has them."""
SKEW = 3.0
"""How popular the popular items are: an item's place is a uniform number to this power."""
Counts = npt.NDArray[np.int64]


def lengths_of(users: int, interactions: int, rng: np.random.Generator) -> Counts:
    """Return (U,) how many interactions each user has: long tails, as real logs have them.

    Raises:
        SeqrecError: they are fewer than three a user.
    """
    if interactions < 3 * users:
        raise SeqrecError(
            f"interactions={interactions} are fewer than three for each of users={users}; "
            "say what filtering leaves"
        )
    shortest = min(SHORTEST, interactions // users)
    beyond = rng.exponential(size=users)
    beyond *= (interactions - shortest * users) / beyond.sum()
    lengths: Counts = shortest + np.floor(beyond).astype(np.int64)
    lengths[: interactions - lengths.sum()] += 1
    return lengths


def items_of(items: int, count: int, rng: np.random.Generator) -> Counts:
    """Return (N,) item numbers from 1, a few of them popular, each at least once if that goes."""
    everything = np.arange(min(items, count))
    rest = (items * rng.random(count - len(everything)) ** SKEW).astype(np.int64)
    chosen: Counts = rng.permutation(np.concatenate([everything, rest])) + 1
    return chosen


def made_sequences(users: int, items: int, interactions: int) -> pa.Table:
    """Return sequences, the last two interactions of a user held out.

    Returns:
        user_index, position, item_index (int32), split.
    """
    rng = np.random.default_rng(0)
    lengths = lengths_of(users, interactions, rng)
    user = np.repeat(np.arange(users), lengths)
    position = np.arange(interactions) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    left = np.repeat(lengths, lengths) - position
    split = np.select([left == 1, left == 2], ["test", "valid"], "train")
    columns = {"user_index": user + 1, "position": position}
    columns["item_index"] = items_of(items, interactions, rng)
    table = {name: pa.array(values.astype(np.int32)) for name, values in columns.items()}
    return pa.table({**table, "split": pa.array(split)})


def made_rows(users: int, items: int, interactions: int) -> pa.Table:
    """Return the rows of a raw log in the order of time: user_id, item_id, timestamp."""
    rng = np.random.default_rng(0)
    user = np.repeat(np.arange(users), lengths_of(users, interactions, rng))
    shuffled = rng.permutation(user)
    return pa.table(
        {
            "user_id": np.char.add("user", shuffled.astype(str)),
            "item_id": np.char.add("item", items_of(items, interactions, rng).astype(str)),
            "timestamp": 1_600_000_000 + np.arange(interactions),
        }
    )
