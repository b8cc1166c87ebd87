"""Columns of text to numbers and instants: vectorised, value by value only where that fails.

Each column function returns null where a value cannot be read. Its scalar twin says what can
be read; a column that the fast way refuses goes through the twin.
"""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
ZONE_NAME = re.compile(" ?(UTC|GMT)$")
PLAIN_INTEGER = "^[0-9]{1,18}$"
PLAIN_DECIMAL = r"^[0-9]{1,15}(\.[0-9]{1,15})?$"
Integers = npt.NDArray[np.int64]
LIMIT = 2**63
"""int64 ends here."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEAR_ONE = -62_135_596_800_000_000
"""Microseconds; Arrow knows a year 0, the calendar does not."""


def integer(text: str) -> int | None:
    """Return the number a text holds, rounded down, or None.

    A float without a fraction is common: tables that went through a float column.
    """
    text = text.strip()
    number = int(text) if INTEGER.fullmatch(text) else decimal(text)
    if number is None or abs(number) >= LIMIT:
        return None
    return math.floor(number)


def decimal(text: str) -> float | None:
    """Return the finite number a text holds, or None."""
    text = text.strip()
    number = float(text) if DECIMAL.fullmatch(text) else math.inf
    return number if math.isfinite(number) else None


def microseconds(text: str) -> int | None:
    """Return an ISO date or instant as microseconds since 1970, UTC unless it says otherwise.

    The zone may be written as its name, ``2017-10-01 21:23:33 UTC``.
    """
    try:
        instant = datetime.fromisoformat(ZONE_NAME.sub("Z", text.strip()))
    except ValueError:
        return None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    passed = instant - EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


def any_integers(column: pa.Array) -> pa.Array:
    """Return a column of text or numbers as int64, rounded down, null where it holds none."""
    return integers(column) if pa.types.is_string(column.type) else whole_numbers(column)


def any_fractions(column: pa.Array) -> pa.Array:
    """Return a column of text or numbers as double, null where it holds no finite one."""
    return fractions(column) if pa.types.is_string(column.type) else finite_numbers(column)


def whole_numbers(column: pa.Array) -> pa.Array:
    """Return numbers as int64, rounded down, null where it cannot hold them."""
    if pa.types.is_floating(column.type):
        numbers = pc.floor(column.cast(pa.float64()))
        column = pc.if_else(pc.less(pc.abs(numbers), float(LIMIT)), numbers, None)
    elif pa.types.is_uint64(column.type):
        column = pc.if_else(pc.less(column, pa.scalar(LIMIT, pa.uint64())), column, None)
    elif pa.types.is_decimal(column.type):
        return whole_numbers(column.cast(pa.float64(), safe=False))
    return column.cast(pa.int64(), safe=False)


def finite_numbers(column: pa.Array) -> pa.Array:
    """Return numbers as double, null where they are not finite."""
    numbers = column.cast(pa.float64(), safe=False)
    return pc.if_else(pc.is_finite(numbers), numbers, None)


def integers(column: pa.Array) -> pa.Array:
    """Return a string column as int64, null where it holds no number."""
    if only_digits(column):
        return pc.cast(column, pa.int64())
    values = decimals(column)
    if values is not None:
        return values
    return with_exceptions(column, PLAIN_INTEGER, integer, pa.int64())


def only_digits(column: pa.Array) -> bool:
    """Return whether every text is one to 18 of the digits 0-9, so that a cast cannot err.

    Arrow's own cast also takes hexadecimal numbers, which no log means.
    """
    lengths = pc.min_max(pc.binary_length(column))
    shortest, longest = lengths["min"].as_py(), lengths["max"].as_py()
    if shortest is None or column.null_count or not 1 <= shortest <= longest <= 18:
        return False
    characters = text_bytes(column)
    return bool(((characters >= ord("0")) & (characters <= ord("9"))).all())


def text_bytes(column: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """Return the bytes of all texts of a string column, one behind the other."""
    _, offsets, data = column.buffers()
    if data is None:
        return np.empty(0, np.uint8)
    bounds = np.frombuffer(offsets, np.int32)[column.offset :]
    return np.frombuffer(data, np.uint8)[bounds[0] : bounds[len(column)]]


def decimals(column: pa.Array) -> pa.Array | None:
    """Return a string column of decimal numbers as int64, rounded down; None if it is not one."""
    try:
        numbers = pc.cast(column, pa.float64())
    except pa.ArrowInvalid:
        return None
    # Beyond 2 ** 53 a float has lost digits that an integer text may have.
    exact = pc.all(pc.less(pc.abs(numbers), 2.0**53)).as_py()
    return pc.cast(pc.floor(numbers), pa.int64()) if exact and not column.null_count else None


def fractions(column: pa.Array) -> pa.Array:
    """Return the numbers of a string column as double, null where it holds none."""
    numbers = floats(column)
    return pc.if_else(pc.is_finite(numbers), numbers, None)


def floats(column: pa.Array) -> pa.Array:
    """Return a string column as double: null where it is empty, NaN where it is no number."""
    filled = pc.if_else(pc.equal(pc.binary_length(column), 0), None, column)
    try:
        return pc.cast(filled, pa.float64())
    except pa.ArrowInvalid:
        return with_exceptions(filled, PLAIN_DECIMAL, decimal_or_nan, pa.float64())


def decimal_or_nan(text: str) -> float:
    """Return the number a text holds, or NaN."""
    number = decimal(text)
    return math.nan if number is None else number


def instants(column: pa.Array) -> pa.Array:
    """Return a string column of ISO dates or instants as microseconds since 1970."""
    column = without_zone_name(column)
    for kind in (pa.timestamp("us"), pa.timestamp("us", "UTC")):
        try:
            values = pc.cast(pc.cast(column, kind), pa.int64())
        except pa.ArrowInvalid:
            continue
        if (pc.min(values).as_py() or 0) >= YEAR_ONE:
            return values
    return value_by_value(column, microseconds, pa.int64())


def without_zone_name(column: pa.Array) -> pa.Array:
    """Return instants with Z instead of the name of UTC: ``2017-10-01 21:23:33 UTC``."""
    if not pc.any(pc.match_substring_regex(column.slice(0, 1), ZONE_NAME.pattern)).as_py():
        return column
    return pc.replace_substring_regex(column, ZONE_NAME.pattern, "Z")


def days(day: pa.Array, month: pa.Array, year: pa.Array) -> pa.Array:
    """Return calendar dates, three string columns, as seconds at midnight UTC."""
    d, m, y = (pc.fill_null(integers(column), 0).to_numpy() for column in (day, month, year))
    return midnights(d, m, y)


def midnights(d: Integers, m: Integers, y: Integers) -> pa.Array:
    """Return days, months and years as seconds at midnight UTC, null where there is no such day."""
    sane = (d >= 1) & (d <= 31) & (m >= 1) & (m <= 12) & (y >= 1) & (y <= 9999)
    d, m, y = (np.where(sane, part, 1) for part in (d, m, y))
    months = ((y - 1970) * 12 + m - 1).astype("datetime64[M]")
    dates = months.astype("datetime64[D]") + (d - 1)
    sane &= dates.astype("datetime64[M]") == months  # 30 February would be in March
    return pa.array(dates.astype("datetime64[s]").astype(np.int64), mask=~sane)


def with_exceptions(
    column: pa.Array, plain: str, parse: Callable[[str], object], kind: pa.DataType
) -> pa.Array:
    """Return a string column cast where it matches a pattern, and parsed by hand elsewhere.

    Args:
        column: the texts; null stays null.
        plain: pattern of the texts that Arrow casts to the same value as ``parse`` gives.
        parse: what the other texts mean.
        kind: type of the result.
    """
    is_plain = pc.match_substring_regex(column, plain)
    odd = pc.fill_null(pc.invert(is_plain), False)
    values = pc.cast(pc.if_else(is_plain, column, None), kind)
    return pc.replace_with_mask(values, odd, value_by_value(column.filter(odd), parse, kind))


def value_by_value(column: pa.Array, parse: Callable[[str], object], kind: pa.DataType) -> pa.Array:
    """Return a string column parsed one text after the other; null stays null."""
    texts = column.to_pylist()
    return pa.array([None if text is None else parse(text) for text in texts], kind)
