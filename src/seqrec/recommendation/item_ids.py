"""People's own item ids and the model's numbers for them.

Ids are taken as the readers of logs take them: ``12``, ``12 `` and ``12.0`` are one item.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.batches import Integers
from seqrec.errors import SeqrecError
from seqrec.readers.parts.dictionaries import without_dictionary
from seqrec.readers.parts.ids import plain_id, plain_ids

LARGEST_WHOLE = 2.0**53
"""Up to which a float says which whole number it is."""


def ids_between_commas(text: str) -> list[str]:
    """Return the ids of a line; one with commas stands in quotes, its own quotes doubled.

    Raises:
        SeqrecError: the quotes are those of no line of CSV.
    """
    parts = text.split(",")
    if '"' in text:
        try:
            lines = csv.reader(text.splitlines(), skipinitialspace=True, strict=True)
            parts = [part for line in lines for part in line]
        except csv.Error as error:
            raise SeqrecError(
                f"ids in quotes ({error}): {text[:40]!r}; write quotes within them twice, or give "
                "JSON lines"
            ) from None
    return [part.strip() for part in parts if part.strip()]


class ItemIds:
    """The items a model knows.

    Args:
        items: item_index, item_id; sorted by item_index, which counts from 1.
    """

    def __init__(self, items: pa.Table) -> None:
        self.ids = items["item_id"].cast(pa.string()).combine_chunks()

    def __len__(self) -> int:
        return len(self.ids)

    def numbers(self, ids: Iterable[Any]) -> Integers:
        """Return the items' numbers, 0 for an id that the model does not know."""
        return np.array([self._number(text_of(item)) for item in ids], dtype=np.int64)

    def _number(self, text: str) -> int:
        number = self._numbers.get(text)
        return self._numbers.get(plain_id(text), 0) if number is None else number

    def numbers_in(self, ids: pa.Array | pa.ChunkedArray) -> Integers:
        """Do the same with many ids in an Arrow array."""
        places = places_in(as_text(ids), self.ids)
        numbers: Integers = pc.add(pc.fill_null(places, -1), 1).to_numpy().astype(np.int64)
        return numbers

    def take(self, numbers: Integers) -> pa.Array:
        """Return the ids of items by their numbers."""
        return self.ids.take(pa.array(numbers - 1))

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {item: number for number, item in enumerate(self.ids.to_pylist(), start=1)}


def places_in(texts: pa.Array, known: pa.Array) -> pa.Array:
    """Return where ids, of items or of users, stand among those that are known; null for others."""
    places = pc.index_in(texts, value_set=known)
    if places.null_count:  # written otherwise, perhaps: as the log's reader takes them
        places = pc.coalesce(places, pc.index_in(plain_ids(texts), value_set=known))
    return places


def text_of(item: Any) -> str:
    """Return an id as the log's reader would give it: whole numbers as such, all else as text.

    Raises:
        SeqrecError: it is neither text nor a whole number.
    """
    if isinstance(item, str):
        return item
    if isinstance(item, float | np.floating) and _is_whole(float(item)):
        return str(int(item))
    if isinstance(item, int | np.integer) and not isinstance(item, bool):
        return str(int(item))
    raise SeqrecError(f"{item!r} is no id; give text or a whole number")


def _is_whole(number: float) -> bool:
    return math.isfinite(number) and number.is_integer() and abs(number) <= LARGEST_WHOLE


def as_text(ids: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column of ids as text, whole numbers without a decimal point.

    Raises:
        SeqrecError: it holds something else than text or whole numbers.
    """
    ids = without_dictionary(ids)
    if isinstance(ids, pa.ChunkedArray):
        ids = ids.combine_chunks()
    if isinstance(ids, pa.ChunkedArray):  # of no chunk at all
        ids = pa.array([], ids.type)
    try:
        if pa.types.is_floating(ids.type):
            ids = ids.cast(pa.int64())
        elif not (is_text(ids.type) or pa.types.is_integer(ids.type)):
            raise SeqrecError(f"ids of type {ids.type} are none; give text or whole numbers")
        return ids.cast(pa.string())
    except pa.ArrowInvalid as error:
        raise SeqrecError(f"ids that are no whole numbers ({error}); give them as text") from None


def is_text(kind: pa.DataType) -> bool:
    """Tell whether a column of this kind holds text, or nothing at all."""
    views = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return pa.types.is_null(kind) or any(view(kind) for view in views)
