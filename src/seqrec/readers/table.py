"""Any table with a user, an item and perhaps a timestamp: CSV, TSV or Parquet."""

from collections.abc import Iterator
from pathlib import Path

from seqrec.configuration import ColumnMapping, RawFileOptions
from seqrec.readers.batches import Batch
from seqrec.readers.delimited import read_delimited
from seqrec.readers.headers import HeaderNames, find_layout, guess_separator
from seqrec.readers.source import read_blocks, take_header


def read_table(path: Path, options: RawFileOptions) -> Iterator[Batch]:
    """Yield a table whose columns are named by 'columns'.

    Timestamps may be numbers (seconds, milliseconds, or finer, told by their size), ISO dates
    or Parquet timestamps; 'timestamp: null' stands for the order of the file.
    """
    columns = options.columns or ColumnMapping()
    names = HeaderNames(
        columns.user, columns.item, columns.timestamp, columns.rating, rating_required=True
    )
    if path.suffix == ".parquet":
        from seqrec.readers.parquet_table import read_parquet

        return read_parquet(path, names)
    return read_text_table(path, options, names)


def read_text_table(path: Path, options: RawFileOptions, names: HeaderNames) -> Iterator[Batch]:
    """Yield a CSV or TSV table with a header."""
    header, blocks = take_header(read_blocks(path, options.member), path)
    separator = options.separator or guess_separator(path, header, names)
    return read_delimited(blocks, find_layout(path, header, separator, names))
