"""Delimited text: blocks of a file to pieces of a log."""

from collections.abc import Callable, Iterator
from pathlib import Path

from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.readers.parts.clocks import Clock
from seqrec.readers.parts.fields import Fields, Layout, split_fields
from seqrec.readers.parts.first_lines import header_of
from seqrec.readers.parts.headers import HeaderNames, find_layout
from seqrec.readers.parts.item_lists import item_lists
from seqrec.readers.parts.lines import clean_lines
from seqrec.readers.parts.piece_maker import Columns, PieceMaker
from seqrec.readers.parts.pieces import Piece
from seqrec.readers.parts.quoted import split_quoted_blocks
from seqrec.readers.parts.source import Block, read_blocks
from seqrec.readers.parts.values import floats


def read_table_by_names(
    path: Path, options: RawFileOptions, names: HeaderNames, clock: Clock
) -> Iterator[Piece]:
    """Yield a comma-separated file whose header names its columns."""
    header = header_of(read_blocks(path, options.member, options.encoding), path)
    return read_delimited(header.below(), find_layout(path, header.text, ",", names), clock)


def read_delimited(
    blocks: Iterator[Block],
    layout: Layout,
    clock: Clock | None = None,
    options: RawFileOptions | None = None,
    look: Callable[[Fields], None] | None = None,
) -> Iterator[Piece]:
    """Yield the pieces of a delimited file.

    Args:
        blocks: the file without its header.
        layout: where a row holds what.
        clock: how timestamps are written; absent: as the options say, or guessed.
        options: what the user says of the timestamps.
        look: sees the fields of each block before any row is left out or rejected.
    """
    maker = PieceMaker(layout.place, clock, options)
    for fields in split_blocks(blocks, layout):
        if look is not None:
            look(fields)
        yield maker.make(columns_of(fields, layout))


def columns_of(fields: Fields, layout: Layout) -> Columns:
    """Return the fields by what they hold, in the order in which they were picked."""
    user, item, *others = fields.columns
    rating = None if layout.rating is None else floats(others.pop(0))
    timestamp = tuple(others.pop(0) for _ in layout.timestamp)
    order = None if layout.order is None else others.pop(0)
    values = [values for _, values in layout.where]
    return Columns(
        user,
        item_lists(item) if layout.items_are_lists else item,
        fields.line_numbers,
        fields.text,
        timestamp,
        rating,
        order,
        tuple(zip(others, values, strict=True)),
        fields.rejections,
        fields.blank_lines,
    )


def split_blocks(blocks: Iterator[Block], layout: Layout) -> Iterator[Fields]:
    """Yield the fields of every block."""
    if layout.quoted:
        yield from split_quoted_blocks(blocks, layout)
        return
    for block in blocks:
        yield split_fields(clean_lines(block), layout)
