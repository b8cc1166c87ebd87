"""Dates as programs write them that do not write ISO 8601: spreadsheets, ctime, web servers.

A pattern is guessed only where it is the only one that reads the first dates of a log. Which of
two numbers is the month, nobody knows: where no number is above 12, the user is asked.
"""

from collections.abc import Callable
from itertools import product

import pyarrow as pa
import pyarrow.compute as pc

from seqrec.errors import SeqrecError

TRIED = 2_000
"""So many different dates decide on the pattern."""
MOST = 0.9
"""The share of them that it has to read."""
DAYS = (
    "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%Y", "%d.%m.%y", "%Y/%m/%d", "%Y.%m.%d",
    "%d-%m-%Y", "%m-%d-%Y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y",
)  # fmt: skip
TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
WHOLE = (
    "%a %b %d %H:%M:%S %Y",  # ctime
    "%a %b %d %H:%M:%S %z %Y",
    "%a, %d %b %Y %H:%M:%S %z",  # mail
    "%a, %d %b %Y %H:%M:%S %Z",
    "%d/%b/%Y:%H:%M:%S %z",  # web servers
    "%b %d %Y %H:%M:%S",
    "%b %d %Y %I:%M%p",
)
PATTERNS = (*(day + time for day, time in product(DAYS, TIMES)), *WHOLE)


def find_pattern(column: pa.Array) -> str | None:
    """Return the pattern that reads the dates of a string column, or None.

    Raises:
        SeqrecError: two patterns read them, and differ.
    """
    texts = pc.unique(column).slice(0, TRIED)
    read = {pattern: _read(texts, pattern) for pattern in PATTERNS}
    least = MOST * len(texts)
    fit = {
        pattern: instants
        for pattern, instants in read.items()
        if len(texts) - instants.null_count >= least
    }
    if not fit:
        return None
    best, *others = sorted(fit, key=lambda pattern: fit[pattern].null_count)
    for other in others:
        if fit[other].null_count == fit[best].null_count and not fit[other].equals(fit[best]):
            raise SeqrecError(
                f"timestamps such as '{texts[0]}' can be read in two ways; say which is meant, "
                f"raw.timestamp_format='{best}' or '{other}'"
            )
    return best


def read_pattern(pattern: str) -> Callable[[pa.Array], pa.Array]:
    """Return what reads a string column by a pattern, as microseconds since 1970, UTC."""
    return lambda column: _read(column, pattern)


def _read(column: pa.Array, pattern: str) -> pa.Array:
    import pandas as pd

    texts = pd.Series(column.to_pylist(), dtype=object).str.strip()
    instants = pd.to_datetime(texts, format=pattern, errors="coerce", utc=True)
    numbers = instants.to_numpy(dtype="datetime64[us]")
    return pa.array(numbers).cast(pa.int64())
