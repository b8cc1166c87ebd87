"""Items to choose from and to leave out, in people's own ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.batches import Integers
from seqrec.errors import SeqrecError
from seqrec.recommendation.choice import ItemsByUser
from seqrec.recommendation.given_histories import Columns, check_column, checked_ids
from seqrec.recommendation.item_ids import ItemIds, as_text, text_of


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

    def candidates(self, source: Any) -> Integers | ItemsByUser | None:
        """Return the items to choose from.

        Args:
            source: item ids for all, or by user: a mapping, or a table that speaks Arrow.

        Raises:
            SeqrecError: the model knows none of them.
        """
        found = self._read(source, "candidates")
        if found is not None and _is_empty(found):
            raise SeqrecError("the model knows none of the candidates; give some of its own items")
        return found

    def exclude(self, source: Any) -> Integers | ItemsByUser | None:
        """Return the items to leave out, in the same forms; unknown ones could not come anyway.

        Raises:
            SeqrecError: the model knows none of them, so that they are ids of something else; what
                single users leave out may well be unknown.
        """
        found = self._read(source, "exclude")
        unknown = self.passed_over.get("exclude") and not isinstance(source, Mapping)
        if found is not None and unknown and _is_empty(found):
            raise SeqrecError("the model knows none of the items of exclude; give its own ids")
        return found

    def _read(self, source: Any, name: str) -> Integers | ItemsByUser | None:
        if source is None:
            return None
        if hasattr(source, "__arrow_c_stream__"):
            return self._from_table(pa.table(source), name)
        if isinstance(source, Mapping):
            return self._from_mapping(source, name)
        return self._known(self.ids.numbers(checked_ids(source, name)), name)

    def _from_table(self, table: pa.Table, name: str) -> Integers | ItemsByUser:
        check_column(table, self.columns.item)
        numbers = self.ids.numbers_in(table[self.columns.item])
        if self.columns.user not in table.column_names:
            return self._known(numbers, name)
        users = as_text(table[self.columns.user])
        return self._by_user(users, numbers, pc.unique(users), name)

    def _from_mapping(self, source: Mapping[Any, Any], name: str) -> ItemsByUser:
        named = [text_of(user) for user in source]
        lists = [list(checked_ids(items, f"{name} of a user")) for items in source.values()]
        users = np.repeat(np.array(named, dtype=object), [len(items) for items in lists])
        numbers = self.ids.numbers(item for items in lists for item in items)
        text = pa.string()
        return self._by_user(pa.array(users, text), numbers, pa.array(named, text), name)

    def _known(self, numbers: Integers, name: str) -> Integers:
        known = numbers != 0
        self.passed_over[name] = int((~known).sum())
        return np.unique(numbers[known])

    def _by_user(
        self, users: pa.Array, numbers: Integers, named: pa.Array, name: str
    ) -> ItemsByUser:
        """Return the items of those who get a list."""
        self.passed_over[name] = int((numbers == 0).sum())
        rows = pc.fill_null(pc.index_in(users, value_set=self.users), -1).to_numpy()
        kept = (rows >= 0) & (numbers != 0)
        rows, numbers = rows[kept], numbers[kept]
        order = np.argsort(rows, kind="stable")
        counts = np.bincount(rows, minlength=len(self.users))
        has_own = pc.is_in(self.users, value_set=named).to_numpy(zero_copy_only=False)
        offsets = np.concatenate([[0], np.cumsum(counts)])
        return ItemsByUser(offsets, numbers[order], has_own)


def _is_empty(found: Integers | ItemsByUser) -> bool:
    return len(found.items if isinstance(found, ItemsByUser) else found) == 0
