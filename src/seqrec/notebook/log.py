"""A raw log: from files, or from any table that speaks Arrow."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from seqrec.errors import SeqrecError, rows_in_words
from seqrec.notebook.log_parts import Part, joined, read_file, read_table
from seqrec.notebook.tabular import Tabular
from seqrec.parameters.raw_sections import MISSING, ColumnMapping, RawFileOptions
from seqrec.parameters.section_checks import check_values
from seqrec.parameters.sections import IngestionOptions
from seqrec.preparation.raw_files import RawFile, parts_of
from seqrec.preparation.tally import remarks
from seqrec.readers import COLUMNS_ARE_NAMED, find_reader

logger = logging.getLogger(__name__)


class SpeaksArrow(Protocol):
    """Any table of pandas, polars, pyarrow, DuckDB, Ibis and others."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the table as a stream of Arrow."""


@dataclass(frozen=True, repr=False)
class Log(Tabular):
    """A raw log as it was read, row by row."""

    interactions: pa.Table
    """user_id, item_id, timestamp, source_row, rating; in the order of the file."""
    rejected: pa.Table
    """source_file, line_number, reason, text: what could not be read."""
    report: dict[str, Any]
    """What was read: the sums, and by file under ``files``."""
    name: str
    """Of the file or folder, without its endings."""

    @property
    def table(self) -> pa.Table:
        """The interactions."""
        return self.interactions

    @property
    def timestamp_unit(self) -> str:
        """``s``, ``ms``, or ``order`` where timestamps are positions."""
        unit: str = self.report["timestamp_unit"]
        return unit

    def __repr__(self) -> str:
        read, rejected = len(self.interactions), len(self.rejected)
        return f"Log {self.name}: {read:,} interactions, {rows_in_words(rejected)} rejected"


def read_log(
    source: str | Path | Iterable[str | Path] | SpeaksArrow,
    *,
    user: str | int = "user_id",
    item: str | int = "item_id",
    timestamp: str | int | None = "timestamp",
    rating: str | int | None = None,
    order: str | int | None = None,
    items: str | int | None = None,
    reader: str = "table",
    where: Mapping[str | int, Any] | None = None,
    missing: Iterable[str] = MISSING,
    timestamp_unit: str | None = None,
    timestamp_format: str | None = None,
    separator: str | None = None,
    encoding: str | None = None,
    member: str | None = None,
    max_rejected_share: float = 0.01,
) -> Log:
    """Read a raw log, by the readers that the pipelines use.

    Args:
        source: a file (CSV, TSV or Parquet; packed too), a folder or a pattern (``logs/*.csv``),
            whose files are read by name, several of these, one after the other in their own order,
            or a table of pandas, polars, pyarrow, DuckDB, Ibis or whatever else speaks Arrow.
        user: the column of users; its position, from 0, in a table without a header; the path of
            a key, ``user.id``, in JSON lines.
        item: the column of items.
        timestamp: the column of instants: numbers, dates or timestamps; None where the rows
            stand in order of time.
        rating: the column of ratings, if there is one to filter by.
        order: a second column for the order, among a user's interactions of one timestamp.
        items: the column of a list of items, oldest first, in place of ``item``.
        reader: one of ``seqrec.readers.READERS``, for files of a publisher's own form.
        where: column to value, or several as ``buy;cart``; other rows are left out, and counted.
        missing: what stands for no user and no item.
        timestamp_unit: of numbers: s, ms, us, ns, ``mixed`` (each by its size) or ``excel``; told
            by their size if not given.
        timestamp_format: of text, as ``strptime`` has it, or several as ``%d/%m/%Y;%Y-%m-%d``;
            guessed if not given.
        separator: between the columns of a text; guessed from the header if not given.
        encoding: of a text that is not UTF-8.
        member: the file inside a zip or tar archive of several.
        max_rejected_share: how many of the rows may be unreadable.

    Returns:
        The log. What could not be read is in ``rejected``.

    Raises:
        SeqrecError: the source cannot be read, has no such column, holds no interactions or
            too many broken rows.
    """
    columns = {"user": user, "item": item, "timestamp": timestamp, "rating": rating}
    columns |= {"order": order, "items": items}
    mapping = check_values(ColumnMapping, columns, "")
    ingestion = check_values(IngestionOptions, {"max_rejected_share": max_rejected_share}, "")
    times = {"timestamp_unit": timestamp_unit, "timestamp_format": timestamp_format}
    said = {"where": dict(where or {}), "missing": tuple(missing), **times}
    of_file = {"separator": separator, "encoding": encoding, "member": member}
    if hasattr(source, "__arrow_c_stream__"):
        _refuse_for_tables(reader=(reader, "table"), **{n: (v, None) for n, v in of_file.items()})
        table = {"name": "the table", "reader": "table", "columns": mapping, **said}
        options = check_values(RawFileOptions, table, "")
        return _log([read_table(source, options, ingestion)], "table")
    _check_columns(reader, mapping)
    named = mapping if reader in COLUMNS_ARE_NAMED else None
    return _log_of_files(source, {"reader": reader, "columns": named, **of_file, **said}, ingestion)


