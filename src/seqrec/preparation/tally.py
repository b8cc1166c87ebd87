"""What a raw log holds, counted while it is read: kept, rejected, changed, left out."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from seqrec.errors import SeqrecError, rows_in_words
from seqrec.files import sha256_of
from seqrec.parameters.sections import IngestionOptions
from seqrec.preparation.raw_files import RawFile, labels_of, parts_of
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


NO_TIMES = TimesRead()


@dataclass
class Counts:
    """What pieces of a log hold; those of later pieces can be added."""

    accepted: int = 0
    broken: int = 0
    broken_lines: int = 0
    blank_lines: int = 0
    left_out: int = 0
    changed: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    """Of rejected rows."""
    first_lines: dict[str, int] = field(default_factory=dict)
    """The first line that was rejected for a reason."""
    timestamp_unit: str = ""
    times: TimesRead = NO_TIMES
    span: tuple[int, int] | None = None

    def add(self, piece: Piece) -> None:
        """Count one more piece."""
        self.accepted += len(piece.interactions)
        self.broken += len(piece.rejected)
        self.broken_lines += piece.rejected_lines
        self.blank_lines += piece.blank_lines
        self.left_out += piece.left_out
        self.changed.update(piece.changed)
        if len(piece.rejected):
            for reason, line in _firsts(piece.rejected):
                self.first_lines.setdefault(reason, line)
            self.reasons.update(_times_each(piece.rejected["reason"]))
        if len(piece.interactions):
            self.timestamp_unit, self.times = piece.timestamp_unit, piece.times
            bounds = pc.min_max(piece.interactions["timestamp"]).as_py()
            self.span = _wider(self.span, (bounds["min"], bounds["max"]))

    def merge(self, later: "Counts") -> None:
        """Count what stands further on in the log."""
        for name in ("accepted", "broken", "broken_lines", "blank_lines", "left_out"):
            setattr(self, name, getattr(self, name) + getattr(later, name))
        self.changed.update(later.changed)
        self.reasons.update(later.reasons)
        self.first_lines = later.first_lines | self.first_lines
        if later.span is not None:
            self.timestamp_unit, self.times = later.timestamp_unit, later.times
            self.span = _wider(self.span, later.span)

    @property
    def hopeless(self) -> bool:
        """Whether so much is rejected that it looks like a file of another kind."""
        return self.broken > HOPELESS and self.broken > self.accepted


class Tally:
    """Counts what a reader yields, and says what is wrong with it.

    The share of what cannot be read is one of lines: a row between broken quotes may be many.
    """

    def __init__(self, raw_file: RawFile, options: IngestionOptions) -> None:
        self.raw_file = raw_file
        self.max_share = options.max_rejected_share
        self.all = Counts()
        self.files: dict[str, Counts] = {}

    def counted(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        """Yield the pieces, up to the point where there is no hope."""
        for piece in pieces:
            self.all.add(piece)
            self.files.setdefault(piece.file, Counts()).add(piece)
            yield piece
            if self.hopeless:
                return  # its rejected rows would fill the memory

    def take(self, file: str, counts: Counts) -> None:
        """Count what others have counted of a file."""
        self.all.merge(counts)
        self.files.setdefault(file, Counts()).merge(counts)

    @property
    def hopeless(self) -> bool:
        """Whether so much is rejected that there is no need to read on."""
        return self.all.hopeless and self.max_share < 0.5

    def check(self) -> None:
        """Raise where too many rows were rejected, or none was left."""
        counts, path = self.all, self.raw_file.path
        read = counts.accepted + counts.broken_lines
        if not counts.accepted and counts.left_out > counts.broken:
            raise SeqrecError(
                f"{path}: raw.where leaves none of {rows_in_words(counts.left_out)}; check its "
                "columns"
            )
        if not read:
            raise SeqrecError(f"{path} holds no interactions; is it the right file?")
        if counts.accepted and counts.broken_lines <= self.max_share * read:
            return
        unit = "rows" if counts.broken == counts.broken_lines else "lines"
        (reason, count), *_ = counts.reasons.most_common(1)
        raise SeqrecError(
            f"{path}: {counts.broken_lines:,} of {read:,} {unit} "
            f"({counts.broken_lines / read:.1%}) cannot be read, "
            f"mostly '{reason}' ({count:,}, first in line {counts.first_lines[reason]}); "
            f"{self.remedy(reason)}"
        )

    def remedy(self, reason: str) -> str:
        """Return what can be done about too many rows rejected mostly for one reason."""
        if helps := remedy(reason):
            return helps if not self.all.accepted else f"{helps}, or {self.tolerance()}"
        if not self.all.accepted:
            return f"is '{self.raw_file.options.reader}' the right reader?"
        return f"mend the file or {self.tolerance()}"

    def tolerance(self) -> str:
        """Return how more rejected rows are let pass."""
        return f"raise ingestion.max_rejected_share ({self.max_share:g})"

    def report(self, digests: list[str] | None = None) -> dict[str, Any]:
        """Return what was read, as plain values.

        Args:
            digests: SHA-256 of each file; computed here where they are not known.
        """
        if digests is None:
            digests = [sha256_of(part) for part in parts_of(self.raw_file.path)]
        several = "".join(f"{digest}\n" for digest in digests).encode()
        report = {
            "file": self.raw_file.path.name,
            "sha256": digests[0] if len(digests) == 1 else sha256(several).hexdigest(),
            "reader": self.raw_file.options.reader,
            **self.counts(),
        }
        if len(digests) > 1:
            report["files"] = [
                {"file": name, "sha256": digest, **self.rows_of(name)}
                for digest, name in zip(digests, labels_of(self.raw_file), strict=True)
            ]
        return report

    def rows_of(self, file: str) -> dict[str, int]:
        """Return how many rows of a file were kept, and how many rejected."""
        counts = self.files.get(file, Counts())
        return {"rows_kept": counts.accepted, "rows_rejected": counts.broken}

    def counts(self) -> dict[str, Any]:
        """Return how much was read."""
        counts = self.all
        return {
            "timestamp_unit": counts.timestamp_unit,
            "timestamps_written_in": counts.times.written or counts.timestamp_unit,
            "timestamps_guessed": counts.times.guessed,
            **({"order_counted_in": counts.times.order} if counts.times.order else {}),
            "first_and_last_instant": self.instants(),
            "rows_read": counts.accepted + counts.broken,
            "rows_kept": counts.accepted,
            "rows_rejected": counts.broken,
            "rejected_by_reason": dict(sorted(counts.reasons.items())),
            "rows_left_out": counts.left_out,
            "changed": dict(sorted(counts.changed.items())),
            "blank_lines": counts.blank_lines,
        }

    def instants(self) -> list[str] | None:
        """Return the first and the last instant for people; None where there are none."""
        unit = self.all.timestamp_unit
        if self.all.span is None or unit not in PER_SECOND:
            return None
        return [moment(instant, unit) for instant in self.all.span]


def _firsts(rejected: pa.Table) -> Iterator[tuple[str, int]]:
    """Yield each reason, with the first line that was rejected for it."""
    reasons = rejected["reason"]
    for reason in pc.unique(reasons).to_pylist():
        yield reason, int(rejected["line_number"][pc.index(reasons, reason).as_py()].as_py())


def _times_each(reasons: pa.ChunkedArray) -> dict[str, int]:
    return {row["values"]: row["counts"] for row in pc.value_counts(reasons).to_pylist()}


def moment(timestamp: int, unit: str) -> str:
    """Return an instant as a date and time, UTC; the number where no calendar has it."""
    try:
        instant = datetime.fromtimestamp(timestamp // PER_SECOND[unit], UTC)
    except (OverflowError, ValueError, OSError):
        return f"{timestamp} (no date)"
    return instant.isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")


def _wider(span: tuple[int, int] | None, other: tuple[int, int]) -> tuple[int, int]:
    return other if span is None else (min(span[0], other[0]), max(span[1], other[1]))


def remarks(report: dict[str, Any]) -> Iterator[str]:
    """Yield what people should know of a log that was read: what was changed, left out, guessed."""
    for what, count in report["changed"].items():
        yield f"{what}: {count:,}"
    if report["rows_left_out"]:
        yield f"raw.where left out {rows_in_words(report['rows_left_out'])}"
    if report["timestamps_guessed"] and report["first_and_last_instant"]:
        first, last = report["first_and_last_instant"]
        unit = report["timestamps_written_in"]
        yield f"timestamps read as {TIMES.get(unit, unit)} (guessed), {first} to {last}"
