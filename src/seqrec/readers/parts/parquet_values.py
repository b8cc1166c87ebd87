"""Columns of Parquet to ids, ratings and numbers: null or NaN where a value is of no use."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from seqrec.errors import SeqrecError
from seqrec.readers.parts.values import LIMIT, floats


def id_texts(column: pa.Array, path: Path, name: str) -> pa.Array:
    """Return ids as strings, null where one is none.

    Whole numbers that went through a float column lose their ``.0``.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return id_texts(column.dictionary_decode(), path, name)
    if is_text(kind):
        return texts(column)
    if pa.types.is_floating(kind):
        column, kind = only_whole(column), pa.int64()
    if pa.types.is_integer(kind):
        return column.cast(pa.string())
    raise SeqrecError(f"{path}: column '{name}' holds {kind}, no ids; write it as text or integers")


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


def ratings(column: pa.Array, path: Path, name: str) -> pa.Array:
    """Return ratings as double, null where there is none, NaN where it is no number."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return ratings(column.dictionary_decode(), path, name)
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


def as_integers(column: pa.Array) -> pa.Array:
    """Return instants as the integers they are stored as."""
    return column.cast(pa.int64())


def whole_numbers(column: pa.Array) -> pa.Array:
    """Return numbers as int64, rounded down, null where it cannot hold them."""
    if pa.types.is_floating(column.type):
        numbers = pc.floor(column.cast(pa.float64()))
        column = pc.if_else(pc.less(pc.abs(numbers), float(LIMIT)), numbers, None)
    elif pa.types.is_uint64(column.type):
        column = pc.if_else(pc.less(column, pa.scalar(LIMIT, pa.uint64())), column, None)
    return column.cast(pa.int64(), safe=False)


def finite_numbers(column: pa.Array) -> pa.Array:
    """Return numbers as double, null where they are not finite."""
    numbers = column.cast(pa.float64(), safe=False)
    return pc.if_else(pc.is_finite(numbers), numbers, None)
