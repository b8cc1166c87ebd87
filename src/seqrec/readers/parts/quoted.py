"""Rows with quotes: cut like any others where each is a line, else by Python's csv module.

A title such as ``"Heroes`` in a file that nobody quoted opens a field that swallows every row
up to the next quote, which pandas and Spark do without a word. Here a row may span several
lines, but not if one of the later ones is a row by itself, if its quotes are not those of a
well-formed table, or beyond ``MAX_ROW_LINES``: then its first line alone is rejected and
reading goes on behind it. A row by itself has the right number of fields and a timestamp where
one belongs, so that a review of several lines may hold commas.

Between tabs, most programs write quotes as they are (IANA's text/tab-separated-values, the
exports of MySQL and PostgreSQL), some as in CSV (pandas, Excel). Without quotes in the header a
row is a line there: it is read as CSV if that can be done without error, else its quotes are
plain characters. With quotes in the header the file is read as CSV is.
"""

import csv
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from seqrec.readers.parts.fields import QUOTE, Fields, Layout, split_fields, wrong_width
from seqrec.readers.parts.lines import NEWLINE, Lines, clean_lines, find_lines, is_utf8
from seqrec.readers.parts.pieces import Rejection
from seqrec.readers.parts.reasons import BROKEN_QUOTES, NOT_UTF8
from seqrec.readers.parts.source import Block
from seqrec.readers.parts.values import integer, microseconds

MAX_ROW_LINES = 1000
ESCAPED = '\\"'


class Record(NamedTuple):
    """One row of a table and the lines it spans."""

    fields: list[str] | None
    """Empty: a blank line; None: not a row."""
    first: int
    """Place of its first line in the block."""
    after: int
    """Place behind its last line."""


def split_quoted_blocks(blocks: Iterator[Block], layout: Layout) -> Iterator[Fields]:
    """Yield the fields of every block; a row cut off by the block's end moves to the next one."""
    rest: Block | None = None
    for block in blocks:
        if rest is not None:
            block = Block(rest.data + block.data, rest.first_line)
        fields, rest = split_block(block, layout, is_last=False)
        yield fields
    if rest is not None:
        yield split_block(rest, layout, is_last=True)[0]


def split_block(block: Block, layout: Layout, is_last: bool) -> tuple[Fields, Block | None]:
    """Return the fields of a block, and its last lines where they are an unfinished row."""
    if b'"' not in block.data or each_row_is_a_line(block.data, layout.separator):
        return split_fields(clean_lines(block), layout), None
    lines = find_lines(block)
    texts = block.data.decode(errors="surrogateescape").split("\n")[:-1]
    records = list(parse_records(texts, layout, is_last))
    read = records[-1].after if records else 0
    fields = records_to_fields(records, lines, layout)
    return fields, None if read == len(lines) else rest_of(block, lines, read)


def rest_of(block: Block, lines: Lines, read: int) -> Block:
    """Return the lines of a block that were not read."""
    start = int(lines.ends[read - 1]) + 1 if read else 0
    return Block(block.data[start:], int(lines.numbers[read]))


def each_row_is_a_line(data: bytes, separator: str) -> bool:
    """Return whether quotes stand only around whole fields or doubled within them.

    Then a separator between an odd number of quotes belongs to a field, and nothing else needs
    the csv module. Quotes open and close in turn: one that opens follows a separator, a line
    end or, doubled, the quote that closed; one that closes is followed by such.
    """
    characters = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(characters == QUOTE)
    if len(quotes) % 2 or b"\r" in data or not is_utf8(data):
        return False
    opening, closing = quotes[0::2], quotes[1::2]
    neighbours = np.frombuffer(f'\n"{separator}'.encode(), np.uint8)
    before = np.where(opening == 0, NEWLINE, characters[opening - 1])
    ends = np.flatnonzero(characters == NEWLINE)
    same_line = np.searchsorted(ends, opening) == np.searchsorted(ends, closing)
    return bool(
        np.isin(before, neighbours).all()
        and np.isin(characters[closing + 1], neighbours).all()
        and same_line.all()
        and np.diff(ends, prepend=-1).max() < csv.field_size_limit()
    )


def parse_records(texts: list[str], layout: Layout, is_last: bool) -> Iterator[Record]:
    """Yield the rows of a block one after the other, up to an unfinished one at its end."""
    place = 0
    while place < len(texts):
        fields, used = parse_record(texts, place, layout)
        if fields is None and used < MAX_ROW_LINES and not is_last:
            return
        used = 1 if fields is None else used
        yield Record(fields, place, place + used)
        place += used


