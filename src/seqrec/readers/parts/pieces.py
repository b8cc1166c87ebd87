"""What every reader yields: pieces of interactions beside the rows it had to reject."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.parameters.sections import RawFileOptions

INTERACTIONS = pa.schema(
    [
        ("user_id", pa.string()),
        ("item_id", pa.string()),
        ("timestamp", pa.int64()),
        ("source_row", pa.int64()),
        ("rating", pa.float64()),
    ]
)
REJECTED = pa.schema([("line_number", pa.int64()), ("reason", pa.string()), ("text", pa.string())])
MAX_TEXT = 1000
"""Characters of a rejected row that are kept."""

LineNumbers = npt.NDArray[np.int64]


class Rejection(NamedTuple):
    """A row that could not be read."""

    line_number: int
    reason: str
    text: str


class Piece(NamedTuple):
    """A piece of a log, in file order."""

    interactions: pa.Table
    """Columns of ``INTERACTIONS``."""
    rejected: pa.Table
    """Columns of ``REJECTED``, sorted by line number."""
    blank_lines: int
    timestamp_unit: str
    """'s', 'ms' or 'order'; the same in every piece of a log."""
    rejected_lines: int
    """Lines that the rejected rows span; as many as the rows where every row is a line."""


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


def make_piece(rows: Rows, rejections: list[Rejection], blank_lines: int, unit: str) -> Piece:
    """Return the readable rows as interactions and the others as rejected rows.

    Args:
        rows: the parsed rows of one piece of the log.
        rejections: rows of the same piece that did not come as far as being parsed.
        blank_lines: how many lines of the piece held nothing.
        unit: unit of the timestamps.
    """
    reasons = unreadable(rows)
    interactions = pa.table(
        [
            rows.user_id,
            rows.item_id,
            rows.timestamp,
            pa.array(rows.line_numbers),
            pa.nulls(len(rows.user_id), pa.float64()) if rows.rating is None else rows.rating,
        ],
        schema=INTERACTIONS,
    )
    if reasons:
        readable = np.ones(len(interactions), dtype=bool)
        readable[list(reasons)] = False
        interactions = interactions.filter(pa.array(readable))
        rejections = rejections + [
            Rejection(int(rows.line_numbers[i]), reason, rows.text(i))
            for i, reason in reasons.items()
        ]
    lines = sum(1 + rejection.text.count("\n") for rejection in rejections)
    return Piece(interactions, rejected_table(rejections), blank_lines, unit, lines)


def unreadable(rows: Rows) -> dict[int, str]:
    """Return the places of the unreadable rows, each with the first reason that holds."""
    checks = [
        ("empty user id", blank(rows.user_id)),
        ("empty item id", blank(rows.item_id)),
        (f"timestamp is not {rows.time_kind}", pc.is_null(rows.timestamp)),
    ]
    if rows.rating is not None:
        checks.append(("rating is not a number", pc.invert(pc.is_finite(rows.rating))))
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
