"""The maximal k-core of a log: drop rare users and rare items until nothing changes.

Only two integer columns go through the loop. What is left at the end is given as the users
and the items that stay: the core is every interaction between them, repeats included.
"""

from typing import NamedTuple

import ibis.expr.types as ir


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
    Dropping the two sides in turn needs half the work of dropping both at once: what either
    side loses depends only on the other side's last loss.

    Args:
        pairs: one row an interaction, integer columns ``user_key`` and ``item_key``.
        user_core: fewest interactions of a user that stays; 0 and 1 drop nobody.
        item_core: the same for items.

    Returns:
        The core; its passes end with the one after which nothing changed any more. The
        tables are empty where no core exists.
    """
    passes: list[CorePass] = []
    pairs = pairs.select("user_key", "item_key")  # the caller's own table is never released
    users = _counts(pairs, "user_key")
    while True:
        pairs = _keep_frequent(pairs, users, user_core)
        items = _counts(pairs, "item_key")
        pairs = _keep_frequent(pairs, items, item_core)
        users.release()
        users = _counts(pairs, "user_key")
        interactions, user_count, fewest = _summary(users)
        passes.append(CorePass(interactions, user_count, _frequent(items, item_core)))
        if fewest >= user_core or interactions == 0:
            break
        items.release()
    _release(pairs)
    return Core(
        users.select("user_key"),
        items.filter(items.interactions >= item_core).select("item_key"),
        passes,
    )


def _counts(pairs: ir.Table, key: str) -> ir.CachedTable:
    """Return the interactions of each user or item, computed once."""
    return pairs.group_by(key).aggregate(interactions=pairs.count()).cache()


def _keep_frequent(pairs: ir.Table, counts: ir.Table, least: int) -> ir.Table:
    """Return the pairs of frequent users or items; the table they come from is released."""
    rare = counts.filter(counts.interactions < least)
    if rare.count().to_pyarrow().as_py() == 0:
        return pairs
    frequent = counts.filter(counts.interactions >= least)
    kept = pairs.semi_join(frequent, counts.columns[0]).cache()
    # Spark fills a cache at its first use, which must come before the source is released.
    kept.count().to_pyarrow()
    _release(pairs)
    return kept


def _summary(counts: ir.Table) -> tuple[int, int, int]:
    """Return the interactions, the rows and the smallest count of a table of counts."""
    row = counts.aggregate(
        interactions=counts.interactions.sum(),
        rows=counts.count(),
        fewest=counts.interactions.min(),
    )
    interactions, rows, fewest = row.to_pyarrow().to_pylist()[0].values()
    return int(interactions or 0), int(rows), int(fewest or 0)


def _frequent(counts: ir.Table, least: int) -> int:
    return int(counts.filter(counts.interactions >= least).count().to_pyarrow().as_py())


def _release(table: ir.Table) -> None:
    """Give the memory of a cached table back now, not when Python happens to."""
    if isinstance(table, ir.CachedTable):
        table.release()
