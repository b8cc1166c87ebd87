"""Parquet tables: read in pieces, only the columns that are named."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from seqrec.errors import SeqrecError
from seqrec.readers.parts.clocks import Clock, divided, guess_clock, number_clock
from seqrec.readers.parts.headers import HeaderNames, check_apart, find_column
from seqrec.readers.parts.parquet_values import (
    as_integers,
    finite_numbers,
    id_texts,
    is_text,
    ratings,
    texts,
    whole_numbers,
)
from seqrec.readers.parts.pieces import LineNumbers, Piece, Rejection, Rows, make_piece

BATCH_ROWS = 1024 * 1024
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def read_parquet(path: Path, names: HeaderNames) -> Iterator[Piece]:
    """Yield a Parquet table; the row number, from 1, stands for the line number.

    Raises:
        SeqrecError: the file is not Parquet, or a column is missing or of no use.
    """
    try:
        with pq.ParquetFile(path) as file:
            columns = columns_to_read(path, names, file.schema_arrow.names)
            yield from read_records(file.iter_batches(BATCH_ROWS, columns=columns), names, path)
    except (pa.ArrowException, OSError) as error:
        line = str(error).partition("\n")[0]
        raise SeqrecError(f"{path} cannot be read as Parquet ({line}); write it again") from None


def read_records(
    batches: Iterable[pa.RecordBatch], names: HeaderNames, path: Path
) -> Iterator[Piece]:
    """Yield the pieces of a table that comes in batches.

    Args:
        batches: with the columns that are read, and no others.
        names: of these columns.
        path: what the table is called in messages.

    Raises:
        SeqrecError: a column is of no use.
    """
    clock: Clock | None = None
    first = 1
    for records in batches:
        if clock is None and names.timestamp is not None:
            clock = column_clock(records[names.timestamp], path, names.timestamp)
        yield to_piece(records, names, clock, first, path)
        first += len(records)


def columns_to_read(path: Path, names: HeaderNames, columns: list[str]) -> list[str]:
    """Return the columns to read, each of which the file has once."""
    check_apart(names, f"in {path}")
    optional = [name for name in (names.timestamp, names.rating) if name is not None]
    for name in (to_read := [names.user, names.item, *optional]):
        find_column(name, columns, f"in {path}")
    return to_read


def to_piece(
    records: pa.RecordBatch, names: HeaderNames, clock: Clock | None, first: int, path: Path
) -> Piece:
    """Return rows of the file as a piece."""
    numbers = np.arange(first, first + len(records))
    ids = {name: id_texts(records[name], path, name) for name in (names.user, names.item)}
    rejections, good = unfit_ids(records, names, ids, numbers)
    timestamp = pa.array(numbers) if clock is None else clock.read(records[names.timestamp])
    rating = ratings(records[names.rating], path, names.rating) if names.rating else None
    places = np.flatnonzero(good)
    rows = Rows(
        ids[names.user].filter(good),
        ids[names.item].filter(good),
        timestamp.filter(good),
        None if rating is None else rating.filter(good),
        numbers[places],
        lambda row: row_text(records, int(places[row])),
        clock.kind if clock else "",
    )
    return make_piece(rows, rejections, 0, clock.unit if clock else "order")


def unfit_ids(
    records: pa.RecordBatch, names: HeaderNames, ids: dict[str, pa.Array], numbers: LineNumbers
) -> tuple[list[Rejection], pa.Array]:
    """Return the rejections of rows whose ids are there but no ids, and which rows are others."""
    good = pa.array(np.ones(len(records), dtype=bool))
    rejections = []
    for name, kind in ((names.user, "user"), (names.item, "item")):
        unfit = pc.and_(good, pc.and_(pc.is_null(ids[name]), pc.invert(is_missing(records[name]))))
        good = pc.and_(good, pc.invert(unfit))
        rejections += [
            Rejection(int(numbers[row]), f"{kind} id is no text or integer", row_text(records, row))
            for row in pc.indices_nonzero(unfit).to_pylist()
        ]
    return rejections, good


def is_missing(column: pa.Array) -> pa.Array:
    """Return which values are null, or NaN, which pandas writes for it."""
    return pc.is_null(column, nan_is_null=pa.types.is_floating(column.type))


def row_text(records: pa.RecordBatch, row: int) -> str:
    """Return a row as one line for people."""
    return ",".join(value_text(column[row]) for column in records.columns).replace("\n", " ")


def value_text(value: pa.Scalar) -> str:
    """Return a value as text; Python has no nanoseconds, and text may be broken."""
    if isinstance(value, pa.DictionaryScalar):
        return value_text(value.value)
    try:
        return str(value.as_py())
    except UnicodeDecodeError:
        return bytes(value.as_buffer()).decode(errors="replace")
    except (ValueError, OverflowError):
        return str(value.value)


def column_clock(column: pa.Array, path: Path, name: str) -> Clock:
    """Return the clock for a column of timestamps, dates, numbers or text."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        clock = column_clock(column.dictionary_decode(), path, name)
        return clock._replace(read=lambda codes: clock.read(codes.dictionary_decode()))
    if pa.types.is_timestamp(kind):
        unit = "s" if kind.unit == "s" else "ms"
        divisor = PER_SECOND[kind.unit] // PER_SECOND[unit]
        return Clock(unit, divided(as_integers, divisor), "an instant")
    if pa.types.is_date(kind):
        return Clock("s", lambda dates: as_integers(dates.cast(pa.timestamp("s"))), "a date")
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return number_clock(column, whole_numbers, finite_numbers)
    if is_text(kind):
        clock = guess_clock(texts(column))
        return clock._replace(read=lambda times: clock.read(texts(times)))
    raise SeqrecError(
        f"{path}: column '{name}' holds {kind}, no timestamps; "
        "write it as integers, timestamps or ISO text"
    )
