"""Columns of Parquet to ids, ratings and numbers: null or NaN where a value is of no use."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.errors import SeqrecError
from seqrec.readers.parts.dictionaries import without_dictionary
from seqrec.readers.parts.values import floats, whole_numbers

EXACT_BITS = {16: 11, 32: 24, 64: 53}
"""Width of a float to the bits of the whole numbers that it holds."""
ODD_FLOAT = "1e+99"
"""What an inexact float in a list becomes: a float that is rejected as such."""


def id_texts(column: pa.Array, path: Path, name: str) -> pa.Array:
    """Return ids as strings, null where one is none.

    Whole numbers that went through a float column lose their ``.0``.
    """
    column = without_dictionary(column)
    kind = column.type
    if is_text(kind):
        return texts(column)
    if pa.types.is_floating(kind):
        column, kind = only_whole(column), pa.int64()
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return column.cast(pa.string())
    if pa.types.is_null(kind):
        return pa.nulls(len(column), pa.string())
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    raise SeqrecError(
        f"{path}: column '{name}' holds {kind}, no ids; write it as text or integers"
        + (", or name lists of items raw.columns.items" if lists else "")
    )


def is_text(kind: pa.DataType) -> bool:
    """Return whether a type is one of the string types, or bytes that may be text."""
    types = pa.types
    is_string = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    return bool(is_string or types.is_binary(kind) or types.is_large_binary(kind))


def texts(column: pa.Array) -> pa.Array:
    """Return a column of text or bytes as strings, null where it is not UTF-8.

    Strings are looked at too: Parquet promises that they are UTF-8, and no reader checks it.
    """
    as_bytes = column.cast(pa.large_binary())
    try:
        return as_bytes.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([decoded(value) for value in as_bytes.to_pylist()], pa.string())


def decoded(value: bytes | None) -> str | None:
    """Return bytes as text, or None where they are none."""
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def only_whole(column: pa.Array) -> pa.Array:
    """Return floats as int64, null where they are not whole."""
    numbers = column.cast(pa.float64())
    return whole_numbers(pc.if_else(pc.equal(numbers, pc.floor(numbers)), numbers, None))


def is_inexact(column: pa.Array) -> pa.Array:
    """Return which ids are floats so large that others are the same float."""
    column = without_dictionary(column)
    kind = column.type
    if not pa.types.is_floating(kind):
        return pa.array(np.zeros(len(column), dtype=bool))
    numbers = pc.fill_null(column.cast(pa.float64()), 0.0)
    large = pc.greater_equal(pc.abs(numbers), 2.0 ** EXACT_BITS[kind.bit_width])
    return pc.and_(large, pc.is_finite(numbers))


def is_missing(column: pa.Array) -> pa.Array:
    """Return which values are null, or NaN, which pandas writes for it."""
    return pc.is_null(column, nan_is_null=pa.types.is_floating(column.type))


def is_any_list(kind: pa.DataType) -> bool:
    """Return whether a type is one of the list types."""
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def id_lists(column: pa.Array, path: Path, name: str) -> pa.Array:
    """Return lists of ids as lists of strings; a list that is null is empty."""
    lists = column.cast(pa.list_(column.type.value_type))
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    flat = lists.flatten()
    ids = pc.if_else(is_inexact(flat), ODD_FLOAT, id_texts(flat, path, name))
    return pa.ListArray.from_arrays(pa.array(offsets), ids)


def time_column(column: pa.Array) -> pa.Array:
    """Return a column of timestamps without a dictionary, text of any kind as strings."""
    column = without_dictionary(column)
    return texts(column) if is_text(column.type) else column


def as_text_column(column: pa.Array) -> pa.Array:
    """Return values of any type as strings, whole floats without ``.0``."""
    column = without_dictionary(column)
    if is_text(column.type):
        return texts(column)
    if pa.types.is_nested(column.type):
        raise SeqrecError(f"raw.where: {column.type} is no single value; name another column")
    if pa.types.is_floating(column.type):
        return pc.coalesce(only_whole(column).cast(pa.string()), column.cast(pa.string()))
    return column.cast(pa.string())


def ratings(column: pa.Array, path: Path, name: str) -> pa.Array:
    """Return ratings as double, null where there is none, NaN where it is no number."""
    column = without_dictionary(column)
    kind = column.type
    if is_text(kind):
        numbers = floats(pc.fill_null(texts(column), "?"))
        return pc.if_else(pc.is_null(column), None, numbers)
    if pa.types.is_null(kind) or pa.types.is_boolean(kind) or is_number(kind):
        return column.cast(pa.float64(), safe=False)
    raise SeqrecError(f"{path}: column '{name}' holds {kind}, no ratings; write it as numbers")


def is_number(kind: pa.DataType) -> bool:
    """Return whether a type is one of numbers."""
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))