def _log_of_files(source: Any, options: dict[str, Any], ingestion: IngestionOptions) -> Log:
    """Read the files of a source, one after the other."""
    found = list(_files(source))
    if not found:
        raise SeqrecError("no file is named to read a log from; name at least one")
    files = [path for path in found if len(found) == 1 or path.stat().st_size]  # as parts may be
    raw_files = [
        RawFile(path, check_values(RawFileOptions, {"name": path.name, **options}, ""))
        for path in files
    ]
    parts = [read_file(raw_file, ingestion, len(found) > 1) for raw_file in raw_files]
    _check_some_left(parts, len(found))
    return _log(parts, _name(source, found))


def _check_some_left(parts: list[Part], files: int) -> None:
    """Raise where none of several files has a row that is wanted."""
    if any(len(part.interactions) for part in parts):
        return
    if left_out := sum(part.report["rows_left_out"] for part in parts):
        raise SeqrecError(
            f"raw.where leaves none of {rows_in_words(left_out)} of {files} files; check its "
            "columns"
        )
    raise SeqrecError(f"none of the {files} files holds interactions; name others")


def _refuse_for_tables(**options: tuple[object, object]) -> None:
    for name, (value, default) in options.items():
        if value != default:
            raise SeqrecError(f"option {name}={value} is for files, not for a table; leave it out")


def _check_columns(reader: str, mapping: ColumnMapping) -> None:
    """Raise where columns are named to a reader that knows its own."""
    find_reader(reader)
    if reader in COLUMNS_ARE_NAMED or mapping == ColumnMapping():
        return
    name, value = next(
        (name, value) for name, value in mapping if value != getattr(ColumnMapping(), name)
    )
    raise SeqrecError(
        f"option {name}={value} means nothing to reader '{reader}', which knows its columns; "
        "leave it out"
    )


def _files(source: Any) -> Iterator[Path]:
    """Yield the files of a path, a folder or several of them, in order."""
    if isinstance(source, str | Path):
        yield from parts_of(Path(source).expanduser())
    elif isinstance(source, Iterable) and not isinstance(source, bytes):
        for path in source:
            yield from _files(path)
    else:
        raise SeqrecError(
            f"a log is read from a path, several, or a table that speaks Arrow, not from "
            f"{type(source).__name__}; give it as one of these"
        )


def _name(source: Any, files: list[Path]) -> str:
    if isinstance(source, str | Path) and Path(source).expanduser().is_dir():
        return Path(source).expanduser().resolve().name
    return files[0].name.partition(".")[0] or files[0].name


def _log(parts: list[Part], name: str) -> Log:
    log = Log(*joined(parts), name)
    logger.info("%r", log)
    for line in remarks(log.report["files"][0] if len(parts) == 1 else log.report):
        logger.info(line)
    return log
