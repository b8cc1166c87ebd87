"""How a format writes its timestamps, and in which unit they come out."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.readers.values import days, instants, integers

SAMPLE = 10_000
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
    """Return the clock a string column was written by, judged by its first values.

    Numbers are told by their size: seconds, milliseconds, and micro- or nanoseconds, which
    become milliseconds. Dates become seconds, or milliseconds where they have fractions.
    """
    sample = pc.drop_null(column.slice(0, SAMPLE))
    numbers = pc.drop_null(integers(sample))
    if 2 * len(numbers) >= len(sample):
        return number_clock(numbers)
    if pc.any(pc.match_substring(sample, ".")).as_py():
        return INSTANTS_IN_MILLISECONDS
    return INSTANTS


def number_clock(numbers: pa.Array, read: Callable[..., pa.Array] = integers) -> Clock:
    """Return the clock of a log whose timestamps are numbers of this size.

    Args:
        numbers: int64, the first timestamps.
        read: how a column becomes int64.
    """
    size = float(np.median(np.abs(numbers.to_numpy()))) if len(numbers) else 0.0
    if size < MILLISECONDS_FROM:
        return Clock("s", read, "a number or an ISO date")
    finer = [divisor for divisor in (1_000, 1_000_000) if size >= MILLISECONDS_FROM * divisor]
    return Clock("ms", divided(read, finer[-1]) if finer else read)
