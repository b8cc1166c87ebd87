"""Fields cut out of a block of lines by the offsets of its separators, no loop over rows.

Which rows with quotes can be read this way, and what becomes of the others: ``quoted.py``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.readers.parts.lines import NEWLINE, CleanLines, Lines, Mask
from seqrec.readers.parts.pieces import LineNumbers, Rejection

QUOTE = ord('"')
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """Where a row of delimited text holds what; columns count from 0."""

    separator: str
    width: int
    """Columns in a row."""
    user: int
    item: int
    timestamp: tuple[int, ...] = ()
    """The columns a clock reads; none: the order of the file."""
    rating: int | None = None
    quoted: bool = False
    """Whether a field may stand in double quotes; the separator is then one byte."""
    row_is_line: bool = False
    """Whether a quoted field ends on its line, any other quote being a plain character."""

    order: int | None = None
    """A second column for the order."""
    items_are_lists: bool = False
    """Whether ``item`` holds a list of items, oldest first."""
    where: tuple[tuple[int, tuple[str, ...]], ...] = ()
    """Columns, each with the values whose rows are asked for."""
    place: str = "the timestamps"
    """Where the timestamps stand, for messages."""

    @property
    def picked(self) -> tuple[int, ...]:
        """The columns to cut out, in this order: user, item, rating, timestamps, order, where."""
        single = (self.rating, *self.timestamp, self.order, *(column for column, _ in self.where))
        return (self.user, self.item, *(column for column in single if column is not None))


class Fields(NamedTuple):
    """The picked columns of the rows that have the right number of columns."""

    columns: list[pa.Array]
    line_numbers: LineNumbers
    text: Callable[[int], str]
    rejections: list[Rejection]
    blank_lines: int


def split_fields(clean: CleanLines, layout: Layout) -> Fields:
    """Return the fields of rows that are lines."""
    lines, rejections = clean.lines, clean.rejections
    bounds = find_bounds(lines, layout)
    if not is_regular(bounds, lines, layout.width):
        lines, rejections = take_out_irregular(lines, bounds, rejections, layout)
        bounds = find_bounds(lines, layout)
    columns = cut_columns(lines, bounds, layout)
    return Fields(columns, lines.numbers, lines.text, rejections, clean.blank_lines)


def find_bounds(lines: Lines, layout: Layout) -> Positions:
    """Return where the fields end: every separator's first byte and every newline."""
    characters = np.frombuffer(lines.data, np.uint8)
    bounds = characters == NEWLINE
    mark = layout.separator.encode()
    if len(mark) > 1:
        bounds[find_all(characters, mark)] = True
    elif layout.quoted and b'"' in lines.data:
        bounds |= (characters == mark[0]) & ~within_quotes(characters)
    else:
        bounds |= characters == mark[0]
    return np.flatnonzero(bounds)


def within_quotes(characters: npt.NDArray[np.uint8]) -> Mask:
    """Return which characters follow an odd number of quotes."""
    return (np.cumsum(characters == QUOTE, dtype=np.uint8) & 1).astype(bool)


def find_all(characters: npt.NDArray[np.uint8], mark: bytes) -> Positions:
    """Return where a mark of two bytes or more starts, from the left, without overlaps."""
    starts = characters[: len(characters) - len(mark) + 1] == mark[0]
    for shift, byte in enumerate(mark[1:], start=1):
        starts &= characters[shift : shift + len(starts)] == byte
    places = np.flatnonzero(starts)
    if len(places) and np.diff(places).min(initial=len(mark)) < len(mark):
        return without_overlaps(places, len(mark))
    return places


def without_overlaps(places: Positions, width: int) -> Positions:
    """Return the places that do not lie within the mark before, as ``str.split`` takes them."""
    apart: list[int] = []
    for place in places.tolist():
        if not apart or place >= apart[-1] + width:
            apart.append(place)
    return np.array(apart, dtype=np.int64)


def is_regular(bounds: Positions, lines: Lines, width: int) -> bool:
    """Return whether every line has the same number of fields."""
    every = bounds[width - 1 :: width]
    return len(bounds) == width * len(lines) and bool(np.array_equal(every, lines.ends))


def take_out_irregular(
    lines: Lines, bounds: Positions, rejections: list[Rejection], layout: Layout
) -> tuple[Lines, list[Rejection]]:
    """Return the lines with the right number of columns, and the rejections with the others."""
    counts = np.diff(np.searchsorted(bounds, lines.ends), prepend=-1)
    more = [
        lines.rejection(place, wrong_width(int(counts[place]), layout))
        for place in np.flatnonzero(counts != layout.width).tolist()
    ]
    return lines.select(counts == layout.width), rejections + more


def wrong_width(columns: int, layout: Layout) -> str:
    """Return the reason why a row with so many columns is rejected."""
    return f"{columns} column{'s' if columns > 1 else ''} instead of {layout.width}"


def cut_columns(lines: Lines, bounds: Positions, layout: Layout) -> list[pa.Array]:
    """Return the picked columns of regular lines as string arrays.

    Fields and separators alternate in one array over the block's own memory: field i is
    element 2i. Taking every so many of them copies a column once.
    """
    offsets = np.zeros(2 * len(bounds) + 1, dtype=np.int32)
    offsets[1::2] = bounds
    offsets[2::2] = bounds + len(layout.separator.encode())
    offsets[2 * layout.width :: 2 * layout.width] = lines.ends + 1
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(lines.data)]
    pieces = pa.Array.from_buffers(pa.string(), 2 * len(bounds), buffers)
    rows = np.arange(0, 2 * len(bounds), 2 * layout.width)
    columns = [pieces.take(pa.array(rows + 2 * column)) for column in layout.picked]
    return [unquoted(column) for column in columns] if layout.quoted else columns


def unquoted(column: pa.Array) -> pa.Array:
    """Return fields without the quotes around them, and doubled quotes as one."""
    in_quotes = pc.starts_with(column, '"')
    if not pc.any(in_quotes).as_py():
        return column
    inner = pc.binary_slice(column.view(pa.binary()), 1, -1).view(pa.string())
    return pc.if_else(in_quotes, pc.replace_substring(inner, '""', '"'), column)
