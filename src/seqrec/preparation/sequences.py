"""Interactions to sequences: numbered users and items, oldest first, split for evaluation."""

from typing import NamedTuple

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from seqrec.errors import SeqrecError
from seqrec.parameters.sections import SplittingOptions
from seqrec.preparation.order import in_time

NEVER = 2**63 - 1
"""An instant after all others."""


class SequenceTables(NamedTuple):
    """The three tables that describe a prepared log.

    ``sequences``: user_index, position (from 0), item_index, timestamp, split; sorted by
    user_index and position. ``users``: user_index (from 1), user_id. ``items``: item_index
    (from 1; 0 is padding), item_id.
    """

    sequences: ir.Table
    users: ir.Table
    items: ir.Table


def build_sequences(
    core: ir.Table, options: SplittingOptions, timestamp_unit: str = "s"
) -> SequenceTables:
    """Number users and items, put each user's interactions in order, and split them.

    Users are numbered by ``user_first_row``, items by first appearance while walking through
    the users in that order, oldest first: as the published sequence files are. A user's order
    is (timestamp, source_row), so ties keep file order, or that of the log's column ``order``.

    Args:
        core: user_id, item_id, timestamp, source_row and user_first_row.
        options: the section ``splitting`` of the parameters. ``leave_one_out``: a user's
            last interaction is for test, the one before for validation. ``ratio``: a user's
            last shares, rounded down, but at least one each. Both leave users of fewer than
            three interactions to training. ``temporal``: everything at or after an instant,
            the same for all users, such that the newest share of all interactions is in it.
        timestamp_unit: ``order`` (positions) rules the temporal split out.

    Returns:
        The tables sequences, users and items.

    Raises:
        SeqrecError: the split leaves nothing to train on, to validate on or to test.
    """
    if options.strategy == "temporal" and timestamp_unit == "order":
        raise SeqrecError(
            "parameter splitting.strategy: the timestamps of this log are positions, not "
            "instants, so there is no temporal split; use leave_one_out or ratio"
        )
    users = _number_users(core)
    placed = _place(core, users)
    items = _number_items(placed)
    split = _mark_splits(placed, options)
    _check_split(split, options, timestamp_unit)
    columns = ("user_index", "position", "item_index", "timestamp", "split")
    sequences = split.inner_join(items, "item_id").select(*columns)
    return SequenceTables(
        sequences.order_by("user_index", "position"),
        users.select("user_index", "user_id").order_by("user_index"),
        items.order_by("item_index"),
    )


def check_split_as_told(sequences: ir.Table, options: SplittingOptions) -> None:
    """Raise a SeqrecError if sequences are not split as the options say.

    Args:
        sequences: as `build_sequences` returns them.
        options: the section ``splitting`` of the run that reads them.
    """
    found = sequences.mutate(
        found=sequences.split,
        interactions=sequences.count().over(ibis.window(group_by="user_index")),
    )
    told = _mark_splits(found, options)
    other, total = (
        int(count.to_pyarrow().as_py())
        for count in ((told.found != told.split).sum(), told.count())
    )
    if other:
        splitting = _in_words(options)
        raise SeqrecError(
            f"{other:,} of {total:,} interactions at hand are in another part than "
            f"{splitting} puts them in; run with the splitting they were made with, or "
            "make them and the models anew: `kedro run` with the same --params"
        )


def with_titles(items: ir.Table, titles: pa.Table) -> ir.Table:
    """Return the items with a column ``title``, null where an item has none.

    Args:
        items: item_index, item_id.
        titles: item_id, title; without rows the items stay as they are.
    """
    if not len(titles):
        return items
    named = items.left_join(ibis.memtable(titles), "item_id")
    return named.select("item_index", "item_id", "title").order_by("item_index")


def _in_words(options: SplittingOptions) -> str:
    """Return what is to be typed for a splitting."""
    told = [f"splitting.strategy={options.strategy}"]
    if options.strategy != "leave_one_out":
        told += [f"splitting.{n}_share={getattr(options, f'{n}_share')}" for n in ("valid", "test")]
    return ",".join(told)


def _number_users(core: ir.Table) -> ir.Table:
    """Return user_id, user_index and the number of interactions, by first row of the raw file."""
    users = core.group_by("user_id").aggregate(
        first_row=core.user_first_row.min(), interactions=core.count()
    )
    number = ibis.row_number().over(order_by=[users.first_row, users.user_id]) + 1
    numbered = users.mutate(user_index=number.cast("int32"))
    return numbered.select("user_index", "user_id", "interactions").cache()


