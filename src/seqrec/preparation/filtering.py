"""Which interactions stay: rating, date window, repeats, k-core; with a report of each step.

Ids become integers first, so that every later step compares and counts integers; the
strings come back with the rows that stay. The Ibis expressions keep to what DuckDB and
Spark both do.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import ibis
import ibis.expr.types as ir
import numpy as np

from seqrec.errors import SeqrecError
from seqrec.parameters.sections import FilteringOptions
from seqrec.preparation.date_window import date_window
from seqrec.preparation.k_core import count_rows, find_core, fits_in_memory
from seqrec.preparation.order import SECOND, in_file, in_time

MANY_TIES = 0.01
"""The share of neighbours with one timestamp from which it is a line in the log."""
RAW = "raw log"


class _Numbered(NamedTuple):
    """A log whose ids are integers: rows (user_key, item_key, …) and the two dictionaries."""

    rows: ir.Table
    users: ir.Table
    items: ir.Table


class _Step(NamedTuple):
    """One filter: its name in the report, the parameters behind it, and what it keeps."""

    name: str
    parameters: str
    keep: Callable[[ir.Table], ir.Table]


class _Report:
    """The steps so far; complains about the step that leaves nothing."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []

    def add(self, name: str, parameters: str, interactions: int, users: int, items: int) -> None:
        before = self.steps[-1]["interactions"] if self.steps else interactions
        if interactions == 0 and not self.steps:
            raise SeqrecError("filtering: the raw log has no interactions; check the raw file")
        if interactions == 0:
            raise SeqrecError(
                f"filtering: step '{name}' ({parameters}) leaves none of the {before:,} "
                f"interactions before it; loosen {_names(parameters)}"
            )
        self.steps.append(
            {
                "name": name,
                "interactions": interactions,
                "users": users,
                "items": items,
                "dropped": before - interactions,
            }
        )


def filter_interactions(
    interactions: ir.Table,
    options: FilteringOptions,
    timestamp_unit: str,
    written_in: str | None = None,
) -> tuple[ir.Table, dict[str, Any]]:
    """Keep the interactions that the options ask for.

    The steps, in this order: ``min_rating`` (an interaction without a rating is dropped),
    the date window, repeats, consecutive repeats, the k-core. "Oldest first" means by
    (timestamp, source_row) throughout, with the log's second column for the order, ``order``,
    between the two where it has one.

    Args:
        interactions: the raw log: user_id, item_id, timestamp, source_row, rating.
        options: the section ``filtering`` of the parameters.
        timestamp_unit: ``s``, ``ms`` or ``order`` (positions: no date window possible).
        written_in: how the log itself writes its timestamps, as the report of the ingestion has
            it: what a number for the date window means.

    Returns:
        The interactions that stay, in file order, with ``user_first_row`` (the user's first
        row in the whole log, before any filter) as one more column; and a report that can
        be written as JSON: the options as ``parameters``, and ``steps``, each with its name,
        what is left after it and what it dropped, the passes of the k-core one by one; and under
        ``ties`` how many of a user's neighbours in time share their timestamp, and their item.

    Raises:
        SeqrecError: a step leaves nothing, too little is left, or the window is no window.
    """
    window = date_window(options, timestamp_unit, written_in)
    steps = list(_row_steps(options, window))
    report = _Report()
    # Where nothing else is filtered, the users that the k-core drops first need no number.
    numbered = _number_ids(interactions, 0 if steps else options.user_core, report)
    rows = numbered.rows
    extra = _rating_note(rows, options)
    for step in steps:
        rows = _replaced(rows, step.keep(rows))
        report.add(step.name, step.parameters, *_totals(rows))
    left = _k_core(numbered._replace(rows=rows), options, report)
    _check_enough(report.steps)
    ties = {} if timestamp_unit == "order" else {"ties": _ties(left, report.steps[-1])}
    core = _with_ids(left)
    told = {"parameters": options.model_dump(mode="json"), "timestamp_unit": timestamp_unit}
    return core, {**told, **window, **extra, **ties, "steps": report.steps}


