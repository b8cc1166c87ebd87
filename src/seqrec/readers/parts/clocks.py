"""How timestamps are written, and in which unit they come out; guesses are in clock_guesses.py."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.errors import SeqrecError
from seqrec.readers.parts.dates import read_patterns
from seqrec.readers.parts.pieces import TimesRead
from seqrec.readers.parts.values import (
    DECIMAL,
    any_fractions,
    any_integers,
    days,
    instants,
    text_bytes,
)

MILLISECONDS_FROM = 10**11
"""Seconds reach this in the year 5138, milliseconds reached it in 1973."""
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
DIVISORS = {"ms": 1, "us": 1_000, "ns": 1_000_000}
"""How many of a unit are a millisecond."""
LARGE_ORDER = 1e12
"""From here on an order with fractions is kept to a thousandth: int64 has room for no more."""
EXCEL_EPOCH = 25_569
"""Days from the end of 1899 to 1970."""


class Clock(NamedTuple):
    """A way of writing timestamps."""

    unit: str
    """'s' or 'ms'."""
    read: Callable[..., pa.Array]
    """One column (three for calendar days) to int64, null where it is no timestamp."""
    kind: str = "a number"
    """What a timestamp has to be, for people."""
    written: str = ""
    """The log's own unit; that of ``unit`` where empty."""
    guessed: bool = False
    own: tuple[int, int, int] | None = None
    """Of what was read, the numbers from the first to below the second, and from the third on,
    are in another unit."""
    cut: Callable[[pa.Array], pa.Array | None] | None = None
    """Which timestamps of a column have a fraction that is cut off, as those that the clock was
    found by have none; None: none has."""

    @property
    def times(self) -> TimesRead:
        """How the log's timestamps are read, for the report."""
        return TimesRead(self.written or self.unit, self.guessed)

    def other_unit(self, numbers: pa.Array) -> pa.Array | None:
        """Return which of the numbers that were read are in another unit, None: none is."""
        if self.own is None or not len(numbers):
            return None
        low, first, last = self.own
        bounds = pc.min_max(numbers)
        least, most = bounds["min"].as_py(), bounds["max"].as_py()
        if least is None or (least >= first and most < last):
            return None
        below = pc.and_(pc.greater_equal(numbers, low), pc.less(numbers, first))
        other = pc.fill_null(pc.or_(below, pc.greater_equal(numbers, last)), False)
        return other if pc.any(other).as_py() else None


def divided(read: Callable[..., pa.Array], divisor: int) -> Callable[..., pa.Array]:
    """Return the reading function with its result divided, rounded down."""

    def read_and_divide(*columns: pa.Array) -> pa.Array:
        return floor_divide(read(*columns), divisor)

    return read_and_divide


def floor_divide(numbers: pa.Array, divisor: int) -> pa.Array:
    """Return int64 numbers divided and rounded down; Arrow's own division rounds to zero."""
    quotients = np.floor_divide(pc.fill_null(numbers, 0).to_numpy(zero_copy_only=False), divisor)
    return pa.array(quotients, pa.int64(), mask=pc.is_null(numbers).to_numpy(zero_copy_only=False))


def in_parts(numbers: pa.Array, parts: float = 1_000.0) -> pa.Array:
    """Return numbers, double, as whole parts of one, null beyond what int64 holds."""
    rounded = pc.round(pc.multiply(numbers, parts))
    inside = pc.less(pc.abs(rounded), float(2**63))
    return pc.cast(pc.if_else(inside, rounded, None), pa.int64(), safe=False)


def read_thousandths(column: pa.Array) -> pa.Array:
    """Return a column of seconds with fractions as milliseconds."""
    return in_parts(any_fractions(column))


def fraction_clock(column: pa.Array) -> Clock:
    """Return the clock of numbers that are no instants, some of them with a fraction.

    They are kept to a millionth, as seconds with microseconds have it; numbers too large for that
    to a thousandth. What is finer is counted as cut off.
    """
    largest = pc.max(pc.abs(any_fractions(column))).as_py()
    name, parts = ("millionths", 1e6) if largest < LARGE_ORDER else ("thousandths", 1e3)
    return Clock(
        name,
        lambda numbers: in_parts(any_fractions(numbers), parts),
        cut=lambda numbers: _finer_than(any_fractions(numbers), parts),
    )


def _finer_than(numbers: pa.Array, parts: float) -> pa.Array:
    """Return which numbers have more digits than such parts, but for what a double leaves."""
    scaled = pc.multiply(numbers, parts)
    rest = pc.abs(pc.subtract(scaled, pc.round(scaled)))
    rounding = pc.max_element_wise(pc.multiply(pc.abs(scaled), 2.0**-52), 1e-3)
    return pc.fill_null(pc.greater(rest, rounding), False)


def read_mixed(column: pa.Array) -> pa.Array:
    """Return a column of numbers, each by its size, and ISO dates as milliseconds."""
    if not pa.types.is_string(column.type):
        return read_by_size(column)
    numbers = pc.fill_null(pc.match_substring_regex(column, rf"^\s*{DECIMAL.pattern}\s*$"), True)
    if pc.all(numbers).as_py():
        return read_by_size(column)
    dates = pc.invert(numbers)
    read = INSTANTS_IN_MILLISECONDS.read(column.filter(dates))
    return pc.replace_with_mask(read_by_size(pc.if_else(numbers, column, None)), dates, read)


