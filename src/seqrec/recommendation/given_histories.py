"""Histories in people's own ids: lists, a mapping of users to lists, or a table of either form.

Shapes: n histories, N known items of all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.batches import Examples, Integers, Sequences
from seqrec.errors import SeqrecError, rows_in_words, unknown_name
from seqrec.readers.parts.dictionaries import without_dictionary
from seqrec.readers.parts.values import instants
from seqrec.recommendation.item_ids import ItemIds, as_text, is_text, text_of


@dataclass(frozen=True)
class Columns:
    """What the columns of a table of histories are called."""

    user: str = "user_id"
    item: str = "item_id"
    timestamp: str = "timestamp"
    """Rows are in order of time where there is no such column."""
    history: str = "history"
    """A list of items a row, instead of one row an item."""


@dataclass(frozen=True)
class Histories:
    """The known items of many users, oldest first."""

    users: pa.Array
    """(n,) their ids, text."""
    items: Integers
    """(N,) item numbers."""
    offsets: Integers
    """(n + 1,) where a history begins."""
    unknown: npt.NDArray[np.int64]
    """(n,) how many ids the model does not know."""

    @classmethod
    def of(cls, users: pa.Array, numbers: Integers, lengths: Integers) -> Histories:
        """Pass over unknown items, which have number 0, and count them."""
        rows = np.repeat(np.arange(len(lengths)), lengths)
        known = numbers != 0
        found = np.bincount(rows[known], minlength=len(lengths))
        offsets = np.concatenate([[0], np.cumsum(found)]).astype(np.int64)
        return cls(users, numbers[known], offsets, lengths - found)

    def __len__(self) -> int:
        return len(self.unknown)

    @property
    def known(self) -> Integers:
        """(n,) how many items of each the model knows."""
        return np.diff(self.offsets)

    def sequences(self, num_items: int) -> Sequences:
        """Return them as the training part of so many users."""
        items = self.items.astype(np.int32)
        return Sequences(items, self.offsets, np.zeros(len(items), np.int8), num_items)

    def examples(self, max_len: int, rows: Integers) -> Examples:
        """Return where some of them begin, as far as a model looks back, and end."""
        ends = self.offsets[rows + 1]
        return Examples(rows + 1, np.maximum(self.offsets[rows], ends - max_len), ends)


def histories_of(source: Any, ids: ItemIds, columns: Columns | None = None) -> Histories:
    """Return histories in whatever form they come.

    Args:
        source: lists of item ids; a mapping of user ids to such lists; or a table that speaks
            Arrow, as ``from_table`` takes it.
        ids: the items the model knows.
        columns: the names of a table's columns.

    Raises:
        SeqrecError: it is none of these.
    """
    table = arrow_of(source)
    if isinstance(table, pa.Table):
        return from_table(table, ids, columns or Columns())
    if isinstance(source, Mapping):
        users, lists = [text_of(user) for user in source], list(source.values())
        if len(set(users)) < len(users):
            raise SeqrecError("two users of the histories have the same id; give each one history")
    else:
        lists = checked_lists(source, "histories")
        users = [str(number) for number in range(len(lists))]
    own = [list(checked_ids(items, "a history")) for items in lists]
    numbers = ids.numbers(item for items in own for item in items)
    lengths = np.array([len(items) for items in own], dtype=np.int64)
    return Histories.of(pa.array(users, pa.string()), numbers, lengths)


def arrow_of(source: Any) -> pa.Table | pa.ChunkedArray | None:
    """Return what speaks Arrow as a table or, a single column, as an array; None for all else."""
    if isinstance(source, pa.Array | pa.ChunkedArray):
        return source
    if not hasattr(source, "__arrow_c_stream__"):
        return None
    try:
        return pa.table(source)
    except (pa.ArrowInvalid, TypeError):  # a column alone: pandas' Series, say
        return pa.chunked_array(source)


def checked_lists(source: Any, what: str) -> list[Any]:
    """Return a list of lists.

    Raises:
        SeqrecError: it is something else, a single list for instance.
    """
    if isinstance(source, str | bytes) or not isinstance(source, Iterable):
        raise SeqrecError(f"{what} should be lists of item ids (got {source!r})")
    lists = list(source)
    if lists and isinstance(lists[0], str | int | float):
        raise SeqrecError(f"{what} should be a list of lists of item ids; one alone is [[…]]")
    return lists


def checked_ids(items: Any, what: str) -> Iterable[Any]:
    """Return the ids of one list.

    Raises:
        SeqrecError: it is no list of ids.
    """
    if isinstance(items, str | bytes) or not isinstance(items, Iterable):
        raise SeqrecError(f"{what} should be a list of item ids (got {items!r})")
    return items


def from_table(table: pa.Table, ids: ItemIds, columns: Columns) -> Histories:
    """Return the histories of a table.

    Args:
        table: one row an interaction (user, item and perhaps a timestamp), or one row a user
            (history, a list, and perhaps the user); users come in the order of their first rows.
        ids: the items the model knows.
        columns: how they are called.

    Raises:
        SeqrecError: a column is missing.
    """
    if columns.history in table.column_names:
        check_column(table, columns.history)
        return _one_row_a_user(table, ids, columns)
    for name in (columns.user, columns.item):
        check_column(table, name)
    return _one_row_an_item(table, ids, columns)


def check_column(table: pa.Table, name: str) -> None:
    """Raise a SeqrecError, with the nearest name, unless a table has a column."""
    number = table.column_names.count(name)
    if number == 0:
        raise unknown_name("column", name, table.column_names)
    if number > 1:
        raise SeqrecError(f"column '{name}' is there {number} times; rename all but one")


def _one_row_a_user(table: pa.Table, ids: ItemIds, columns: Columns) -> Histories:
    lists = table[columns.history].combine_chunks()
    if isinstance(lists, pa.FixedSizeListArray):
        lists = lists.cast(pa.list_(lists.type.value_type))
    if not isinstance(lists, pa.ListArray | pa.LargeListArray):
        raise SeqrecError(f"column '{columns.history}' should hold lists of item ids")
    if columns.user in table.column_names:
        check_column(table, columns.user)
        users = _named(table[columns.user], columns.user)
    else:
        users = pa.array(range(len(table)), pa.int64()).cast(pa.string())
    if pc.count_distinct(users).as_py() < len(users):
        raise SeqrecError(f"column '{columns.user}' names a user twice; give each one history")
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy().astype(np.int64)
    return Histories.of(users, ids.numbers_in(lists.flatten()), lengths)


def _one_row_an_item(table: pa.Table, ids: ItemIds, columns: Columns) -> Histories:
    coded = _named(table[columns.user], columns.user).dictionary_encode()
    users = coded.indices.to_numpy()
    keys: Sequence[Any] = (users,)
    if columns.timestamp in table.column_names:
        check_column(table, columns.timestamp)
        keys = (_instants(table[columns.timestamp], columns.timestamp), users)
    order = np.lexsort(tuple(keys))  # which leaves equals as they stand
    numbers = ids.numbers_in(table[columns.item])[order]
    lengths = np.bincount(users, minlength=len(coded.dictionary)).astype(np.int64)
    return Histories.of(coded.dictionary, numbers, lengths)


def _named(column: pa.ChunkedArray, name: str) -> pa.Array:
    """Return users as text.

    Raises:
        SeqrecError: one is missing.
    """
    users = as_text(column)
    if users.null_count:
        raise SeqrecError(f"column '{name}' is empty in {rows_in_words(users.null_count)}")
    return users


def _instants(column: pa.ChunkedArray, name: str) -> npt.NDArray[Any]:
    """Return timestamps as numbers to sort by.

    Raises:
        SeqrecError: one is missing, or they are neither numbers nor instants nor ISO dates.
    """
    column = without_dictionary(column)
    kind = column.type
    if is_text(kind):
        return _parsed(column, name)
    try:
        if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            column = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
        elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            raise SeqrecError(f"column '{name}' holds {kind}; give numbers, instants or ISO dates")
    except pa.ArrowInvalid as error:
        raise SeqrecError(f"column '{name}': {error}; give numbers or ISO dates") from None
    missing = column.null_count
    if pa.types.is_floating(column.type):
        missing += pc.sum(pc.is_nan(column)).as_py() or 0
    _check_none_missing(missing, name)
    numbers: npt.NDArray[Any] = column.to_numpy()
    return numbers


def _parsed(column: pa.ChunkedArray, name: str) -> npt.NDArray[Any]:
    """Return ISO dates and instants as microseconds, UTC where they name no zone."""
    texts = as_text(column)
    _check_none_missing(texts.null_count, name)
    found = instants(texts)
    if found.null_count:
        first = texts.filter(pc.is_null(found))[0].as_py()
        raise SeqrecError(f"column '{name}': {first!r} is no date; give numbers or ISO dates")
    numbers: npt.NDArray[Any] = found.to_numpy()
    return numbers


def _check_none_missing(missing: int, name: str) -> None:
    if missing:
        raise SeqrecError(f"column '{name}' is empty in {rows_in_words(missing)}")
