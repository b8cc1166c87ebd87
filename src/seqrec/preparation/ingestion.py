"""Ingestion: a raw log becomes a Parquet file of interactions and a table of rejected rows.

Reading, checking and writing go on in pieces, so that memory does not grow with the log; one
thread reads and checks while the other packs and writes.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from seqrec.errors import SeqrecError
from seqrec.files import replacing, sha256_of
from seqrec.parameters.sections import IngestionOptions, RawFileOptions, RawOptions
from seqrec.preparation.read_ahead import read_ahead
from seqrec.readers import INTERACTIONS, REJECTED, find_reader
from seqrec.readers.parts.pieces import Piece

ROW_GROUP = 1024 * 1024
HOPELESS = 100_000
"""Rejected rows from which reading stops if they are the greater part."""
AHEAD = 8
"""Pieces that are read while a row group is written, which holds about as many."""
INTERACTIONS_FILE = "interactions.parquet"


class RawFile(NamedTuple):
    """A raw file that is there, and how to read it."""

    path: Path
    options: RawFileOptions


class IngestedLog(NamedTuple):
    """A raw log as tables."""

    interactions: Path
    """Parquet, columns of the interactions table, in file order."""
    rejected: pa.Table
    """source_file, line_number, reason, text."""
    report: dict[str, Any]


def find_raw_file(dataset: str, raw: RawOptions, folder: Path) -> RawFile:
    """Return which of the data set's files lies in the folder.

    Args:
        dataset: name of the data set, for the message.
        raw: the files it accepts; the first one that is there counts.
        folder: where to look.

    Raises:
        SeqrecError: none of them is there; the message says how to get one.
    """
    for options in raw.files:
        if (folder / options.name).is_file():
            return RawFile(folder / options.name, options)
    names = " or ".join(options.name for options in raw.files)
    remark = "" if folder.is_dir() else " (no such folder)"
    raise SeqrecError(
        f"data set '{dataset}': no {names} in {folder}{remark}; {how_to_get(dataset, raw)}"
    )


def how_to_get(dataset: str, raw: RawOptions) -> str:
    """Return what a user can do to have the raw file."""
    elsewhere = "name its folder by --params raw_dir=DIR"
    publisher = raw.publisher
    if raw.generator or (publisher and publisher.url):
        return f"run `kedro run --pipeline download --params dataset={dataset}` or {elsewhere}"
    if publisher and publisher.form:
        return f"ask its publisher at {publisher.form} and put it there, or {elsewhere}"
    note = f" ({raw.note})" if raw.note else ""
    return f"put it there or {elsewhere}{note}"


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
    pieces = find_reader(raw_file.options.reader)(raw_file.path, raw_file.options)
    tally = Tally(raw_file, options)
    target = work_folder / INTERACTIONS_FILE
    with replacing(target) as unfinished:
        write_interactions(read_ahead(tally.counted(pieces), AHEAD), unfinished)
        tally.check()
    return IngestedLog(target, tally.rejected_rows(), tally.report())


class Tally:
    """Counts what a reader yields, and keeps the rejected rows.

    The share of what cannot be read is one of lines: a row between broken quotes may be many.
    """

    def __init__(self, raw_file: RawFile, options: IngestionOptions) -> None:
        self.raw_file = raw_file
        self.max_share = options.max_rejected_share
        self.accepted = 0
        self.broken = 0
        self.broken_lines = 0
        self.blank_lines = 0
        self.timestamp_unit = ""
        self.rejected: list[pa.Table] = []

    def counted(self, pieces: Iterator[Piece]) -> Iterator[pa.Table]:
        """Yield the interactions of the pieces, up to the point where there is no hope."""
        for piece in pieces:
            self.accepted += len(piece.interactions)
            self.broken += len(piece.rejected)
            self.broken_lines += piece.rejected_lines
            self.blank_lines += piece.blank_lines
            self.timestamp_unit = piece.timestamp_unit
            if len(piece.rejected):
                self.rejected.append(piece.rejected)
            yield piece.interactions
            if self.broken > HOPELESS and self.broken > self.accepted and self.max_share < 0.5:
                return  # a file of another kind: its rows would fill the memory

    def rejected_rows(self) -> pa.Table:
        """Return the rejected rows with the name of their file."""
        rows = pa.concat_tables([REJECTED.empty_table(), *self.rejected])
        names = pa.repeat(self.raw_file.path.name, len(rows))
        return rows.add_column(0, "source_file", names).combine_chunks()

    def check(self) -> None:
        """Raise where too many rows were rejected, or none was left."""
        read = self.accepted + self.broken_lines
        path = self.raw_file.path
        if not read:
            raise SeqrecError(f"{path} holds no interactions; is it the right file?")
        if self.accepted and self.broken_lines <= self.max_share * read:
            return
        unit = "rows" if self.broken == self.broken_lines else "lines"
        (reason, count), *_ = self.reasons().most_common(1)
        raise SeqrecError(
            f"{path}: {self.broken_lines:,} of {read:,} {unit} "
            f"({self.broken_lines / read:.1%}) cannot be read, "
            f"mostly '{reason}' ({count:,}, first in line {self.first_line(reason)}); "
            f"{self.remedy()}"
        )

    def remedy(self) -> str:
        """Return what can be done about too many rejected rows."""
        if not self.accepted:
            return f"is '{self.raw_file.options.reader}' the right reader?"
        return f"mend the file or raise ingestion.max_rejected_share ({self.max_share:g})"

    def reasons(self) -> Counter[str]:
        """Return how many rows were rejected for which reason."""
        counts = pc.value_counts(self.column("reason")).to_pylist()
        return Counter({row["values"]: row["counts"] for row in counts})

    def first_line(self, reason: str) -> int:
        """Return the first line that was rejected for a reason."""
        place = pc.index(self.column("reason"), reason).as_py()
        return int(self.column("line_number")[place].as_py())

    def column(self, name: str) -> pa.ChunkedArray:
        """Return a column of the rejected rows."""
        return pa.concat_tables([REJECTED.empty_table(), *self.rejected])[name]

    def report(self) -> dict[str, Any]:
        """Return what was read, as plain values."""
        return {
            "file": self.raw_file.path.name,
            "sha256": sha256_of(self.raw_file.path),
            "reader": self.raw_file.options.reader,
            **self.counts(),
        }

    def counts(self) -> dict[str, Any]:
        """Return how much was read."""
        return {
            "timestamp_unit": self.timestamp_unit,
            "rows_read": self.accepted + self.broken,
            "rows_kept": self.accepted,
            "rows_rejected": self.broken,
            "rejected_by_reason": dict(sorted(self.reasons().items())),
            "blank_lines": self.blank_lines,
        }


def write_interactions(tables: Iterator[pa.Table], path: Path) -> None:
    """Write interactions as Parquet, in row groups of ``ROW_GROUP`` rows.

    The bytes depend on the rows alone, not on the pieces they come in.
    """
    from pyarrow.parquet import ParquetWriter

    writer = ParquetWriter(
        path,
        INTERACTIONS,
        compression="zstd",
        use_dictionary=["user_id", "item_id", "rating"],
        column_encoding=dict.fromkeys(("timestamp", "source_row"), "DELTA_BINARY_PACKED"),
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
