"""Ingestion: a raw log becomes a Parquet file of interactions and a table of rejected rows.

Reading, checking and writing go on in pieces, so that memory does not grow with the log; one
thread reads and checks while the other packs and writes.
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from seqrec.files import replacing
from seqrec.parameters.sections import IngestionOptions
from seqrec.preparation.raw_files import RawFile, read_parts
from seqrec.preparation.read_ahead import read_ahead
from seqrec.preparation.rejected_rows import RejectedRows
from seqrec.preparation.tally import Tally
from seqrec.readers import INTERACTIONS

ROW_GROUP = 1024 * 1024
AHEAD = 8
"""Pieces that are read while a row group is written, which holds about as many."""
INTERACTIONS_FILE = "interactions.parquet"


class IngestedLog(NamedTuple):
    """A raw log as tables."""

    interactions: Path
    """Parquet, columns of the interactions table, in file order."""
    rejected: pa.Table
    """source_file, line_number, reason, text."""
    report: dict[str, Any]


def read_log(raw_file: RawFile, options: IngestionOptions, work_folder: Path) -> IngestedLog:
    """Read a raw file into a Parquet file of interactions.

    Args:
        raw_file: the raw file and its reader.
        options: how many broken rows are tolerated.
        work_folder: where ``interactions.parquet`` goes; made if it is not there.

    Returns:
        The finished file, the rejected rows and a report of what was read.

    Raises:
        SeqrecError: the file cannot be read, holds no interactions or too many broken rows, or
            the result cannot be written; nothing is left behind then.
    """
    tally = Tally(raw_file, options)
    rejected = RejectedRows(raw_file)
    interactions = rejected.kept_from(tally.counted(read_parts(raw_file)))
    target = work_folder / INTERACTIONS_FILE
    with replacing(target) as unfinished:
        write_interactions(read_ahead(interactions, AHEAD), unfinished)
        tally.check()
    return IngestedLog(target, rejected.table(), tally.report())


def write_interactions(tables: Iterator[pa.Table], path: Path) -> None:
    """Write interactions as Parquet, in row groups of ``ROW_GROUP`` rows.

    The bytes depend on the rows alone, not on the pieces they come in.
    """
    from pyarrow.parquet import ParquetWriter

    first = next(tables, INTERACTIONS.empty_table())
    tables = chain([first], tables)
    numbers = [name for name in first.schema.names if name in ("timestamp", "source_row", "order")]
    writer = ParquetWriter(
        path,
        first.schema,
        compression="zstd",
        use_dictionary=["user_id", "item_id", "rating"],
        column_encoding=dict.fromkeys(numbers, "DELTA_BINARY_PACKED"),
    )
    with writer:
        for group in row_groups(tables):
            writer.write_table(group, row_group_size=ROW_GROUP)


def row_groups(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Yield the rows of the tables in pieces of ``ROW_GROUP``, the last one shorter."""
    waiting: list[pa.Table] = []
    rows = 0
    for table in tables:
        waiting.append(table)
        rows += len(table)
        while rows >= ROW_GROUP:
            whole = pa.concat_tables(waiting)
            yield whole.slice(0, ROW_GROUP)
            waiting = [whole.slice(ROW_GROUP)]
            rows -= ROW_GROUP
    if rows:
        yield pa.concat_tables(waiting)
