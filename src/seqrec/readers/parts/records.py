"""Rows that come as Arrow's records: columns of any type to pieces of a log."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.readers.parts.headers import HeaderNames, check_apart, find_column
from seqrec.readers.parts.item_lists import EMPTY, item_lists
from seqrec.readers.parts.parquet_values import (
    as_text_column,
    id_lists,
    id_texts,
    is_any_list,
    is_inexact,
    is_missing,
    ratings,
    time_column,
)
from seqrec.readers.parts.piece_maker import Columns, PieceMaker
from seqrec.readers.parts.pieces import LineNumbers, Piece, Rejection
from seqrec.readers.parts.reasons import FLOAT_ID, FRACTIONS_GONE, NO_ID


class Records(NamedTuple):
    """Some rows of a log, only the columns that are read, and what could not become one."""

    batch: pa.RecordBatch
    line_numbers: LineNumbers
    text: Callable[[int], str]
    rejections: list[Rejection] = []  # noqa: RUF012 nobody changes it
    blank_lines: int = 0
    positions: npt.NDArray[np.int64] | None = None
    """Place of each among the interactions of its line, where a line holds several."""
    empty: int = 0
    """Lines whose list has no interaction."""


def columns_to_read(path: Path, names: HeaderNames, columns: list[str]) -> list[str]:
    """Return the columns to read, each of which the file has once."""
    if names.by_position:
        raise SeqrecError(f"{path} has names for its columns; give those, not positions")
    check_apart(names, f"in {path}")
    used = list(dict.fromkeys([*names.roles, *(name for name, _ in names.where)]))
    for name in used:
        find_column(str(name), columns, f"in {path}", names.remedy(str(name)))
    return [str(name) for name in used]


def read_records(
    stream: Iterable[Records],
    names: HeaderNames,
    path: Path,
    options: RawFileOptions | None = None,
) -> Iterator[Piece]:
    """Yield the pieces of a log that comes in records.

    Args:
        stream: with the columns that are read.
        names: of these columns.
        path: what the log is called in messages.
        options: what the user says of the timestamps.

    Raises:
        SeqrecError: a column is of no use.
    """
    maker = PieceMaker(f"{path}, column '{names.timestamp}'", None, options)
    for records in stream:
        yield maker.make(columns_of(records, names, path))


def columns_of(records: Records, names: HeaderNames, path: Path) -> Columns:
    """Return the columns of the records by what they hold, without rows whose ids are no ids."""
    batch, good = records.batch, pa.array(np.ones(len(records.batch), dtype=bool))
    ids, rejections = {}, list(records.rejections)
    for name, kind in ((names.user, "user"), (names.item, "item")):
        ids[name] = ids_of(batch[str(name)], names, path, str(name))
        for mask, reason in unfit_ids(batch[str(name)], ids[name], kind):
            unfit = pc.and_(good, mask)
            good = pc.and_not(good, unfit)
            rejections += rejected(records, unfit, reason)
    places = pc.indices_nonzero(good).to_numpy()

    def column(name: str | int) -> pa.Array:
        return batch[str(name)].filter(good)

    def times(name: str | int | None) -> pa.Array | None:
        return None if name is None else time_column(column(name))

    timestamp = times(names.timestamp)
    return Columns(
        ids[names.user].filter(good),
        ids[names.item].filter(good),
        records.line_numbers[places],
        lambda row: records.text(int(places[row])),
        () if timestamp is None else (timestamp,),
        None if names.rating is None else ratings(column(names.rating), path, str(names.rating)),
        times(names.order),
        tuple((as_text_column(column(name)), values) for name, values in names.where),
        rejections,
        records.blank_lines,
        None if records.positions is None else pa.array(records.positions[places]),
        changes(records, names),
    )


def changes(records: Records, names: HeaderNames) -> dict[str, int]:
    """Return how many ids were floats, and how many lines had an empty list."""
    columns = [records.batch[str(name)] for name in (names.user, names.item)]
    floats = sum(len(c) - c.null_count for c in columns if pa.types.is_floating(c.type))
    counted = {FRACTIONS_GONE: floats, EMPTY: records.empty}
    return {what: count for what, count in counted.items() if count}


def ids_of(column: pa.Array, names: HeaderNames, path: Path, name: str) -> pa.Array:
    """Return ids as strings, or the items as lists of them."""
    if name != names.item or not names.items_are_lists:
        return id_texts(column, path, name)
    if is_any_list(column.type):
        return id_lists(column, path, name)
    return item_lists(id_texts(column, path, name))


def unfit_ids(column: pa.Array, ids: pa.Array, kind: str) -> Iterator[tuple[pa.Array, str]]:
    """Yield which ids are there but are none, and why."""
    if is_any_list(column.type):
        return
    inexact = is_inexact(column)
    yield inexact, FLOAT_ID.format(kind)
    no_id = pc.and_not(pc.is_null(ids), pc.or_(is_missing(column), inexact))
    yield no_id, NO_ID.format(kind)


def rejected(records: Records, rows: pa.Array, reason: str) -> list[Rejection]:
    """Return the rows that a mask marks as rejections."""
    if not pc.any(rows).as_py():
        return []
    return [
        Rejection(int(records.line_numbers[row]), reason, records.text(row))
        for row in pc.indices_nonzero(rows).to_pylist()
    ]
