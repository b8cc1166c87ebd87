"""The raw files of a data set: which is there, and the parts it consists of."""

import logging
from collections.abc import Iterator
from glob import glob, has_magic
from os.path import commonpath
from pathlib import Path
from typing import NamedTuple

import pyarrow.compute as pc

from seqrec.errors import SeqrecError
from seqrec.files import reaching
from seqrec.parameters.raw_sections import RawFileOptions, RawOptions
from seqrec.readers import Piece, read_pieces
from seqrec.readers.parts.pieces import TimesRead

logger = logging.getLogger(__name__)

PER_SECOND = ("s", "ms", "us", "ns")
SECONDS_FROM = 10**8
"""1973; smaller numbers are no seconds of our time."""


class RawFile(NamedTuple):
    """A raw log that is there, and how to read it."""

    path: Path
    """A file, a folder of parts, or a pattern for the names of several files."""
    options: RawFileOptions


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
        path = folder / options.name
        with reaching(path):
            if path.exists() or files_like(path):
                return RawFile(path, options)
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


def parts_of(path: Path) -> list[Path]:
    """Return the files of a path, in name order.

    Args:
        path: a file; a folder, whose files and those of its folders count, but for those whose
            names begin with ``.`` or ``_``, as Spark's own do; or a pattern such as
            ``logs/*.csv.gz``.

    Raises:
        SeqrecError: there is none.
    """
    with reaching(path):
        if path.is_dir():
            return _parts_in(path)
        if path.exists():
            return [path]
    if not has_magic(str(path)):
        raise SeqrecError(f"no file or folder {path}; check its name")
    if not (parts := files_like(path)):
        raise SeqrecError(f"no file is called like {path}; check the pattern")
    return parts


def _parts_in(folder: Path) -> list[Path]:
    parts = sorted(part for part in folder.rglob("*") if part.is_file() and _counts(part, folder))
    if not parts:
        raise SeqrecError(f"no file in the folder {folder}; name the one of the log's parts")
    return parts


def _counts(part: Path, folder: Path) -> bool:
    return not any(name.startswith((".", "_")) for name in part.relative_to(folder).parts)


def files_like(pattern: Path) -> list[Path]:
    """Return the files whose names are like a pattern, in name order."""
    if not has_magic(str(pattern)):
        return []
    return sorted(path for path in map(Path, glob(str(pattern))) if path.is_file())


def read_parts(raw_file: RawFile) -> Iterator[Piece]:
    """Yield the pieces of all files; rows, and times that are positions, go on from file to file.

    Raises:
        SeqrecError: two files have timestamps of different units; and what readers raise.
    """
    reached, clocks = Reached(), OneClock()
    for path, label in full_parts(raw_file):
        before = reached
        for piece in read_pieces(path, raw_file.options):
            position = None
            if len(piece.interactions):
                reading = Reading.of(piece)
                clocks.check(path, reading)
                position = reading.latest if reading.unit == "order" else None
            reached = reached.beyond(before, last_row(piece), position)
            piece = shifted(piece, before) if before.rows else piece
            yield piece._replace(file=label)


class Reached(NamedTuple):
    """How far a log was read: what comes next is moved on by so much."""

    rows: int = 0
    positions: int = 0
    """Where times are positions, which count the items of lists too; otherwise 0."""

    def beyond(self, before: "Reached", row: int, position: int | None) -> "Reached":
        """Return how far it is now.

        Args:
            before: how far the log was read before this file.
            row: a row of the file, from 1.
            position: the last position in the file so far, None where times are no positions.
        """
        positions = 0 if position is None else before.positions + position + 1
        return Reached(max(self.rows, before.rows + row), max(self.positions, positions))


def full_parts(raw_file: RawFile) -> Iterator[tuple[Path, str]]:
    """Yield the files and what they are called, but for the empty ones among several."""
    parts = parts_of(raw_file.path)
    for path, label in zip(parts, labels_of(raw_file), strict=True):
        if len(parts) > 1 and not path.stat().st_size:
            logger.info("%s is empty, as parts may be", label)
            continue
        yield path, label


class Reading(NamedTuple):
    """How the timestamps of a piece were read, and the latest of them."""

    unit: str
    times: TimesRead
    latest: int

    @classmethod
    def of(cls, piece: Piece) -> "Reading":
        """Return that of a piece with interactions."""
        latest = pc.max(piece.interactions["timestamp"]).as_py()
        return cls(piece.timestamp_unit, piece.times, latest)


class OneClock:
    """Sees to it that the timestamps of all files were read in one way."""

    def __init__(self) -> None:
        self.before: tuple[Path, Reading] | None = None

    def check(self, path: Path, reading: Reading) -> None:
        """Raise a SeqrecError where a file's timestamps were read otherwise than those before."""
        if self.before and reading.times.order != self.before[1].times.order:
            raise SeqrecError(
                f"{path} counts its order in {reading.times.order}, {self.before[0]} in "
                f"{self.before[1].times.order}; write the orders of all files alike"
            )
        if self.before and _differ(reading, self.before[1]):
            written, other = reading.times.written, self.before[1].times.written
            dates = written == other == "date"
            if written == other:
                written, other = FINENESS[reading.unit], FINENESS[self.before[1].unit]
            raise SeqrecError(
                f"{path} has timestamps in {written}, {self.before[0]} in {other}; "
                "say how both are written, "
                + (EXCEL if "excel" in (written, other) else PATTERNS if dates else MIXED)
            )
        self.before = path, reading


EXCEL = "raw.timestamp_unit=excel: all are days"
MIXED = "raw.timestamp_unit=mixed: numbers each by its size, ISO dates, all in milliseconds"
PATTERNS = f"{MIXED}; other dates by raw.timestamp_format='%Y/%m/%d %H:%M:%S;%Y/%m/%d %H:%M:%S.%f'"
FINENESS = {"s": "whole seconds", "ms": "fractions of a second"}


def _differ(reading: Reading, before: Reading) -> bool:
    """Return whether a file's timestamps were read otherwise than those of the files before.

    Dates beside seconds are two ways to say the same, unless the seconds are none of our time.
    """
    written, other = reading.times.written, before.times.written
    if reading.unit != before.unit or cannot_stand_together({written, other}):
        return True
    dates = other not in PER_SECOND and written == "s"
    return dates and before.unit == "s" and reading.latest < SECONDS_FROM


def cannot_stand_together(written: set[str]) -> bool:
    """Return whether files were read in ways of which one must be wrong: days beside seconds."""
    return "excel" in written and len(written) > 1


def labels_of(raw_file: RawFile) -> list[str]:
    """Return what the files are called for people: by their names, or by their place in the folder.

    Files of one name in several folders are called by the folders too.
    """
    parts = parts_of(raw_file.path)
    if len({part.name for part in parts}) == len(parts):
        return [part.name for part in parts]
    common = Path(commonpath([part.parent for part in parts]))
    return [str(part.relative_to(common)) for part in parts]


def last_row(piece: Piece) -> int:
    """Return the last row of its file that a piece has seen."""
    last = pc.max(piece.interactions["source_row"]).as_py() or 0
    return max(last, pc.max(piece.rejected["line_number"]).as_py() or 0)


def shifted(piece: Piece, by: Reached) -> Piece:
    """Return a piece with its rows, and times that are positions, further on in the log.

    The line numbers of rejected rows stay those of their own file.
    """
    table = piece.interactions
    moves = {"source_row": by.rows}
    if piece.timestamp_unit == "order":
        moves["timestamp"] = by.positions
    for name, move in moves.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(place), pc.add(table[name], move))
    return piece._replace(interactions=table)
