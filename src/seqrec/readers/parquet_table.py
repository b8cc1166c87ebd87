"""Parquet tables: read in pieces, only the columns that are named."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from seqrec.errors import SeqrecError, unknown_name
from seqrec.readers.batches import Batch, Rows, make_batch
from seqrec.readers.clocks import Clock, divided, guess_clock, number_clock
from seqrec.readers.headers import HeaderNames

BATCH_ROWS = 1024 * 1024
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def read_parquet(path: Path, names: HeaderNames) -> Iterator[Batch]:
    """Yield a Parquet table; the row number, from 1, stands for the line number.

    Raises:
        SeqrecError: the file is not Parquet, or a column is missing or of no use.
    """
    clock: Clock | None = None
    first = 1
    try:
        with pq.ParquetFile(path) as file:
            columns = wanted_columns(path, names, file.schema_arrow.names)
            for piece in file.iter_batches(BATCH_ROWS, columns=columns):
                if clock is None and names.timestamp is not None:
                    clock = column_clock(piece[names.timestamp], path, names.timestamp)
                yield to_batch(piece, names, clock, first, path)
                first += len(piece)
    except (pa.ArrowException, OSError) as error:
        line = str(error).partition("\n")[0]
        raise SeqrecError(f"{path} cannot be read as Parquet ({line}); write it again") from None


def wanted_columns(path: Path, names: HeaderNames, found: list[str]) -> list[str]:
    """Return the columns to read, all of which the file has."""
    wanted = [names.user, names.item, names.timestamp, names.rating]
    columns = [name for name in wanted if name is not None]
    for name in columns:
        if name not in found:
            raise unknown_name("column", name, found, f"in {path}")
    return columns


def to_batch(
    piece: pa.RecordBatch, names: HeaderNames, clock: Clock | None, first: int, path: Path
) -> Batch:
    """Return a piece of the file as a batch."""
    numbers = np.arange(first, first + len(piece))
    timestamp = pa.array(numbers)
    if clock is not None:
        timestamp = clock.read(piece[names.timestamp])
    rating = piece[names.rating] if names.rating else None
    rows = Rows(
        id_texts(piece[names.user], path, names.user),
        id_texts(piece[names.item], path, names.item),
        timestamp,
        rating if rating is None else rating.cast(pa.float64()),
        numbers,
        lambda row: ",".join(str(column[row].as_py()) for column in piece.columns),
        clock.kind if clock else "",
    )
    return make_batch(rows, [], 0, clock.unit if clock else "order")


def id_texts(column: pa.Array, path: Path, name: str) -> pa.Array:
    """Return ids as strings; whole numbers that went through a float column lose their ``.0``."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return id_texts(column.dictionary_decode(), path, name)
    if pa.types.is_floating(kind):
        column, kind = column.cast(pa.int64()), pa.int64()
    if pa.types.is_integer(kind) or pa.types.is_string(kind) or is_long_text(kind):
        return column.cast(pa.string())
    raise SeqrecError(f"{path}: column '{name}' holds {kind}, no ids; write it as text or integers")


def is_long_text(kind: pa.DataType) -> bool:
    """Return whether a type is one of the other string types, or bytes that may be text."""
    return bool(
        pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_binary(kind)
    )


def column_clock(column: pa.Array, path: Path, name: str) -> Clock:
    """Return the clock for a column of timestamps, dates, numbers or text."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        unit = "s" if kind.unit == "s" else "ms"
        divisor = PER_SECOND[kind.unit] // PER_SECOND[unit]
        return Clock(unit, divided(as_integers, divisor), "an instant")
    if pa.types.is_date(kind):
        return Clock("s", lambda dates: as_integers(dates.cast(pa.timestamp("s"))), "a date")
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return number_clock(pc.drop_null(whole_numbers(column)), whole_numbers)
    if pa.types.is_string(kind) or is_long_text(kind):
        clock = guess_clock(column.cast(pa.string()))
        return clock._replace(read=lambda texts: clock.read(texts.cast(pa.string())))
    raise SeqrecError(
        f"{path}: column '{name}' holds {kind}, no timestamps; "
        "write it as integers, timestamps or ISO text"
    )


def as_integers(column: pa.Array) -> pa.Array:
    """Return instants as the integers they are stored as."""
    return column.cast(pa.int64())


def whole_numbers(column: pa.Array) -> pa.Array:
    """Return numbers as int64, rounded down, null where they are not finite."""
    if pa.types.is_floating(column.type):
        column = pc.floor(pc.if_else(pc.is_finite(column), column, None))
    return column.cast(pa.int64())
