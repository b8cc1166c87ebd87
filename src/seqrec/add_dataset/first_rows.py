"""The beginning of a raw log, for a person to see before anything is made of it."""

from itertools import islice
from pathlib import Path

import pyarrow as pa

from seqrec.add_dataset.column_guesses import OTHER_DATE
from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.preparation.tally import Counts, moment
from seqrec.readers import read_pieces
from seqrec.readers.parts.reasons import NOT_UTF8

SHOWN_ROWS = 3
HOPELESS_SHARE = 0.1
"""More broken rows than this at the beginning, and columns or reader are the wrong ones."""


def first_rows(file: Path, options: RawFileOptions) -> tuple[list[tuple[str, str, str]], str]:
    """Return the first rows of a log as its reader sees them.

    Args:
        file: the raw log.
        options: how it is read.

    Returns:
        User, item and date of the first rows, and a line on the rows that cannot be read, if any.

    Raises:
        SeqrecError: it cannot be read, or most of its beginning cannot.
    """
    counts, rows, rejected = Counts(), [], None
    for piece in islice(read_pieces(file, options), 1):
        counts.add(piece)
        rows, rejected = piece.interactions.slice(0, SHOWN_ROWS).to_pylist(), piece.rejected
    share = counts.broken_lines / max(counts.accepted + counts.broken_lines, 1)
    if not rows and not share:
        raise SeqrecError(f"{file} holds no interactions; is it the right file?")
    reason = next((reason for reason, _ in counts.reasons.most_common(1)), "")
    broken = f"{share:.1%} of its beginning cannot be read, mostly '{reason}'; "
    if not rows or share > HOPELESS_SHARE:
        raise SeqrecError(f"{file}: {broken}{_remedy(reason, rejected)}")
    shown = [
        (row["user_id"], row["item_id"], _moment(row["timestamp"], counts.timestamp_unit))
        for row in rows
    ]
    limit = "a run stops at more than ingestion.max_rejected_share"
    return shown, f"{broken}{limit}" if share else ""


def _remedy(reason: str, rejected: pa.Table) -> str:
    """Return what can be done about rows that cannot be read for one reason."""
    if reason == NOT_UTF8:
        return "save it as UTF-8"
    row = rejected["text"][rejected["reason"].index(reason).as_py()].as_py()
    if reason.startswith("timestamp") and OTHER_DATE.search(row):
        return "write dates as 2024-01-13"
    return "name other columns (--user, --item, --timestamp, --rating), or another --reader"


def _moment(timestamp: int, unit: str) -> str:
    """Return a timestamp for people."""
    return "in the order of the file" if unit == "order" else moment(timestamp, unit)
