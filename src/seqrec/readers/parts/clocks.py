"""How a format writes its timestamps, and in which unit they come out."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.errors import SeqrecError
from seqrec.parameters.sections import RawFileOptions
from seqrec.readers.parts.dates import find_pattern, read_pattern
from seqrec.readers.parts.packed import find_digits, packed_instants
from seqrec.readers.parts.pieces import TimesRead
from seqrec.readers.parts.values import (
    any_fractions,
    any_integers,
    days,
    instants,
    without_zone_name,
)

SAMPLE = 10_000
GUESSED = "a number or an ISO date"
MILLISECONDS_FROM = 10**11
"""Seconds reach this in the year 5138, milliseconds reached it in 1973."""
SECONDS_FROM = 10**8
"""1973; what is smaller may be no instant but a count."""
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
DIVISORS = {"ms": 1, "us": 1_000, "ns": 1_000_000}
"""How many of a unit are a millisecond."""
EXCEL_EPOCH, EXCEL_1970, EXCEL_2120 = 25_569, 25_569, 80_354
"""Days since the end of 1899."""
LOST = (64, 128, 256)
"""Steps between the seconds of today that float32 can hold."""


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


def thousandths(seconds: pa.Array) -> pa.Array:
    """Return seconds, double, as whole milliseconds, null beyond what int64 holds."""
    rounded = pc.round(pc.multiply(seconds, 1_000.0))
    inside = pc.less(pc.abs(rounded), float(2**63))
    return pc.cast(pc.if_else(inside, rounded, None), pa.int64(), safe=False)


def read_thousandths(column: pa.Array) -> pa.Array:
    """Return a column of seconds with fractions as milliseconds."""
    return thousandths(any_fractions(column))


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
    return thousandths(pc.multiply(since_1970, 86_400.0))


SECONDS = Clock("s", any_integers)
MILLISECONDS = Clock("ms", any_integers)
CALENDAR_DAYS = Clock("s", days, "a date", "date")
INSTANTS = Clock("s", divided(instants, 1_000_000), "a date", "date")
INSTANTS_IN_MILLISECONDS = Clock("ms", divided(instants, 1_000), "a date", "date")


def find_clock(column: pa.Array, place: str, options: RawFileOptions | None = None) -> Clock:
    """Return the clock for a column of timestamps, dates, numbers or text.

    Args:
        column: the first timestamps of a log; no dictionary.
        place: the column and its file, for messages.
        options: may say how they are written.

    Raises:
        SeqrecError: the column holds something else, has lost its seconds, or can be read in two
            ways.
    """
    kind = column.type
    plain = pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)
    unit, pattern = (options.timestamp_unit, options.timestamp_format) if options else (None, None)
    if (unit and not plain) or (pattern and not pa.types.is_string(kind)):
        said = f"raw.timestamp_unit={unit}" if unit else f"raw.timestamp_format='{pattern}'"
        raise SeqrecError(
            f"{place} holds {kind}, which says itself what it means; leave out {said}"
        )
    if unit:
        return clock_of_unit(unit, column)
    if pattern:
        return clock_of_pattern(pattern)
    if plain:
        refuse_lost_seconds(column, place)
        return guess_clock(column) if pa.types.is_string(kind) else number_clock(column)
    return instant_clock(kind, place)


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


def stored_integers(column: pa.Array) -> pa.Array:
    """Return instants as the integers they are stored as."""
    return column.cast(pa.int64())


def clock_of_unit(unit: str, column: pa.Array) -> Clock:
    """Return the clock of a unit that the user names.

    Args:
        unit: s, ms, us, ns, ``mixed`` (each number by its size) or ``excel`` (days).
        column: the first timestamps; seconds with fractions become milliseconds.
    """
    if unit == "mixed":
        return Clock("ms", read_by_size, written="mixed")
    if unit == "excel":
        return Clock("ms", read_excel, written="excel")
    if unit == "s":
        return Clock("ms", read_thousandths, written="s") if has_fractions(column) else SECONDS
    divisor = DIVISORS[unit]
    return Clock(
        "ms", divided(any_integers, divisor) if divisor > 1 else any_integers, written=unit
    )


def clock_of_pattern(pattern: str, guessed: bool = False) -> Clock:
    """Return the clock of dates written by a pattern of ``strptime``."""
    unit = "ms" if "%f" in pattern else "s"
    read = divided(read_pattern(pattern), 1_000 if unit == "ms" else 1_000_000)
    return Clock(unit, read, f"a date such as {pattern}", "date", guessed)


def guess_clock(column: pa.Array) -> Clock:
    """Return the clock a string column was written by, judged by the first block of a log.

    Numbers are calendar dates if every one of them is such a date (20190131, or with hours,
    minutes and seconds behind it), and otherwise told by their size: seconds, milliseconds, and
    micro- or nanoseconds, which become milliseconds. Seconds with fractions become milliseconds,
    as dates with fractions do; other dates become seconds. Interactions of the same millisecond
    stay in the order of the file.

    Raises:
        SeqrecError: dates that can be read in two ways, or numbers that lost their seconds.
    """
    sample = pc.drop_null(column.slice(0, SAMPLE))
    numbers = pc.drop_null(any_integers(sample))
    if 2 * len(numbers) >= len(sample):
        return number_clock(column)
    dates = without_zone_name(sample)
    if pc.count(instants(dates)).as_py() == 0 and (pattern := find_pattern(sample)):
        return clock_of_pattern(pattern, guessed=True)
    finer = pc.any(pc.match_substring_regex(dates, "[.,]")).as_py()
    clock = INSTANTS_IN_MILLISECONDS if finer else INSTANTS
    return clock._replace(kind=GUESSED, guessed=True)


def number_clock(column: pa.Array) -> Clock:
    """Return the clock of a log whose timestamps are numbers, judged by its first block."""
    numbers = pc.drop_null(any_integers(column))
    if digits := find_digits(numbers):
        return Clock(
            digits.unit,
            lambda times: packed_instants(any_integers(times), digits),
            f"a date such as {digits.example}",
            digits.name,
            guessed=True,
        )
    size = float(np.median(np.abs(numbers.slice(0, SAMPLE).to_numpy()))) if len(numbers) else 0.0
    if size >= MILLISECONDS_FROM:
        return _fine_clock(size)
    if EXCEL_1970 <= size < EXCEL_2120 and _look_like_days(column):
        return clock_of_unit("excel", column)._replace(kind=GUESSED, guessed=True)
    if has_fractions(column):
        # 10 ** 14 is where milliseconds, times a thousand, would be
        own = (0, 0, MILLISECONDS_FROM * 1_000)
        return Clock("ms", read_thousandths, GUESSED, "s", True, own)
    return Clock("s", any_integers, GUESSED, "s", True, (0, 0, MILLISECONDS_FROM))


def _fine_clock(size: float) -> Clock:
    """Return the clock of numbers finer than seconds, by their usual size."""
    fits = [(divisor, unit) for unit, divisor in DIVISORS.items()]
    divisor, unit = max(pair for pair in fits if size >= MILLISECONDS_FROM * pair[0])
    # What was coarser before the division lies below, what was finer above.
    own = (max(SECONDS_FROM // divisor, 1), MILLISECONDS_FROM, MILLISECONDS_FROM * 1_000)
    read = divided(any_integers, divisor) if divisor > 1 else any_integers
    return Clock("ms", read, GUESSED, unit, True, own)


def _look_like_days(column: pa.Array) -> bool:
    """Return whether numbers are days with the hour as a fraction, all of 1970 to 2120."""
    numbers = pc.drop_null(any_fractions(column))
    bounds = pc.min_max(numbers)
    inside = bounds["min"].as_py() >= EXCEL_1970 and bounds["max"].as_py() < EXCEL_2120
    return bool(inside and has_fractions(column))


def has_fractions(column: pa.Array) -> bool:
    """Return whether any number is not whole."""
    numbers = any_fractions(column)
    return bool(pc.any(pc.not_equal(numbers, pc.floor(numbers))).as_py())


def refuse_lost_seconds(column: pa.Array, place: str) -> None:
    """Raise where the timestamps went through float32, which cannot hold today's seconds.

    Args:
        column: the first timestamps, text or numbers.
        place: the column and its file, for the message.
    """
    kind = column.type
    coarse = pa.types.is_float32(kind) or pa.types.is_float16(kind)
    if not coarse and not pa.types.is_string(kind):
        return
    numbers = pc.drop_null(any_fractions(column.slice(0, SAMPLE)))
    sizes = np.abs(numbers.to_numpy(zero_copy_only=False))
    if not len(sizes) or np.median(sizes) < SECONDS_FROM:
        return
    if coarse or _in_steps_of_float32(sizes) or _short_exponents(column.slice(0, SAMPLE)):
        raise SeqrecError(
            f"{place}: the timestamps have lost their seconds (float32 or a rounded exponent); "
            "write them as whole numbers or float64"
        )


def _in_steps_of_float32(sizes: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
    """Return whether many different numbers have a step of float32 between them, and no other."""
    whole = np.unique(sizes[sizes < MILLISECONDS_FROM])
    if len(whole) < 20 or (whole != np.floor(whole)).any():
        return False
    return int(np.gcd.reduce(whole.astype(np.int64))) in LOST


def _short_exponents(column: pa.Array) -> bool:
    """Return whether most numbers are such as 1.5008e+09, whose last digits are gone."""
    short = pc.match_substring_regex(column, r"^[0-9](\.[0-9]{0,7})?[eE]\+?[0-9]+$")
    return (pc.mean(short).as_py() or 0.0) > 0.5