def _place(core: ir.Table, users: ir.Table) -> ir.Table:
    """Give every interaction its user's number and its position, oldest first."""
    owned = core.inner_join(users, "user_id")
    window = ibis.window(group_by="user_index", order_by=in_time(core))
    placed = owned.mutate(position=ibis.row_number().over(window).cast("int32"))
    return placed.select("user_index", "position", "item_id", "timestamp", "interactions").cache()


def _number_items(placed: ir.Table) -> ir.Table:
    """Return item_index and item_id, by first appearance while walking through the users."""
    step = placed.user_index.cast("int64") * 2**32 + placed.position
    items = placed.group_by("item_id").aggregate(first_step=step.min())
    number = ibis.row_number().over(order_by=items.first_step) + 1
    return items.select(item_index=number.cast("int32"), item_id=items.item_id).cache()


def _mark_splits(placed: ir.Table, options: SplittingOptions) -> ir.Table:
    """Add the column ``split``; in each user's sequence train comes first, test last."""
    if options.strategy == "temporal":
        where = placed.timestamp
        valid_from, test_from = _cut_instants(placed, options)
    else:
        where = placed.position
        valid_from, test_from = _cut_positions(placed.interactions, options)
    split = ibis.cases((where >= test_from, "test"), (where >= valid_from, "valid"), else_="train")
    return placed.mutate(split=split)


def _cut_positions(
    interactions: ir.IntegerColumn, options: SplittingOptions
) -> tuple[ir.NumericValue, ir.NumericValue]:
    """Return each user's first position for validation and for test."""
    if options.strategy == "leave_one_out":
        test = valid = ibis.literal(1)
    else:
        test = _share_of(interactions, options.test_share)
        valid = _share_of(interactions, options.valid_share)
    splittable = interactions >= 3
    test_from = interactions - ibis.ifelse(splittable, test, 0)
    # large shares of a short sequence, rounded up to one, must not take all of it
    valid_from = ibis.greatest(test_from - ibis.ifelse(splittable, valid, 0), 1)
    return valid_from, test_from


def _share_of(interactions: ir.IntegerColumn, share: float) -> ir.NumericValue:
    """Return a share of a user's interactions rounded down, but at least one."""
    # 100 * 0.29 is 28.999999999999996 in floating point
    return ibis.greatest((interactions * share + 1e-9).floor().cast("int64"), 1)


def _cut_instants(
    placed: ir.Table, options: SplittingOptions
) -> tuple[ir.IntegerScalar, ir.IntegerScalar]:
    """Return the first instant for validation and for test."""
    total = int(placed.count().to_pyarrow().as_py())
    test = int(total * options.test_share + 1e-9)
    valid = int(total * options.valid_share + 1e-9)
    return _instant(placed, total - test - valid, total), _instant(placed, total - test, total)


def _instant(placed: ir.Table, number: int, total: int) -> ir.IntegerScalar:
    """Return the instant of the interaction of that number in time; never, past the last."""
    if number >= total:
        return ibis.literal(NEVER)
    instants = placed.group_by("timestamp").aggregate(interactions=placed.count())
    until = instants.interactions.sum().over(ibis.cumulative_window(order_by="timestamp"))
    counted = instants.mutate(before=until - instants.interactions)
    instant = counted.filter(counted.before <= number).timestamp.max()
    return ibis.literal(int(instant.to_pyarrow().as_py()))


def _check_split(split: ir.Table, options: SplittingOptions, timestamp_unit: str) -> None:
    """Complain where there is nothing to train on, to validate on or to test."""
    counted = split.group_by("split").aggregate(rows=split.count()).to_pyarrow().to_pylist()
    rows = {row["split"]: row["rows"] for row in counted}
    for part in ("train", "test", "valid"):
        if part not in rows:
            raise SeqrecError(
                f"splitting.strategy={options.strategy} leaves no {part} interactions of "
                f"{sum(rows.values()):,}; {_remedy(options, part, timestamp_unit)}"
            )


def _remedy(options: SplittingOptions, part: str, timestamp_unit: str) -> str:
    if options.strategy == "temporal" and part == "train":
        return "too many share the first instant: use leave_one_out or ratio"
    if options.strategy == "temporal":
        return f"raise splitting.{part}_share or use leave_one_out"
    if part == "valid":
        return "lower splitting.test_share"  # it takes all that short histories can spare
    too_short = "every user has fewer than 3 interactions: loosen the filters, take a log of longer"
    by_time = "" if timestamp_unit == "order" else " or use splitting.strategy=temporal"
    return f"{too_short} histories{by_time}"
