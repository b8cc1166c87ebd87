"""The parts of a log: files and tables, read by the readers of the pipelines into memory."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.parameters.sections import IngestionOptions
from seqrec.preparation.raw_files import RawFile, cannot_stand_together
from seqrec.preparation.rejected_rows import RejectedRows
from seqrec.preparation.tally import Tally
from seqrec.readers import INTERACTIONS, Piece, read_pieces
from seqrec.readers.parts.headers import HeaderNames, names_of
from seqrec.readers.parts.ids import tidy_ids
from seqrec.readers.parts.parquet import BATCH_ROWS, records_of
from seqrec.readers.parts.records import columns_to_read, read_records

logger = logging.getLogger(__name__)

THE_TABLE = Path("the table")
"""What a table that is no file is called in messages."""
COUNTED = ("rows_read", "rows_kept", "rows_rejected", "rows_left_out", "blank_lines")


class Part(NamedTuple):
    """What one file or table holds, or all of them together."""

    interactions: pa.Table
    rejected: pa.Table
    report: dict[str, Any]


def read_file(raw_file: RawFile, ingestion: IngestionOptions, one_of_several: bool = False) -> Part:
    """Read a file into memory; one of several may hold no row at all.

    Raises:
        SeqrecError: it cannot be read, holds no interactions or too many broken rows.
    """
    tally = Tally(raw_file, ingestion)
    pieces = read_pieces(raw_file.path, raw_file.options)
    return Part(*_tables(tally, pieces, one_of_several), tally.report())


def read_table(source: Any, options: RawFileOptions, ingestion: IngestionOptions) -> Part:
    """Do the same with a table that speaks Arrow, as if it were a Parquet file."""
    tally = Tally(RawFile(THE_TABLE, options), ingestion)
    pieces = tidy_ids(_table_pieces(source, names_of(options), options), options.missing)
    tables = _tables(tally, pieces)
    return Part(*tables, {"file": THE_TABLE.name, **tally.counts()})


def _tables(
    tally: Tally, pieces: Iterator[Piece], may_be_empty: bool = False
) -> tuple[pa.Table, pa.Table]:
    """Return the interactions and the rejected rows."""
    rejected = RejectedRows(tally.raw_file)
    tables = list(rejected.kept_from(tally.counted(pieces)))
    if tally.all.accepted or tally.all.broken or not may_be_empty:
        tally.check()
    return pa.concat_tables(tables or [INTERACTIONS.empty_table()]), rejected.table()


def _table_pieces(source: Any, names: HeaderNames, options: RawFileOptions) -> Iterator[Piece]:
    try:
        batches = pa.RecordBatchReader.from_stream(source)
        columns = columns_to_read(THE_TABLE, names, batches.schema.names)
        records = records_of(_blocks(batches, columns))
        yield from read_records(records, names, THE_TABLE, options)
    except (pa.ArrowException, ValueError) as error:  # pandas' own, two columns of one name
        line = str(error.args[0]).partition("\n")[0]
        raise SeqrecError(
            f"the table cannot be read as Arrow ({line}); mend its columns, or write it as CSV"
        ) from None


def _blocks(batches: Iterable[pa.RecordBatch], columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Yield the columns in batches no longer than those of a file."""
    for batch in batches:
        chosen = batch.select(columns)
        for start in range(0, len(batch), BATCH_ROWS):
            yield chosen.slice(start, BATCH_ROWS)


def joined(parts: list[Part]) -> Part:
    """Return the parts of a log as one: source rows, and times that are positions, go on."""
    with_rows = [part for part in parts if len(part.interactions)] or parts
    unit = _unit(with_rows)
    _check_orders(with_rows)
    tables, row, time = [], 0, 0
    for part in with_rows:
        table = _in_unit(part, unit)
        end = max(_largest(table, "source_row"), _largest(part.rejected, "line_number"))
        last = _largest(table, "timestamp")
        table = _shifted(table, "source_row", row)
        tables.append(_shifted(table, "timestamp", time) if unit == "order" else table)
        row, time = row + end, time + last + 1
    reports = [part.report for part in parts]
    rejected = pa.concat_tables([part.rejected for part in parts])
    return Part(pa.concat_tables(tables), rejected, _summed(reports, unit))


def _unit(parts: list[Part]) -> str:
    """Return the finest unit of the parts' timestamps."""
    units = [part.report["timestamp_unit"] for part in parts]
    written = {part.report["timestamps_written_in"] for part in parts}
    if cannot_stand_together(written):
        raise SeqrecError(
            "some files have days of a spreadsheet as timestamps, others were read in another way "
            f"({', '.join(sorted(written))}); say timestamp_unit='excel'"
        )
    if len(set(units)) > 1:
        seconds = units.count("s")
        logger.warning("%d of %d files have timestamps in seconds, not ms", seconds, len(parts))
    return "ms" if "ms" in units else str(units[0])


def _check_orders(parts: list[Part]) -> None:
    """Raise a SeqrecError where a second column for the order counts otherwise than before."""
    orders = {order for part in parts if (order := part.report.get("order_counted_in"))}
    if len(orders) > 1:
        raise SeqrecError(
            f"the files count their order in {' and '.join(sorted(orders))}; write the orders of "
            "all files alike"
        )


def _in_unit(part: Part, unit: str) -> pa.Table:
    if part.report["timestamp_unit"] == unit:
        return part.interactions
    milliseconds = pc.multiply(part.interactions["timestamp"], 1000)
    return _with(part.interactions, "timestamp", milliseconds)


def _shifted(table: pa.Table, column: str, by: int) -> pa.Table:
    return _with(table, column, pc.add(table[column], by)) if by else table


def _with(table: pa.Table, column: str, values: pa.ChunkedArray) -> pa.Table:
    place = table.schema.get_field_index(column)
    return table.set_column(place, table.schema.field(place), values)


def _largest(table: pa.Table, column: str) -> int:
    return int(pc.max(table[column]).as_py() or 0)


def _summed(reports: list[dict[str, Any]], unit: str) -> dict[str, Any]:
    """Return what was read of all files, and of each."""
    changed: Counter[str] = sum((Counter(r["changed"]) for r in reports), Counter())
    forms = {r["timestamps_written_in"] for r in reports if r["rows_kept"]}
    reasons: Counter[str] = sum((Counter(r["rejected_by_reason"]) for r in reports), Counter())
    return {
        "timestamp_unit": unit,
        "timestamps_written_in": forms.pop() if len(forms) == 1 else unit,
        "timestamps_guessed": any(report["timestamps_guessed"] for report in reports),
        "first_and_last_instant": _span(reports),
        **{name: sum(report[name] for report in reports) for name in COUNTED},
        "rejected_by_reason": dict(sorted(reasons.items())),
        "changed": dict(sorted(changed.items())),
        "files": reports,
    }


def _span(reports: list[dict[str, Any]]) -> list[str] | None:
    """Return the first and the last instant of all files, which are texts in order of time."""
    spans = [span for report in reports if (span := report["first_and_last_instant"])]
    return [min(first for first, _ in spans), max(last for _, last in spans)] if spans else None