def read_by_size(column: pa.Array) -> pa.Array:
    """Return a column of seconds, milli-, micro- and nanoseconds, each by its size, as ms."""
    whole = any_integers(column)
    numbers = pc.fill_null(whole, 0).to_numpy(zero_copy_only=False)
    size = np.abs(numbers)
    finer = np.select(
        [size >= MILLISECONDS_FROM * 10**6, size >= MILLISECONDS_FROM * 10**3],
        [numbers // 10**6, numbers // 10**3],
        numbers,
    )
    seconds = pc.fill_null(read_thousandths(column), 0).to_numpy(zero_copy_only=False)
    milliseconds = np.where(size < MILLISECONDS_FROM, seconds, finer)
    return pa.array(milliseconds, mask=pc.is_null(whole).to_numpy(zero_copy_only=False))


def read_excel(column: pa.Array) -> pa.Array:
    """Return a column of days since the end of 1899, as spreadsheets count, as milliseconds."""
    since_1970 = pc.subtract(any_fractions(column), float(EXCEL_EPOCH))
    return in_parts(pc.multiply(since_1970, 86_400.0))


SECONDS = Clock("s", any_integers)
MILLISECONDS = Clock("ms", any_integers)
CALENDAR_DAYS = Clock("s", days, "a date", "date")
INSTANTS = Clock("s", divided(instants, 1_000_000), "a date", "date")
INSTANTS_IN_MILLISECONDS = Clock("ms", divided(instants, 1_000), "a date", "date")


def instant_clock(kind: pa.DataType, place: str) -> Clock:
    """Return the clock of a type of Arrow's that stands for instants."""
    if pa.types.is_timestamp(kind):
        unit = "s" if kind.unit == "s" else "ms"
        divisor = PER_SECOND[kind.unit] // PER_SECOND[unit]
        return Clock(unit, divided(stored_integers, divisor), "an instant", "date")
    if pa.types.is_date(kind):
        read = lambda dates: stored_integers(dates.cast(pa.timestamp("s")))  # noqa: E731
        return Clock("s", read, "a date", "date")
    raise SeqrecError(
        f"{place} holds {kind}, no timestamps; write it as integers, timestamps or ISO text"
    )


def in_milliseconds(clock: Clock) -> Clock:
    """Return the clock of instants as one of ``mixed``, whatever others are: in milliseconds."""
    read = clock.read if clock.unit == "ms" else lambda times: pc.multiply(clock.read(times), 1_000)
    return clock._replace(unit="ms", read=read, written="mixed")


def stored_integers(column: pa.Array) -> pa.Array:
    """Return instants as the integers they are stored as."""
    return column.cast(pa.int64())


def clock_of_unit(unit: str, column: pa.Array) -> Clock:
    """Return the clock of a unit that the user names.

    Args:
        unit: s, ms, us, ns, ``mixed`` (numbers each by its size, ISO dates) or ``excel`` (days).
        column: the first timestamps; seconds with fractions become milliseconds.
    """
    if unit == "mixed":
        return Clock("ms", read_mixed, "a number or an ISO date", written="mixed")
    if unit == "excel":
        return Clock("ms", read_excel, written="excel")
    if unit == "s":
        whole = SECONDS._replace(cut=cut_numbers)
        return Clock("ms", read_thousandths, written="s") if has_fractions(column) else whole
    divisor = DIVISORS[unit]
    return Clock(
        "ms", divided(any_integers, divisor) if divisor > 1 else any_integers, written=unit
    )


def clock_of_patterns(*patterns: str, guessed: bool = False) -> Clock:
    """Return the clock of dates written by patterns of ``strptime``, the first that fits."""
    unit = "ms" if any("%f" in pattern for pattern in patterns) else "s"
    read = divided(read_patterns(patterns), 1_000 if unit == "ms" else 1_000_000)
    told = patterns[:1] if guessed else patterns
    return Clock(unit, read, f"a date such as {' or '.join(told)}", "date", guessed)


def has_fractions(column: pa.Array) -> bool:
    """Return whether any number is not whole."""
    fractional = cut_numbers(column)
    return fractional is not None and bool(pc.any(fractional).as_py())


def cut_numbers(column: pa.Array) -> pa.Array | None:
    """Return which numbers are not whole, None where all are."""
    kind = column.type
    if pa.types.is_integer(kind) or (pa.types.is_string(kind) and not _has_any(column, ".eE")):
        return None
    numbers = any_fractions(column)
    return pc.fill_null(pc.not_equal(numbers, pc.floor(numbers)), False)


def cut_dates(column: pa.Array) -> pa.Array | None:
    """Return which ISO dates have a fraction of a second that is not zero, None where none has."""
    if not _has_any(column, ".,"):
        return None
    marked = pc.fill_null(pc.match_substring_regex(column, "[.,]"), False)
    finer = instants(column.filter(marked))
    parts = pc.subtract(finer, pc.multiply(floor_divide(finer, 1_000_000), 1_000_000))
    fractional = pc.fill_null(pc.not_equal(parts, 0), False)
    return pc.replace_with_mask(pc.and_(marked, False), marked, fractional)


def _has_any(column: pa.Array, characters: str) -> bool:
    """Return whether one of the characters, ASCII, stands in any text of a column."""
    data = text_bytes(column)
    return any(bool((data == ord(character)).any()) for character in characters)