def parse_record(texts: list[str], place: int, layout: Layout) -> tuple[list[str] | None, int]:
    """Return the fields of the row that starts at a line, and how many lines it takes.

    None stands for a row without an end, with the number of lines that were searched.
    """
    first = texts[place]
    if '"' not in first:
        return first.split(layout.separator) if first else [], 1
    if layout.row_is_line:
        return parse_line(first, layout.separator), 1
    lines = texts[place : place + MAX_ROW_LINES]
    fields, used = parse_lines(lines, layout)
    if ESCAPED in first and (fields is None or len(fields) != layout.width):
        escaped = parse_escaped(lines, layout)
        if escaped[0] is not None:
            return escaped
    return fields, used


def parse_line(text: str, separator: str) -> list[str]:
    """Return the fields of a line; quotes that are not those of CSV are plain characters."""
    try:
        return next(csv.reader([text], delimiter=separator, strict=True))
    except csv.Error:
        return text.split(separator)


def parse_lines(texts: list[str], layout: Layout) -> tuple[list[str] | None, int]:
    """Return the fields of the row that the first of the lines starts, as ``parse_record``."""
    ran_out = False

    def feed() -> Iterator[str]:
        nonlocal ran_out
        for place, text in enumerate(texts):
            if place and is_row(text, layout):
                raise csv.Error(BROKEN_QUOTES)
            yield text + "\n"
        ran_out = True

    reader = csv.reader(feed(), delimiter=layout.separator)
    try:
        fields = next(reader)
    except csv.Error:  # also a field beyond the module's limit of 128 kB
        return None, MAX_ROW_LINES
    if ran_out:
        return None, len(texts)
    if reader.line_num > 1 and not may_span(texts[: reader.line_num], layout):
        return None, MAX_ROW_LINES
    return fields, reader.line_num


def parse_escaped(texts: list[str], layout: Layout) -> tuple[list[str] | None, int]:
    """Return the fields of a row with a backslash before its quotes, as Spark and MySQL write."""
    reader = csv.reader(
        (text + "\n" for text in texts),
        delimiter=layout.separator,
        escapechar="\\",
        doublequote=False,
        strict=True,
    )
    try:
        fields = next(reader)
    except csv.Error:
        return None, MAX_ROW_LINES
    return (fields, reader.line_num) if len(fields) == layout.width else (None, MAX_ROW_LINES)


def is_row(text: str, layout: Layout) -> bool:
    """Return whether a line is a row by itself, its quotes, if any, around whole fields."""
    if '"' not in text:
        return fits(text.split(layout.separator), layout)
    data = (text + "\n").encode(errors="surrogateescape")
    if not each_row_is_a_line(data, layout.separator):
        return False
    return fits(next(csv.reader([text], delimiter=layout.separator)), layout)


def fits(fields: list[str], layout: Layout) -> bool:
    """Return whether fields are as many as a row has, with times where the timestamps belong."""
    return len(fields) == layout.width and all(
        integer(fields[column]) is not None or microseconds(fields[column]) is not None
        for column in layout.timestamp
    )


def may_span(texts: list[str], layout: Layout) -> bool:
    """Return whether lines that csv takes for one row are well-formed, and not two rows.

    Two rows with a lone quote each look like one row; only then do both the first and the last
    line fit when quotes mean nothing.
    """
    try:
        next(csv.reader((text + "\n" for text in texts), delimiter=layout.separator, strict=True))
    except csv.Error:
        return False
    return not all(fits(text.split(layout.separator), layout) for text in (texts[0], texts[-1]))


def records_to_fields(records: list[Record], lines: Lines, layout: Layout) -> Fields:
    """Return the picked columns of the good rows, and the rejections for the others."""
    check_bytes = not is_utf8(lines.data)
    good: list[Record] = []
    rejections: list[Rejection] = []
    for record in records:
        if record.fields == []:
            continue
        reason = fault(record, lines, layout, check_bytes)
        if reason:
            number = int(lines.numbers[record.first])
            rejections.append(Rejection(number, reason, spanned(record, lines)))
        else:
            good.append(record)
    rows = [record.fields or [] for record in good]
    columns = [pa.array([row[column] for row in rows], pa.string()) for column in layout.picked]
    blank_lines = sum(record.fields == [] for record in records)
    numbers = lines.numbers[[record.first for record in good]]
    return Fields(columns, numbers, lambda row: spanned(good[row], lines), rejections, blank_lines)


def fault(record: Record, lines: Lines, layout: Layout, check_bytes: bool) -> str:
    """Return why a row cannot be taken, or nothing."""
    if check_bytes and not is_utf8(b"".join(span_bytes(record, lines))):
        return NOT_UTF8
    if record.fields is None:
        return BROKEN_QUOTES
    if len(record.fields) != layout.width:
        return wrong_width(len(record.fields), layout)
    return ""


def span_bytes(record: Record, lines: Lines) -> list[bytes]:
    """Return the lines of a row."""
    return [lines.bytes_at(place) for place in range(record.first, record.after)]


def spanned(record: Record, lines: Lines) -> str:
    """Return the text of a row, newlines included."""
    return b"\n".join(span_bytes(record, lines)).decode(errors="replace")