def _number_ids(interactions: ir.Table, least: int, report: _Report) -> _Numbered:
    """Replace the ids by integers: users in order of first appearance, items by name.

    Args:
        interactions: the raw log.
        least: users with fewer interactions are left out.
        report: gets the raw log's totals.
    """
    # a view is a table of its own: a second call on the same log must not share, and release,
    # the cached tables of this one
    log = interactions.view()
    everyone = log.group_by("user_id").aggregate(
        user_first_row=log.source_row.min(), interactions=log.count()
    )
    everyone = everyone.cache()
    items = log.select("item_id").distinct()
    items = items.mutate(item_key=_place_by(items.item_id)).cache()
    total = everyone.interactions.sum().to_pyarrow().as_py() or 0
    report.add(RAW, "", int(total), count_rows(everyone), count_rows(items))
    users = everyone.filter(everyone.interactions >= least)
    users = users.mutate(user_key=_place_by(users.user_first_row, users.user_id))
    users = _replaced(everyone, users.drop("interactions"))
    rows = log.inner_join(users, "user_id").inner_join(items, "item_id")
    columns = ["user_key", "item_key", "timestamp", "source_row", "rating"]
    rows = rows.select(*columns, *(name for name in SECOND if name in log.columns)).cache()
    return _Numbered(rows, users, items)


def _place_by(*order: ir.Column) -> ir.IntegerColumn:
    """Return each row's place in an order, from 0."""
    return ibis.row_number().over(order_by=order).cast("int32")


def _row_steps(options: FilteringOptions, window: dict[str, int | None]) -> Iterator[_Step]:
    """Yield the filters that the options ask for, in their order."""
    least = options.min_rating
    if least is not None:
        yield _Step("min_rating", f"filtering.min_rating={least}", lambda rows: _rated(rows, least))
    bounds = [
        f"filtering.{side}={getattr(options, side)}"
        for side, instant in window.items()
        if instant is not None
    ]
    if bounds:
        yield _Step("date window", ", ".join(bounds), lambda rows: _in_window(rows, window))
    if options.repeats != "keep":
        yield _Step(
            "repeats", f"filtering.repeats={options.repeats}", lambda rows: _once(rows, options)
        )
    if options.consecutive_repeats == "drop":
        yield _Step("consecutive repeats", "filtering.consecutive_repeats=drop", _no_stutter)


def _ties(core: _Numbered, last: dict[str, Any]) -> dict[str, int]:
    """Return how many neighbours in users' histories there are, and how many share an instant.

    Where these are many, and no column orders them, it is counted how many rows are there again.

    Args:
        core: the users and items that stay, and rows that hold those of others too.
        last: the last step of the report.
    """
    rows = core.rows.semi_join(core.users, "user_key").semi_join(core.items, "item_key")
    interactions: int = last["interactions"]
    neighbours = interactions - last["users"]
    same = interactions - _count_instants(rows.select("user_key", "timestamp"), interactions)
    ties = {"neighbours": neighbours, "same_timestamp": same}
    if same > MANY_TIES * neighbours and not set(SECOND) & set(rows.columns):
        once = count_rows(rows.select("user_key", "item_key", "timestamp").distinct())
        ties |= {"same_item": interactions - once} if once < interactions else {}
    return ties


def _count_instants(rows: ir.Table, interactions: int) -> int:
    """Return how many different instants users have, all users together."""
    if not fits_in_memory(rows, interactions):
        return count_rows(rows.distinct())
    fetched = rows.to_pyarrow()
    user, instant = (fetched[name].to_numpy() for name in ("user_key", "timestamp"))
    first, last = (int(bound(instant)) for bound in (np.min, np.max))
    users = int(user.max()) + 1
    if (last - first + 1) * users >= 2**63:  # beyond one number for both
        return count_rows(rows.distinct())
    both = (instant - first) * users + user
    both.sort()
    return 1 + int(np.count_nonzero(np.diff(both)))


def _rated(rows: ir.Table, least: float) -> ir.Table:
    # a rating that is not there does not show that it reaches the threshold
    return rows.filter(rows.rating.notnull() & (rows.rating >= least))


