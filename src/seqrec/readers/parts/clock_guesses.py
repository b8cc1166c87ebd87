"""Which clock a log was written by, judged by its first rows; what cannot be right is refused."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.readers.parts.clocks import (
    DIVISORS,
    INSTANTS,
    INSTANTS_IN_MILLISECONDS,
    MILLISECONDS_FROM,
    Clock,
    clock_of_patterns,
    clock_of_unit,
    cut_dates,
    cut_numbers,
    divided,
    fraction_clock,
    has_fractions,
    in_milliseconds,
    instant_clock,
    read_thousandths,
    stored_integers,
)
from seqrec.readers.parts.dates import find_pattern
from seqrec.readers.parts.packed import find_digits, packed_instants
from seqrec.readers.parts.values import (
    any_fractions,
    any_integers,
    instants,
    without_zone_name,
)

SAMPLE = 10_000
GUESSED = "a number or an ISO date"
SECONDS_FROM = 10**8
"""1973; what is smaller may be no instant but a count."""
EXCEL_1970, EXCEL_2120 = 25_569, 80_354
"""Days since the end of 1899."""
LOST = (64, 128, 256)
"""Steps between the seconds of today that float32 can hold."""


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
    if unit == "mixed" and not plain:
        return in_milliseconds(instant_clock(kind, place))
    if (unit and not plain) or (pattern and not pa.types.is_string(kind)):
        said = f"raw.timestamp_unit={unit}" if unit else f"raw.timestamp_format='{pattern}'"
        raise SeqrecError(
            f"{place} holds {kind}, which says itself what it means; leave out {said}"
        )
    if unit:
        return clock_of_unit(unit, column)
    if pattern:
        return clock_of_patterns(*pattern.split(";"))
    if plain:
        refuse_lost_seconds(column, place)
        return guess_clock(column) if pa.types.is_string(kind) else number_clock(column)
    return instant_clock(kind, place)


def order_clock(column: pa.Array, place: str) -> Clock:
    """Return the clock of a second column for the order: numbers as they are, instants in full.

    Of whole numbers nothing is cut off: those beyond 10 ** 14, such as those that count events of
    many machines, differ in their last digits alone.

    Raises:
        SeqrecError: the column holds something else, or dates that can be read in two ways.
    """
    kind = column.type
    if pa.types.is_timestamp(kind):
        return Clock(kind.unit, stored_integers, "an instant")
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    numbers = pc.drop_null(any_integers(column)) if number or pa.types.is_string(kind) else []
    if number or 2 * len(numbers) >= len(column):
        if has_fractions(column):
            return fraction_clock(column)
        return Clock("whole numbers", any_integers, cut=cut_numbers)
    clock = find_clock(column, place)
    iso = (INSTANTS.read, INSTANTS_IN_MILLISECONDS.read)
    return clock if clock.read not in iso else Clock("us", instants)


def guess_clock(column: pa.Array) -> Clock:
    """Return the clock a string column was written by, judged by the first block of a log.

    Numbers are calendar dates if every one of them is such a date (20190131, or with hours,
    minutes and seconds behind it), and otherwise told by their size: seconds, milliseconds, and
    micro- or nanoseconds, which become milliseconds. Seconds with fractions become milliseconds,
    as dates with fractions do; other dates become seconds, and the fractions that later blocks
    have are cut off and counted. Interactions of the same millisecond stay in the order of the
    file.

    Raises:
        SeqrecError: dates that can be read in two ways, or numbers that lost their seconds.
    """
    sample = pc.drop_null(column.slice(0, SAMPLE))
    numbers = pc.drop_null(any_integers(sample))
    if 2 * len(numbers) >= len(sample):
        return number_clock(column)
    dates = without_zone_name(sample)
    if pc.count(instants(dates)).as_py() == 0 and (patterns := find_pattern(sample)):
        return clock_of_patterns(*patterns, guessed=True)
    finer = pc.any(pc.match_substring_regex(dates, "[.,]")).as_py()
    if finer or ((fractions := cut_dates(column)) is not None and pc.any(fractions).as_py()):
        return INSTANTS_IN_MILLISECONDS._replace(kind=GUESSED, guessed=True)
    return INSTANTS._replace(kind=GUESSED, guessed=True, cut=cut_dates)


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
    return Clock("s", any_integers, GUESSED, "s", True, (0, 0, MILLISECONDS_FROM), cut_numbers)


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
    """Return whether any number is such as 1.5008e+09, whose last digits are gone."""
    short = pc.match_substring_regex(column, r"^[0-9](\.[0-9]{0,7})?[eE]\+?[0-9]+$")
    return bool(pc.any(short).as_py())
