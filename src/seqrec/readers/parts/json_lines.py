"""JSON lines: a block at a time through Arrow, line by line where that fails.

Lines may also hold Python dicts, as some of the files of 2014 do: they are read as literals,
never evaluated.
"""

import ast
import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from seqrec.readers.parts.clocks import Clock
from seqrec.readers.parts.lines import CleanLines, Lines, clean_lines
from seqrec.readers.parts.pieces import Piece, Rejection, Rows, make_piece
from seqrec.readers.parts.source import Block
from seqrec.readers.parts.values import floats

NOT_AN_OBJECT = "not a JSON object"
MAX_LITERAL = 1024 * 1024
"""Characters beyond which a line is not tried as a Python literal."""


@dataclass(frozen=True)
class Keys:
    """The keys of an object that hold an interaction."""

    user: str
    item: str
    timestamp: str
    rating: str
    timestamp_type: pa.DataType
    """int64, or string where the clock reads text."""

    @property
    def names(self) -> tuple[str, str, str, str]:
        """The four keys in the order of the columns."""
        return (self.user, self.item, self.timestamp, self.rating)

    @property
    def schema(self) -> pa.Schema:
        """What Arrow is told to look for."""
        types = (pa.string(), pa.string(), self.timestamp_type, pa.float64())
        return pa.schema(list(zip(self.names, types, strict=True)))


def read_json_lines(blocks: Iterator[Block], keys: Keys, clock: Clock) -> Iterator[Piece]:
    """Yield the pieces of a file with an object a line.

    Args:
        blocks: the file.
        keys: which key holds what.
        clock: how timestamps are written.
    """
    for block in blocks:
        clean = clean_lines(block)
        rows, rejections = parse(clean, keys, clock)
        yield make_piece(rows, clean.rejections + rejections, clean.blank_lines, clock.unit)


def parse(clean: CleanLines, keys: Keys, clock: Clock) -> tuple[Rows, list[Rejection]]:
    """Return the rows of a block and the lines that are no objects."""
    lines = clean.lines
    table = parse_block(lines, keys)
    if table is None:
        return parse_line_by_line(lines, keys, clock)
    user, item, timestamp, rating = (table[name].combine_chunks() for name in keys.names)
    if pa.types.is_string(timestamp.type):
        timestamp = clock.read(timestamp)
    return Rows(user, item, timestamp, rating, lines.numbers, lines.text, clock.kind), []


def parse_block(lines: Lines, keys: Keys) -> pa.Table | None:
    """Return the columns of a block, or None where a line is not what it should be."""
    from pyarrow.json import ParseOptions, ReadOptions, read_json

    if not each_looks_like_an_object(lines):
        return None
    options = ParseOptions(explicit_schema=keys.schema, unexpected_field_behavior="ignore")
    whole = ReadOptions(block_size=len(lines.data) + 1, use_threads=False)
    try:
        table = read_json(pa.BufferReader(lines.data), whole, options)
    except pa.ArrowInvalid:
        return None
    return table if table.num_rows == len(lines) else None


def each_looks_like_an_object(lines: Lines) -> bool:
    """Return whether every line starts with ``{`` and ends with ``}``.

    Arrow takes objects that span lines, and several on one line: with this and as many
    objects as lines there can be neither, so that row i is line i.
    """
    if not len(lines):
        return False
    characters = np.frombuffer(lines.data, np.uint8)
    starts = np.concatenate([[0], lines.ends[:-1] + 1])
    braces = (characters[starts] == ord("{")) & (characters[lines.ends - 1] == ord("}"))
    return bool(braces.all()) and lines.data[1:2] != b"'"


def parse_line_by_line(lines: Lines, keys: Keys, clock: Clock) -> tuple[Rows, list[Rejection]]:
    """Return the rows of a block that holds something else than plain objects."""
    places: list[int] = []
    values: list[tuple[str, ...]] = []
    rejections: list[Rejection] = []
    for place in range(len(lines)):
        parsed = parse_object(lines.text(place))
        if parsed is None:
            rejections.append(lines.rejection(place, NOT_AN_OBJECT))
            continue
        places.append(place)
        values.append(tuple(as_text(parsed.get(name)) for name in keys.names))
    columns = [pa.array([row[i] for row in values], pa.string()) for i in range(4)]
    user, item, timestamp, rating = columns
    rows = Rows(
        user,
        item,
        clock.read(timestamp),
        floats(rating),
        lines.numbers[places],
        lambda row: lines.text(places[row]),
        clock.kind,
    )
    return rows, rejections


def parse_object(text: str) -> dict[str, Any] | None:
    """Return the object a line holds, as JSON or as a Python dict, or None."""
    value: object = None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        if text.lstrip().startswith("{") and len(text) <= MAX_LITERAL:
            value = parse_literal(text)
    return value if isinstance(value, dict) else None


def parse_literal(text: str) -> object:
    """Return the Python literal a text holds, or None; nothing in it is ever run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\\/" in a review is no escape Python knows
            return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def as_text(value: object) -> str:
    """Return an id or a number as text, and anything else as nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, written as an escape
        return ""
    return text
