"""The maximal k-core of a log: drop rare users and rare items until nothing changes.

The core is every interaction between the users and the items that stay, repeats included,
so only these two lists and their counts go through the loop. The keys of a log that fits are
fetched and peeled in memory, which takes a fifth of the time; those of a larger one stay where
they are.
"""

from typing import NamedTuple

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa

IN_MEMORY = 20_000_000
"""Interactions whose keys are fetched, eight bytes each."""


class CorePass(NamedTuple):
    """What one pass over users and items left."""

    interactions: int
    users: int
    items: int


class Core(NamedTuple):
    """The users (column ``user_key``) and items (``item_key``) of the core, and how it came."""

    users: ir.Table
    items: ir.Table
    passes: list[CorePass]


def find_core(pairs: ir.Table, user_core: int, item_core: int) -> Core:
    """Find the users and items of the maximal core, repeats counted.

    A pass drops users with too few interactions, then items with too few of what is left.

    Args:
        pairs: one row an interaction, integer columns ``user_key`` and ``item_key``; best a
            materialised table.
        user_core: fewest interactions of a user that stays; 0 and 1 drop nobody.
        item_core: the same for items.

    Returns:
        The core, and every pass up to the one after which nothing is rare. The tables are
        empty where no core exists.
    """
    if fits_in_memory(pairs, count_rows(pairs)):
        return peel(pairs, user_core, item_core)
    return find_core_in_place(pairs, user_core, item_core)


def fits_in_memory(rows: ir.Table, count: int) -> bool:
    """Return whether keys may be fetched: those of many rows, and all on Spark, stay there."""
    return count <= IN_MEMORY and rows.get_backend().name != "pyspark"


def peel(pairs: ir.Table, user_core: int, item_core: int) -> Core:
    """Find the core of pairs that fit into the memory; as ``find_core``."""
    fetched = pairs.select("user_key", "item_key").to_pyarrow()
    users, items = (fetched[name].to_numpy() for name in fetched.column_names)
    passes: list[CorePass] = []
    while True:
        users, items = _without_rare(users, items, user_core)
        items, users = _without_rare(items, users, item_core)
        left = np.bincount(users)
        user_keys, item_keys = (np.flatnonzero(each) for each in (left, np.bincount(items)))
        passes.append(CorePass(len(users), len(user_keys), len(item_keys)))
        if left[user_keys].min(initial=user_core) >= user_core:
            return Core(_keys("user_key", user_keys), _keys("item_key", item_keys), passes)


def _without_rare(
    side: npt.NDArray[np.int32], other: npt.NDArray[np.int32], least: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return the pairs without those that are rare on the first side."""
    keep = (np.bincount(side) >= least)[side]
    return (side, other) if keep.all() else (side[keep], other[keep])


def _keys(name: str, keys: npt.NDArray[np.intp]) -> ir.Table:
    return ibis.memtable(pa.table({name: pa.array(keys, pa.int32())}))


def find_core_in_place(pairs: ir.Table, user_core: int, item_core: int) -> Core:
    """Find the core of pairs in the data engine; as ``find_core``.

    Only the counts are kept up to date, by what the dropped ones had: the pairs are read in
    each step and never written again.
    """
    passes: list[CorePass] = []
    # a view is a table of its own: a second call shares no cached table with this one
    pairs = pairs.view()
    users, items = _counts(pairs, "user_key"), _counts(pairs, "item_key")
    while True:
        users, items = _drop_rare(pairs, users, items, user_core)
        items, users = _drop_rare(pairs, items, users, item_core)
        interactions, user_count, fewest = _summary(users)
        passes.append(CorePass(interactions, user_count, count_rows(items)))
        if fewest >= user_core or interactions == 0:
            return Core(users.select("user_key"), items.select("item_key"), passes)


def _counts(pairs: ir.Table, key: str) -> ir.CachedTable:
    """Return the interactions of each user or item."""
    return pairs.group_by(key).aggregate(interactions=pairs.count()).cache()


def _drop_rare(
    pairs: ir.Table, side: ir.CachedTable, other: ir.CachedTable, least: int
) -> tuple[ir.CachedTable, ir.CachedTable]:
    """Drop the rare of one side, and take what they had from the counts of the other side."""
    key, other_key = side.columns[0], other.columns[0]
    rare = side.filter(side.interactions < least)
    if count_rows(rare) == 0:
        return side, other
    gone = pairs.semi_join(rare, key).semi_join(other, other_key)
    lost = gone.group_by(other_key).aggregate(lost=gone.count())
    left = other.left_join(lost, other_key)
    left = left.select(other_key, interactions=left.interactions - left.lost.fill_null(0))
    left_over = (
        side.filter(side.interactions >= least).cache(),
        left.filter(left.interactions > 0).cache(),
    )
    side.release()
    other.release()
    return left_over


def _summary(counts: ir.Table) -> tuple[int, int, int]:
    """Return the interactions, the rows and the smallest count of a table of counts."""
    row = counts.aggregate(
        interactions=counts.interactions.sum(),
        rows=counts.count(),
        fewest=counts.interactions.min(),
    )
    interactions, rows, fewest = row.to_pyarrow().to_pylist()[0].values()
    return int(interactions or 0), int(rows), int(fewest or 0)


def count_rows(table: ir.Table) -> int:
    """Return how many rows a table has, which materialises it where it is cached."""
    return int(table.count().to_pyarrow().as_py())
