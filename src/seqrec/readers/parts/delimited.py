"""Delimited text: blocks of a file to pieces of a log."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from seqrec.parameters.sections import RawFileOptions
from seqrec.readers.parts.clocks import Clock, guess_clock
from seqrec.readers.parts.fields import Fields, Layout, split_fields
from seqrec.readers.parts.headers import HeaderNames, find_layout
from seqrec.readers.parts.lines import clean_lines
from seqrec.readers.parts.pieces import Piece, Rows, make_piece
from seqrec.readers.parts.quoted import split_quoted_blocks
from seqrec.readers.parts.source import Block, read_blocks, take_header
from seqrec.readers.parts.values import floats


def read_table_by_names(
    path: Path, options: RawFileOptions, names: HeaderNames, clock: Clock
) -> Iterator[Piece]:
    """Yield a comma-separated file whose header names its columns."""
    header, blocks = take_header(read_blocks(path, options.member), path)
    return read_delimited(blocks, find_layout(path, header, ",", names), clock)


def read_delimited(
    blocks: Iterator[Block], layout: Layout, clock: Clock | None = None
) -> Iterator[Piece]:
    """Yield the pieces of a delimited file.

    Args:
        blocks: the file without its header.
        layout: where a row holds what.
        clock: how timestamps are written; guessed from the first rows when absent.
    """
    for fields in split_blocks(blocks, layout):
        if clock is None and layout.timestamp and len(fields.line_numbers):
            clock = guess_clock(fields.columns[-1])
        yield fields_to_piece(fields, layout, clock)


def fields_to_piece(fields: Fields, layout: Layout, clock: Clock | None) -> Piece:
    """Return the fields as a piece."""
    user, item, *others = fields.columns
    rating = None if layout.rating is None else floats(others.pop(0))
    in_file_order = not layout.timestamp
    numbers = fields.line_numbers
    if in_file_order:
        timestamp, unit, kind = pa.array(numbers), "order", ""
    elif clock is None:  # no row so far has the right number of columns
        timestamp, unit, kind = pa.array([], pa.int64()), "s", ""
    else:
        timestamp, unit, kind = clock.read(*others), clock.unit, clock.kind
    rows = Rows(user, item, timestamp, rating, numbers, fields.text, kind)
    return make_piece(rows, fields.rejections, fields.blank_lines, unit)


def split_blocks(blocks: Iterator[Block], layout: Layout) -> Iterator[Fields]:
    """Yield the fields of every block."""
    if layout.quoted:
        yield from split_quoted_blocks(blocks, layout)
        return
    for block in blocks:
        yield split_fields(clean_lines(block), layout)
