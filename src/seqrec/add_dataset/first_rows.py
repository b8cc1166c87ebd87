"""The beginning of a raw log, for a person to see before anything is made of it."""

from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from seqrec.add_dataset.column_guesses import OTHER_DATE
from seqrec.errors import SeqrecError
from seqrec.parameters.sections import IngestionOptions, RawFileOptions
from seqrec.preparation.ingestion import RawFile, Tally
from seqrec.readers import find_reader
from seqrec.readers.parts.lines import NOT_UTF8

SHOWN_ROWS = 3
HOPELESS_SHARE = 0.1
"""More broken rows than this at the beginning, and columns or reader are the wrong ones."""
PER_SECOND = {"s": 1, "ms": 1000}


class FirstRows(NamedTuple):
    """The beginning of a log, as it would be read."""

    rows: list[tuple[str, str, str]]
    """user, item, and the timestamp as a date, of the first rows."""
    rejected_share: float
    """Of the first piece of the file, some megabytes of it."""
    reason: str
    """Why most of the rejected rows cannot be read."""


def first_rows(file: Path, options: RawFileOptions) -> FirstRows:
    """Return the first rows of a log as its reader sees them.

    Args:
        file: the raw log.
        options: how it is read.

    Raises:
        SeqrecError: it cannot be read, or most of its beginning cannot.
    """
    tally = Tally(RawFile(file, options), IngestionOptions())
    pieces = tally.counted(islice(find_reader(options.reader)(file, options), 1))
    rows = [row for piece in pieces for row in _rows(piece)]
    read = tally.accepted + tally.broken_lines
    share = tally.broken_lines / read if read else 0.0
    (reason, _), *_ = tally.reasons().most_common(1) or [("", 0)]
    if not rows or share > HOPELESS_SHARE:
        raise SeqrecError(_hopeless(file, share, reason, tally))
    moments = [_moment(row["timestamp"], tally.timestamp_unit) for row in rows]
    shown = [
        (row["user_id"], row["item_id"], when) for row, when in zip(rows, moments, strict=True)
    ]
    return FirstRows(shown, share, reason)


def _hopeless(file: Path, share: float, reason: str, tally: Tally) -> str:
    if not share:
        return f"{file} holds no interactions; is it the right file?"
    return (
        f"{file}: {share:.1%} of its beginning cannot be read, mostly '{reason}'; "
        f"{_remedy(reason, tally)}"
    )


def _remedy(reason: str, tally: Tally) -> str:
    """Return what can be done about rows that cannot be read for one reason."""
    if reason == NOT_UTF8:
        return "save it as UTF-8"
    place = tally.column("reason").index(reason).as_py()
    row = tally.column("text")[place].as_py()
    if reason.startswith("timestamp") and OTHER_DATE.search(row):
        return "write dates as 2024-01-13"
    return "name other columns (--user, --item, --timestamp, --rating), or another --reader"


def _rows(interactions: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = interactions.slice(0, SHOWN_ROWS).to_pylist()
    return found


def _moment(timestamp: int, unit: str) -> str:
    """Return a timestamp for people."""
    if unit == "order":
        return "in the order of the file"
    try:
        moment = datetime.fromtimestamp(timestamp / PER_SECOND[unit], UTC)
    except (OverflowError, ValueError, OSError):
        return f"{timestamp} (no date)"
    return moment.isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
