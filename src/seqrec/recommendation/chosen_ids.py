"""Items to choose from and to leave out, in people's own ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.batches import Integers
from seqrec.errors import SeqrecError
from seqrec.recommendation.choice import ItemsByUser
from seqrec.recommendation.given_histories import (
    Columns,
    arrow_of,
    check_column,
    checked_ids,
)
from seqrec.recommendation.item_ids import ItemIds, as_text, places_in, text_of

Found = tuple[Integers, pa.Array | None, pa.Array | None]
"""Item numbers, whose they are, and which users are named at all; None where they are for all."""


class ChosenIds:
    """Reads item lists, and counts what it passes over.

    Args:
        ids: the items the model knows.
        users: (n,) who gets a list.
        columns: the names of a table's columns.
    """

    def __init__(self, ids: ItemIds, users: pa.Array, columns: Columns) -> None:
        self.ids, self.users, self.columns = ids, users, columns
        self.passed_over: dict[str, int] = {}
        """How many ids of a list the model does not know."""
        self.unasked_users: dict[str, int] = {}
        """How many users who have a list of items of their own get no list."""

    def candidates(self, source: Any) -> Integers | ItemsByUser | None:
        """Return the items to choose from.

        Args:
            source: item ids for all, or by user: a mapping, or a table that speaks Arrow.

        Raises:
            SeqrecError: the model knows none of them.
        """
        return self._read(source, "candidates", is_wrong=lambda given, known: known == 0)

    def exclude(self, source: Any) -> Integers | ItemsByUser | None:
        """Return the items to leave out, in the same forms; unknown ones could not come anyway.

        Raises:
            SeqrecError: the model knows none of them, so that they are ids of something else; what
                single users leave out may well be unknown.
        """
        lenient = isinstance(source, Mapping)
        wrong = lambda given, known: given > 0 and known == 0 and not lenient  # noqa: E731
        return self._read(source, "exclude", is_wrong=wrong)

    def _read(
        self, source: Any, name: str, is_wrong: Callable[[int, int], bool]
    ) -> Integers | ItemsByUser | None:
        if source is None:
            return None
        ids = arrow_of(source)
        if isinstance(ids, pa.Table):
            numbers, users, named = self._in_table(ids)
        elif isinstance(source, Mapping):
            numbers, users, named = self._in_mapping(source, name)
        else:
            given = checked_ids(source, name) if ids is None else ids
            numbers = self.ids.numbers_in(ids) if ids is not None else self.ids.numbers(given)
            users = named = None
        known = int((numbers != 0).sum())
        self.passed_over[name] = len(numbers) - known
        allowed_empty = named is not None and len(numbers) == 0
        if is_wrong(len(numbers), known) and not allowed_empty:
            what = "items of exclude" if name == "exclude" else name
            raise SeqrecError(f"the model knows none of the {what}; give ids of its own items")
        if users is None or named is None:
            return np.unique(numbers[numbers != 0])
        asked = places_in(named, self.users)
        self.unasked_users[name] = asked.null_count
        return self._by_user(users, numbers, asked.drop_null())

    def _in_table(self, table: pa.Table) -> Found:
        check_column(table, self.columns.item)
        numbers = self.ids.numbers_in(table[self.columns.item])
        if self.columns.user not in table.column_names:
            return numbers, None, None
        check_column(table, self.columns.user)
        users = as_text(table[self.columns.user])
        if users.null_count:
            raise SeqrecError(
                f"column '{self.columns.user}' of an item list is empty in {users.null_count:,} "
                "rows; name every user, or leave the column out for items of all"
            )
        return numbers, users, pc.unique(users)

    def _in_mapping(self, source: Mapping[Any, Any], name: str) -> Found:
        named = [text_of(user) for user in source]
        lists = [list(checked_ids(items, f"{name} of a user")) for items in source.values()]
        users = np.repeat(np.array(named, dtype=object), [len(items) for items in lists])
        numbers = self.ids.numbers(item for items in lists for item in items)
        return numbers, pa.array(users, pa.string()), pa.array(named, pa.string())

    def _by_user(self, users: pa.Array, numbers: Integers, asked: pa.Array) -> ItemsByUser:
        """Return the items of those who get a list."""
        rows = pc.fill_null(places_in(users, self.users), -1).to_numpy()
        kept = (rows >= 0) & (numbers != 0)
        rows, numbers = rows[kept], numbers[kept]
        order = np.argsort(rows, kind="stable")
        counts = np.bincount(rows, minlength=len(self.users))
        has_own = np.zeros(len(self.users), bool)
        has_own[asked.to_numpy()] = True
        offsets = np.concatenate([[0], np.cumsum(counts)])
        return ItemsByUser(offsets, numbers[order], has_own)
