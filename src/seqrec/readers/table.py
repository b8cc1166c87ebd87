"""Any table with a user, an item and perhaps a timestamp: CSV, TSV or Parquet."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from seqrec.errors import SeqrecError
from seqrec.parameters.sections import ColumnMapping, RawFileOptions
from seqrec.readers.parts.delimited import read_delimited
from seqrec.readers.parts.headers import HeaderNames, find_layout, guess_separator
from seqrec.readers.parts.pieces import Piece
from seqrec.readers.parts.source import Block, read_blocks, refuse_member, take_header

PARQUET_MAGIC = b"PAR1"


def read_table(path: Path, options: RawFileOptions) -> Iterator[Piece]:
    """Yield a table whose columns are named by 'columns'.

    Timestamps may be numbers (seconds with or without fractions, milliseconds, or finer, told
    by their size; or dates such as 20190131), ISO dates or Parquet timestamps;
    'timestamp: null' stands for the order of the file. What is finer than a millisecond is cut
    off: interactions of the same millisecond stay in the order of the file.
    """
    columns = options.columns or ColumnMapping()
    names = HeaderNames(
        columns.user, columns.item, columns.timestamp, columns.rating, rating_required=True
    )
    if is_parquet(path):
        refuse_member(path, options.member)
        from seqrec.readers.parts.parquet import read_parquet

        return read_parquet(path, names)
    return read_text_table(path, options, names)


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
    """Yield a CSV or TSV table with a header."""
    blocks = refuse_packed_parquet(read_blocks(path, options.member), path)
    header, blocks = take_header(blocks, path)
    separator = options.separator or guess_separator(path, header, names)
    return read_delimited(blocks, find_layout(path, header, separator, names))
