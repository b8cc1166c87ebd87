"""What a raw log holds, counted while it is read: kept, rejected, changed, left out."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from seqrec.errors import SeqrecError
from seqrec.files import sha256_of
from seqrec.parameters.sections import IngestionOptions
from seqrec.preparation.raw_files import RawFile, labels_of, parts_of
from seqrec.readers import REJECTED
from seqrec.readers.parts.pieces import Piece, TimesRead
from seqrec.readers.parts.reasons import remedy

HOPELESS = 100_000
"""Rejected rows from which reading stops if they are the greater part."""
PER_SECOND = {"s": 1, "ms": 1_000}
TIMES = {
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "date": "dates",
    "excel": "days of a spreadsheet",
}
"""The log's own units for people."""
NO_ROWS = {"rows_kept": 0, "rows_rejected": 0}
NONE_REJECTED = pa.schema([("source_file", pa.string()), *REJECTED]).empty_table()


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
        self.times = TimesRead()
        self.left_out = 0
        self.changed: Counter[str] = Counter()
        self.rejected: list[pa.Table] = []
        self.span: tuple[int, int] | None = None
        self.files: dict[str, Counter[str]] = {}

    def counted(self, pieces: Iterator[Piece]) -> Iterator[pa.Table]:
        """Yield the interactions of the pieces, up to the point where there is no hope."""
        for piece in pieces:
            self.count(piece)
            yield piece.interactions
            if self.broken > HOPELESS and self.broken > self.accepted and self.max_share < 0.5:
                return  # a file of another kind: its rows would fill the memory

    def count(self, piece: Piece) -> None:
        """Count one piece."""
        kept, broken = len(piece.interactions), len(piece.rejected)
        self.accepted += kept
        self.broken += broken
        self.broken_lines += piece.rejected_lines
        self.blank_lines += piece.blank_lines
        self.left_out += piece.left_out
        self.changed.update(piece.changed)
        self.files.setdefault(piece.file, Counter()).update(rows_kept=kept, rows_rejected=broken)
        if broken:
            names = pa.repeat(piece.file or self.raw_file.path.name, broken)
            self.rejected.append(piece.rejected.add_column(0, "source_file", names))
        if kept:
            self.timestamp_unit, self.times = piece.timestamp_unit, piece.times
            self.span = _wider(self.span, pc.min_max(piece.interactions["timestamp"]).as_py())

    def rejected_rows(self) -> pa.Table:
        """Return the rejected rows with the name of their file."""
        return self.all_rejected().combine_chunks()

    def all_rejected(self) -> pa.Table:
        """Return the rejected rows in their pieces."""
        return pa.concat_tables([NONE_REJECTED, *self.rejected])

    def check(self) -> None:
        """Raise where too many rows were rejected, or none was left."""
        read = self.accepted + self.broken_lines
        path = self.raw_file.path
        if not self.accepted and self.left_out and not self.broken:
            raise SeqrecError(
                f"{path}: raw.where leaves none of {self.left_out:,} rows; check its columns"
            )
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
            f"{self.remedy(reason)}"
        )

    def remedy(self, reason: str) -> str:
        """Return what can be done about too many rows rejected mostly for one reason."""
        if helps := remedy(reason):
            return helps if not self.accepted else f"{helps}, or {self.tolerance()}"
        if not self.accepted:
            return f"is '{self.raw_file.options.reader}' the right reader?"
        return f"mend the file or {self.tolerance()}"

    def tolerance(self) -> str:
        """Return how more rejected rows are let pass."""
        return f"raise ingestion.max_rejected_share ({self.max_share:g})"

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
        return self.all_rejected()[name]

    def report(self) -> dict[str, Any]:
        """Return what was read, as plain values."""
        parts = parts_of(self.raw_file.path)
        digests = [sha256_of(part) for part in parts]
        several = "".join(f"{digest}\n" for digest in digests).encode()
        report = {
            "file": self.raw_file.path.name,
            "sha256": digests[0] if len(parts) == 1 else sha256(several).hexdigest(),
            "reader": self.raw_file.options.reader,
            **self.counts(),
        }
        if len(parts) > 1:
            report["files"] = [
                {"file": name, "sha256": digest, **NO_ROWS, **self.files.get(name, {})}
                for digest, name in zip(digests, labels_of(self.raw_file), strict=True)
            ]
        return report

    def counts(self) -> dict[str, Any]:
        """Return how much was read."""
        return {
            "timestamp_unit": self.timestamp_unit,
            "timestamps_written_in": self.times.written or self.timestamp_unit,
            "timestamps_guessed": self.times.guessed,
            "first_and_last_instant": self.instants(),
            "rows_read": self.accepted + self.broken,
            "rows_kept": self.accepted,
            "rows_rejected": self.broken,
            "rejected_by_reason": dict(sorted(self.reasons().items())),
            "rows_left_out": self.left_out,
            "changed": dict(sorted(self.changed.items())),
            "blank_lines": self.blank_lines,
        }

    def instants(self) -> list[str] | None:
        """Return the first and the last instant for people; None where there are none."""
        if self.span is None or self.timestamp_unit not in PER_SECOND:
            return None
        return [moment(instant, self.timestamp_unit) for instant in self.span]


def moment(timestamp: int, unit: str) -> str:
    """Return an instant as a date and time, UTC; the number where no calendar has it."""
    try:
        instant = datetime.fromtimestamp(timestamp // PER_SECOND[unit], UTC)
    except (OverflowError, ValueError, OSError):
        return f"{timestamp} (no date)"
    return instant.isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")


def _wider(span: tuple[int, int] | None, bounds: dict[str, int]) -> tuple[int, int]:
    first, last = bounds["min"], bounds["max"]
    return (first, last) if span is None else (min(span[0], first), max(span[1], last))


def remarks(report: dict[str, Any]) -> Iterator[str]:
    """Yield what people should know of a log that was read: what was changed, left out, guessed."""
    for what, count in report["changed"].items():
        yield f"{what}: {count:,}"
    if report["rows_left_out"]:
        yield f"raw.where left out {report['rows_left_out']:,} rows"
    if report["timestamps_guessed"] and report["first_and_last_instant"]:
        first, last = report["first_and_last_instant"]
        unit = report["timestamps_written_in"]
        yield f"timestamps read as {TIMES.get(unit, unit)} (guessed), {first} to {last}"
