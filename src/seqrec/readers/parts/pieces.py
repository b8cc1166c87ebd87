"""What every reader yields: pieces of interactions beside the rows it had to reject."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.readers.parts.reasons import EMPTY_ID, NO_RATING, OTHER_UNIT

INTERACTIONS = pa.schema(
    [
        ("user_id", pa.string()),
        ("item_id", pa.string()),
        ("timestamp", pa.int64()),
        ("source_row", pa.int64()),
        ("rating", pa.float64()),
    ]
)
IN_ORDER = INTERACTIONS.append(pa.field("order", pa.int64()))
"""Columns of a log with a second column for the order."""
REJECTED = pa.schema([("line_number", pa.int64()), ("reason", pa.string()), ("text", pa.string())])
MAX_TEXT = 1000
"""Characters of a rejected row that are kept."""

LineNumbers = npt.NDArray[np.int64]


class Rejection(NamedTuple):
    """A row that could not be read."""

    line_number: int
    reason: str
    text: str


NOTHING: Mapping[str, int] = MappingProxyType({})


class TimesRead(NamedTuple):
    """How the timestamps of a log were read."""

    written: str = ""
    """The log's own unit: s, ms, us, ns, date, or a pattern such as YYYYMMDD."""
    guessed: bool = False
    order: str = ""
    """What a second column for the order counts: whole numbers, millionths, thousandths, s, ms, us
    or ns."""


class Piece(NamedTuple):
    """A piece of a log, in file order."""

    interactions: pa.Table
    """Columns of ``INTERACTIONS``, or of ``IN_ORDER``."""
    rejected: pa.Table
    """Columns of ``REJECTED``, sorted by line number."""
    blank_lines: int
    timestamp_unit: str
    """'s', 'ms' or 'order'; the same in every piece of a log."""
    rejected_lines: int
    """Lines that the rejected rows span; as many as the rows where every row is a line."""
    text: Callable[[int], str] = str
    """The text of an interaction's row, by its place; it holds the block it comes from."""
    changed: Mapping[str, int] = NOTHING
    """How many ids were changed, by what was done to them."""
    left_out: int = 0
    """Rows that were not asked for."""
    times: TimesRead = TimesRead()
    file: str = ""
    """Which of several files it comes from."""


Reader = Callable[[Path, RawFileOptions], Iterator[Piece]]


class Rows(NamedTuple):
    """Parsed rows, a column each, before the unreadable ones are told apart."""

    user_id: pa.Array
    """string; null or blank: unreadable"""
    item_id: pa.Array
    """string; null or blank: unreadable"""
    timestamp: pa.Array
    """int64; null: unreadable"""
    rating: pa.Array | None
    """double; null: no rating, NaN or infinite: unreadable"""
    line_numbers: LineNumbers
    text: Callable[[int], str]
    """The text of a row, by its place among these rows."""
    time_kind: str = "a number"
    """What a timestamp has to be."""
    other_unit: pa.Array | None = None
    """Which timestamps are in another unit than the rest."""
    order: pa.Array | None = None
    """int64; null: unreadable"""
    kept: pa.Array | None = None
    """Which rows were asked for; all where absent."""
    times: TimesRead = TimesRead()


def make_piece(rows: Rows, rejections: list[Rejection], blank_lines: int, unit: str) -> Piece:
    """Return the readable rows as interactions and the others as rejected rows.

    Args:
        rows: the parsed rows of one piece of the log.
        rejections: rows of the same piece that did not come as far as being parsed.
        blank_lines: how many lines of the piece held nothing.
        unit: unit of the timestamps.
    """
    asked = asked_for(rows)
    table = {
        "user_id": asked.user_id,
        "item_id": asked.item_id,
        "timestamp": asked.timestamp,
        "source_row": pa.array(asked.line_numbers),
        "rating": pa.nulls(len(asked.user_id), pa.float64())
        if asked.rating is None
        else asked.rating,
    }
    schema = INTERACTIONS
    if asked.order is not None:
        table["order"], schema = asked.order, IN_ORDER
    piece = Piece(
        pa.table(table, schema=schema),
        rejected_table(rejections),
        blank_lines,
        unit,
        lines_of(rejections),
        asked.text,
        left_out=len(rows.user_id) - len(asked.user_id),
        times=rows.times,
    )
    return without_rows(piece, unreadable(asked))


def asked_for(rows: Rows) -> Rows:
    """Return the rows that were asked for."""
    kept = rows.kept
    if kept is None or pc.all(kept).as_py():
        return rows
    places = pc.indices_nonzero(kept).to_numpy()
    chosen = {
        name: column.filter(kept)
        for name in ("user_id", "item_id", "timestamp", "rating", "other_unit", "order")
        if (column := getattr(rows, name)) is not None
    }
    return rows._replace(
        **chosen,
        line_numbers=rows.line_numbers[places],
        text=lambda row: rows.text(int(places[row])),
        kept=None,
    )


def without_rows(piece: Piece, reasons: Mapping[int, str]) -> Piece:
    """Return the piece with some of its interactions among the rejected rows.

    Args:
        piece: the piece.
        reasons: place of an interaction to the reason why it goes.
    """
    if not reasons:
        return piece
    table, text = piece.interactions, piece.text
    numbers = table["source_row"].to_numpy()
    more = [Rejection(int(numbers[i]), reason, text(i)) for i, reason in reasons.items()]
    readable = np.ones(len(table), dtype=bool)
    readable[list(reasons)] = False
    places = np.flatnonzero(readable)
    rejected = pa.concat_tables([piece.rejected, rejected_table(more)])
    return piece._replace(
        interactions=table.filter(pa.array(readable)),
        rejected=rejected.sort_by("line_number"),
        rejected_lines=piece.rejected_lines + lines_of(more),
        text=lambda row: text(int(places[row])),
    )


def lines_of(rejections: list[Rejection]) -> int:
    """Return how many lines rejected rows span."""
    return sum(1 + rejection.text.count("\n") for rejection in rejections)


def unreadable(rows: Rows) -> dict[int, str]:
    """Return the places of the unreadable rows, each with the first reason that holds."""
    checks = [
        (EMPTY_ID.format("user"), blank(rows.user_id)),
        (EMPTY_ID.format("item"), blank(rows.item_id)),
        (f"timestamp is not {rows.time_kind}", pc.is_null(rows.timestamp)),
    ]
    if rows.other_unit is not None:
        checks.append((OTHER_UNIT, rows.other_unit))
    if rows.order is not None:
        checks.append(("order is not a number or an ISO date", pc.is_null(rows.order)))
    if rows.rating is not None:
        checks.append((NO_RATING, pc.invert(pc.is_finite(rows.rating))))
    reasons: dict[int, str] = {}
    for reason, mask in checks:
        if pc.any(mask).as_py():
            for place in pc.indices_nonzero(mask).to_pylist():
                reasons.setdefault(place, reason)
    return reasons


def blank(ids: pa.Array) -> pa.Array:
    """Return which ids are null, empty or nothing but white space."""
    spaces = pc.or_(pc.equal(pc.binary_length(ids), 0), pc.ascii_is_space(ids))
    return pc.fill_null(spaces, True)


def rejected_table(rejections: list[Rejection]) -> pa.Table:
    """Return the rejected rows as a table, sorted by line number, long texts cut."""
    columns: list[tuple[object, ...]] = [
        tuple(column) for column in zip(*sorted(rejections), strict=True)
    ] or [(), (), ()]
    numbers, reasons, texts = columns
    cut = [str(text)[:MAX_TEXT] for text in texts]
    return pa.table([list(numbers), list(reasons), cut], schema=REJECTED)
