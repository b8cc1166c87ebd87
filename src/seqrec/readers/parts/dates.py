"""Dates as programs write them that do not write ISO 8601: spreadsheets, ctime, web servers.

A pattern is guessed only where it is the only one that reads the first dates of a log. Which of
two numbers is the month, nobody knows: where no number is above 12, the user is asked.
"""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from seqrec.errors import SeqrecError

TRIED = 2_000
"""So many different dates decide on the pattern."""
MOST = 0.9
"""The share of them that it has to read."""
DAYS = (
    *("%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%m/%d/%y", "%d/%m/%y", "%y/%m/%d"),
    *("%d.%m.%Y", "%Y.%m.%d", "%d.%m.%y", "%y.%m.%d"),
    *("%d-%m-%Y", "%m-%d-%Y", "%d-%m-%y", "%y-%m-%d"),
    *("%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y"),
)
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
FAMILIES = (*(tuple(day + time for time in TIMES) for day in DAYS), *((whole,) for whole in WHOLE))
"""Patterns that may stand side by side in one column: seconds are left out where they are zero."""


def find_pattern(column: pa.Array) -> tuple[str, ...] | None:
    """Return the patterns that read the dates of a string column, or None.

    Raises:
        SeqrecError: they can be read in two ways, and differ.
    """
    texts = pc.unique(column).slice(0, TRIED)
    read = {family: read_patterns(family)(texts) for family in FAMILIES}
    least = MOST * len(texts)
    fit = {
        family: instants
        for family, instants in read.items()
        if len(texts) - instants.null_count >= least
    }
    if not fit:
        return None
    best, *others = sorted(fit, key=lambda family: fit[family].null_count)
    for other in others:
        if fit[other].null_count == fit[best].null_count and not fit[other].equals(fit[best]):
            raise SeqrecError(
                f"timestamps such as '{texts[0]}' can be read in two ways; say which is meant, "
                f"raw.timestamp_format='{_used(best, texts)}' or '{_used(other, texts)}'"
            )
    return _all_used(best, texts)


def _used(family: tuple[str, ...], texts: pa.Array) -> str:
    """Return the pattern of a family that reads most of the texts."""
    return min(family, key=lambda pattern: _read(texts, pattern).null_count)


def _all_used(family: tuple[str, ...], texts: pa.Array) -> tuple[str, ...]:
    """Return the patterns of a family that read any of the texts."""
    return tuple(p for p in family if _read(texts, p).null_count < len(texts))


def read_patterns(patterns: tuple[str, ...]) -> Callable[[pa.Array], pa.Array]:
    """Return what reads a string column by patterns, as microseconds since 1970, UTC."""

    def read(column: pa.Array) -> pa.Array:
        instants = pa.nulls(len(column), pa.int64())
        for pattern in patterns:
            left = pc.and_(pc.is_null(instants), pc.is_valid(column))
            if not pc.any(left).as_py():
                break
            instants = pc.replace_with_mask(instants, left, _read(column.filter(left), pattern))
        return instants

    return read


def _read(column: pa.Array, pattern: str) -> pa.Array:
    import pandas as pd

    texts = pd.Series(column.to_pylist(), dtype=object).str.strip()
    instants = pd.to_datetime(texts, format=pattern, errors="coerce", utc=True)
    numbers = instants.to_numpy(dtype="datetime64[us]")
    return pa.array(numbers).cast(pa.int64())