def _in_window(rows: ir.Table, window: dict[str, int | None]) -> ir.Table:
    start, end = window["start"], window["end"]
    if start is not None:
        rows = rows.filter(rows.timestamp >= start)
    return rows if end is None else rows.filter(rows.timestamp <= end)


def _once(rows: ir.Table, options: FilteringOptions) -> ir.Table:
    """Keep a user's first or last interaction with an item, in time or in file order."""
    names = in_time(rows) if options.repeats_order == "time" else in_file(rows)
    columns = [rows[name] for name in names]
    order = [column.desc() for column in columns] if options.repeats == "last" else columns
    window = ibis.window(group_by=["user_key", "item_key"], order_by=order)
    ranked = rows.mutate(turn=ibis.row_number().over(window))
    return ranked.filter(ranked.turn == 0).drop("turn")


def _no_stutter(rows: ir.Table) -> ir.Table:
    """Drop an interaction with the same item as the user's one just before it."""
    window = ibis.window(group_by="user_key", order_by=in_time(rows))
    paired = rows.mutate(before=rows.item_key.lag().over(window))
    return paired.filter(paired.before.isnull() | (paired.before != paired.item_key)).drop("before")


def _k_core(numbered: _Numbered, options: FilteringOptions, report: _Report) -> _Numbered:
    """Leave the users and items of the k-core; a side whose core is 0 or 1 has no rare ones."""
    if options.user_core <= 1 and options.item_core <= 1:
        return numbered
    parameters = f"filtering.user_core={options.user_core}, filtering.item_core={options.item_core}"
    core = find_core(numbered.rows, options.user_core, options.item_core)
    for number, after in enumerate(core.passes, start=1):
        report.add(f"k-core pass {number}", parameters, *after)
    users = numbered.users.semi_join(core.users, "user_key")
    items = numbered.items.semi_join(core.items, "item_key")
    return _Numbered(numbered.rows, users, items)


def _with_ids(numbered: _Numbered) -> ir.Table:
    """Return the rows of the users and items that are left, with their ids, in file order."""
    named = numbered.rows.inner_join(numbered.users, "user_key")
    named = named.inner_join(numbered.items, "item_key")
    order = [name for name in SECOND if name in named.columns]
    columns = ("user_id", "item_id", "timestamp", "source_row", "rating", "user_first_row", *order)
    return named.select(*columns).order_by(*in_file(named))


def _totals(rows: ir.Table) -> tuple[int, int, int]:
    """Return how many interactions, users and items there are."""
    row = rows.aggregate(
        interactions=rows.count(), users=rows.user_key.nunique(), items=rows.item_key.nunique()
    )
    interactions, users, items = row.to_pyarrow().to_pylist()[0].values()
    return interactions, users, items


def _replaced(old: ir.Table, new: ir.Table) -> ir.Table:
    """Materialise the new rows and give the old ones' memory back."""
    cached = new.cache()
    if isinstance(old, ir.CachedTable):
        old.release()
    return cached


def _rating_note(rows: ir.Table, options: FilteringOptions) -> dict[str, int]:
    """Say how many interactions have no rating, where that decides; some must have one."""
    if options.min_rating is None:
        return {}
    without = count_rows(rows.filter(rows.rating.isnull()))
    if without == count_rows(rows):
        raise SeqrecError(
            f"filtering.min_rating={options.min_rating:g}: no rating was read from this log; name "
            "their column, raw.columns.rating=COLUMN, and ingest again, or set "
            "filtering.min_rating=null"
        )
    return {"dropped_without_rating": without}


def _check_enough(steps: list[dict[str, Any]]) -> None:
    """Complain where fewer than two users or items are left, naming the step that did it."""
    for step in steps:
        for side in ("users", "items"):
            if step[side] < 2:
                place = "in the raw log" if step["name"] == RAW else f"after step '{step['name']}'"
                raise SeqrecError(
                    f"filtering: only 1 {side[:-1]} {place}, training and evaluation need at "
                    "least 2; use a larger log or loosen the parameters 'filtering'"
                )


def _names(parameters: str) -> str:
    return ", ".join(part.split("=")[0] for part in parameters.split(", "))
