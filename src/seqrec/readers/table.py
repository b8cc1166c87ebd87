"""Any table with a user, an item and perhaps a timestamp: CSV, TSV or Parquet."""

import logging
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.readers.parts.delimited import read_delimited
from seqrec.readers.parts.fields import Fields
from seqrec.readers.parts.first_lines import header_of
from seqrec.readers.parts.headers import (
    HeaderNames,
    find_layout,
    guess_separator,
    is_counted_header,
    names_of,
    split_header,
)
from seqrec.readers.parts.pieces import MAX_TEXT, Piece, without_rows
from seqrec.readers.parts.reasons import AGAIN
from seqrec.readers.parts.source import Block, read_blocks, refuse_member

logger = logging.getLogger(__name__)

PARQUET_MAGIC = b"PAR1"


def read_table(path: Path, options: RawFileOptions) -> Iterator[Piece]:
    """Yield a table whose columns are named by 'columns'.

    Timestamps may be numbers (seconds with or without fractions, milliseconds, or finer, told
    by their size; or dates such as 20190131), ISO dates or Parquet timestamps;
    'timestamp: null' stands for the order of the file. What is finer than a millisecond is cut
    off: interactions of the same millisecond stay in the order of the file.
    """
    names = names_of(options)
    if is_parquet(path):
        refuse_for_parquet(path, options)
        from seqrec.readers.parts.parquet import read_parquet

        return read_parquet(path, names, options)
    return read_text_table(path, options, names)


def refuse_for_parquet(path: Path, options: RawFileOptions) -> None:
    """Raise where something is said of a Parquet file that only text has."""
    refuse_member(path, options.member)
    for name in ("encoding", "separator"):
        if getattr(options, name) is not None:
            raise SeqrecError(f"{path} is Parquet and has no {name}; leave out raw.{name}")


def is_parquet(path: Path) -> bool:
    """Return whether a file is Parquet, or says so by its name."""
    if path.suffix.lower() == ".parquet" or not path.is_file():
        return path.suffix.lower() == ".parquet"
    with path.open("rb") as file:
        return file.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC


def refuse_packed_parquet(blocks: Iterator[Block], path: Path) -> Iterator[Block]:
    """Return the blocks, unless they are those of a Parquet file in gzip, zip or tar.

    Raises:
        SeqrecError: they are.
    """
    first = next(blocks)
    if first.data.startswith(PARQUET_MAGIC):
        raise SeqrecError(f"{path} holds a packed Parquet file, which cannot be read; unpack it")
    return chain([first], blocks)


def read_text_table(path: Path, options: RawFileOptions, names: HeaderNames) -> Iterator[Piece]:
    """Yield a CSV or TSV table; where columns are counted, the first line is a row."""
    blocks = read_blocks(path, options.member, options.encoding)
    first = header_of(refuse_packed_parquet(blocks, path), path)
    header = first.text
    if header.lstrip().startswith("{") and not names.by_position:
        raise SeqrecError(
            f"{path}, line {first.line} is an object of JSON; add raw.reader=json_lines"
        )
    separator = options.separator or first.separator or guess_separator(path, header, names)
    layout = find_layout(path, header, separator, names)
    if not names.by_position:
        look = partial(refuse_other_header, names=names, path=path, line=(header, separator))
        pieces = read_delimited(first.below(), layout, options=options, look=look)
        return refuse_rows_as_header(pieces, names, path, header)
    if is_counted_header(split_header(header, separator)):
        logger.info("%s: line %d counts the columns and is no row", path.name, first.line)
        return read_delimited(first.below(), layout, options=options)
    return read_delimited(first.put_back(), layout, options=options)


def refuse_rows_as_header(
    pieces: Iterator[Piece], names: HeaderNames, path: Path, header: str
) -> Iterator[Piece]:
    """Yield the pieces without rows that repeat the header.

    Args:
        pieces: as they were read.
        names: of the columns.
        path: the file.
        header: the line.

    Raises:
        SeqrecError: columns are named by what other rows hold too: the first line is a row.
    """
    for piece in pieces:
        table = piece.interactions
        user = pc.equal(table["user_id"], str(names.user))
        item = pc.equal(table["item_id"], str(names.item))
        again = pc.and_(user, item)
        if all(pc.any(pc.and_not(named, again)).as_py() for named in (user, item)):
            raise SeqrecError(
                f"{path}: '{names.user}' and '{names.item}' are names of columns and values in "
                "them; where there is no header, count the columns from 0, "
                "raw.columns.user=0,raw.columns.item=1 say"
            )
        piece = piece._replace(rejected=with_header_named(piece.rejected, header))
        yield without_rows(piece, dict.fromkeys(pc.indices_nonzero(again).to_pylist(), AGAIN))


def refuse_other_header(
    fields: Fields, names: HeaderNames, path: Path, line: tuple[str, str]
) -> None:
    """Raise where a row has the names of the header in another order.

    Args:
        fields: of a block, rows that nobody asked for among them.
        names: of the columns.
        path: the file.
        line: the header and what separates its columns.

    Raises:
        SeqrecError: one has: the rows behind it have their columns in its order.
    """
    header, separator = line
    columns = split_header(header, separator)
    user, item = fields.columns[:2]
    known = pa.array([name for name in columns if name], pa.string())
    named = pc.is_in(user, known)
    if not pc.any(named).as_py():
        return
    for row in pc.indices_nonzero(pc.and_(named, pc.is_in(item, known))).to_pylist():
        row_columns = split_header(fields.text(row), separator)
        swapped = (user[row].as_py(), item[row].as_py()) == (names.item, names.user)
        if swapped or (row_columns != columns and sorted(row_columns) == sorted(columns)):
            raise SeqrecError(
                f"{path} has a second header whose columns stand in another order; split the file"
            )


def with_header_named(rejected: pa.Table, header: str) -> pa.Table:
    """Return rejected rows with their true reason where they are the header once more."""
    if not len(rejected):
        return rejected
    again = pc.equal(rejected["text"], header[:MAX_TEXT])
    reasons = pc.if_else(again, AGAIN, rejected["reason"])
    return rejected.set_column(1, rejected.schema.field(1), reasons)
