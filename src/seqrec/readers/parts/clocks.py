"""How a format writes its timestamps, and in which unit they come out."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.readers.parts.values import days, fractions, instants, integers, packed_days

SAMPLE = 10_000
GUESSED = "a number or an ISO date"
FIRST_DAY, LAST_DAY = 19_000_101, 21_001_231
MILLISECONDS_FROM = 10**11
"""Seconds reach this in the year 5138, milliseconds reached it in 1973."""


class Clock(NamedTuple):
    """A way of writing timestamps."""

    unit: str
    """'s' or 'ms'."""
    read: Callable[..., pa.Array]
    """One string column (three for calendar days) to int64, null where it is no timestamp."""
    kind: str = "a number"
    """What a timestamp has to be, for people."""


def divided(read: Callable[..., pa.Array], divisor: int) -> Callable[..., pa.Array]:
    """Return the reading function with its result divided, rounded down."""

    def read_and_divide(*columns: pa.Array) -> pa.Array:
        return floor_divide(read(*columns), divisor)

    return read_and_divide


def floor_divide(numbers: pa.Array, divisor: int) -> pa.Array:
    """Return int64 numbers divided and rounded down; Arrow's own division rounds to zero."""
    quotients = np.floor_divide(pc.fill_null(numbers, 0).to_numpy(zero_copy_only=False), divisor)
    return pa.array(quotients, pa.int64(), mask=pc.is_null(numbers).to_numpy(zero_copy_only=False))


SECONDS = Clock("s", integers)
MILLISECONDS = Clock("ms", integers)
CALENDAR_DAYS = Clock("s", days, "a date")
INSTANTS = Clock("s", divided(instants, 1_000_000), "a date")
INSTANTS_IN_MILLISECONDS = Clock("ms", divided(instants, 1_000), "a date")


def guess_clock(column: pa.Array) -> Clock:
    """Return the clock a string column was written by, judged by the first block of a log.

    Numbers are calendar dates if every one of them is such a date (20190131), and otherwise
    told by their size: seconds, milliseconds, and micro- or nanoseconds, which become
    milliseconds. Seconds with fractions become milliseconds, as dates with fractions do; other
    dates become seconds. Interactions of the same millisecond stay in the order of the file.
    """
    sample = pc.drop_null(column.slice(0, SAMPLE))
    numbers = pc.drop_null(integers(sample))
    if 2 * len(numbers) >= len(sample):
        return number_clock(column, integers, fractions)
    if pc.any(pc.match_substring(sample, ".")).as_py():
        return INSTANTS_IN_MILLISECONDS._replace(kind=GUESSED)
    return INSTANTS._replace(kind=GUESSED)


def number_clock(
    column: pa.Array, whole: Callable[..., pa.Array], exact: Callable[..., pa.Array]
) -> Clock:
    """Return the clock of a log whose timestamps are numbers, judged by its first block.

    Args:
        column: the timestamps of the first block.
        whole: how a column becomes int64, rounded down.
        exact: how a column becomes double.
    """
    numbers = pc.drop_null(whole(column))
    if all_calendar_dates(numbers):
        return Clock("s", lambda texts: packed_days(whole(texts)), "a date such as 20190131")
    size = float(np.median(np.abs(numbers.slice(0, SAMPLE).to_numpy()))) if len(numbers) else 0.0
    if size >= MILLISECONDS_FROM:
        finer = [divisor for divisor in (1_000, 1_000_000) if size >= MILLISECONDS_FROM * divisor]
        return Clock("ms", divided(whole, finer[-1]) if finer else whole, GUESSED)
    if has_fractions(exact(column)):
        return Clock("ms", lambda texts: thousandths(exact(texts)), GUESSED)
    return Clock("s", whole, GUESSED)


def all_calendar_dates(numbers: pa.Array) -> bool:
    """Return whether numbers are all days of 1900 to 2100 written as 20190131."""
    bounds = pc.min_max(numbers)
    first, last = bounds["min"].as_py(), bounds["max"].as_py()
    if first is None or first < FIRST_DAY or last > LAST_DAY:
        return False
    return bool(packed_days(numbers).null_count == 0)


def has_fractions(numbers: pa.Array) -> bool:
    """Return whether any number is not whole."""
    return bool(pc.any(pc.not_equal(numbers, pc.floor(numbers))).as_py())


def thousandths(seconds: pa.Array) -> pa.Array:
    """Return seconds, double, as whole milliseconds, null beyond what int64 holds."""
    rounded = pc.round(pc.multiply(seconds, 1_000.0))
    inside = pc.less(pc.abs(rounded), float(2**63))
    return pc.cast(pc.if_else(inside, rounded, None), pa.int64(), safe=False)
