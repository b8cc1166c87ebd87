"""Columns of text to values: the vectorised way gives what the scalar twin gives."""

import math
from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqrec.readers.parts.values import (
    days,
    decimal,
    decimal_or_nan,
    floats,
    instants,
    integer,
    integers,
    microseconds,
)

NUMBERS = [
    *("0", "7", "007", "-5", "+5", "1390000000", "9223372036854775807", "9223372036854775808"),
    *("1.0", "1.5", "-1.5", ".5", "1.", "1e3", "1e300", "1e400", "-1e17", "9007199254740993"),
    *("", " ", " 12 ", "0x1F", "1_000", "nan", "NaN", "inf", "-inf", "abc", "١", "1,5", "12\r"),
]
INSTANTS = [
    *("2019-01-01", "2019-01-01 12:30:00", "2019-01-01T12:30:00", "2019-01-01 12:30"),
    *("2019-01-01 00:00:00.25", "2019-01-01T00:00:00Z", "2019-01-01T00:00:00+02:00"),
    *("2019-02-30", "2019-1-1", "20190101", "", "yesterday", "1969-12-31 23:59:59", "0000-01-01"),
    *("2019-01-01 24:00:00", "2019-01-01 00:00:60", " 2019-01-01 ", "99999-01-01"),
]


def texts(kinds: list[str]) -> st.SearchStrategy[list[str]]:
    """Lists of a few kinds, so that the fast way is often possible."""
    return st.lists(st.sampled_from(kinds), max_size=4, unique=True).flatmap(
        lambda few: st.lists(st.sampled_from(few), max_size=6) if few else st.just([])
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1390000000", 1390000000),
        ("-5", -5),
        ("1390000000.0", 1390000000),
        ("1.5", 1),
        ("-1.5", -2),
        ("1.3e9", 1300000000),
        ("0x1F", None),
        ("1_000", None),
        ("", None),
        ("nan", None),
        ("9999999999999999999", None),
    ],
)
def test_an_integer_is_a_decimal_number_rounded_down(text: str, number: int | None) -> None:
    assert integer(text) == number
    assert integers(pa.array([text])).to_pylist() == [number]


@given(column=texts(NUMBERS))
def test_integers_agree_with_their_twin(column: list[str]) -> None:
    assert integers(pa.array(column, pa.string())).to_pylist() == [integer(t) for t in column]


@given(column=st.lists(st.integers(-(10**18) + 1, 10**18 - 1).map(str), max_size=6))
def test_every_integer_survives(column: list[str]) -> None:
    assert integers(pa.array(column, pa.string())).to_pylist() == [int(t) for t in column]


@given(column=texts(NUMBERS))
def test_floats_agree_with_their_twin(column: list[str]) -> None:
    numbers = floats(pa.array(column, pa.string())).to_pylist()

    expected = [decimal_or_nan(text) if text else None for text in column]
    assert [readable(number) for number in numbers] == [readable(number) for number in expected]


def readable(number: float | None) -> float | str | None:
    """A number, None, or 'no' for what a piece rejects: NaN and the infinite ones."""
    return number if number is None or math.isfinite(number) else "no"


@given(column=texts(INSTANTS))
def test_instants_agree_with_their_twin(column: list[str]) -> None:
    assert instants(pa.array(column, pa.string())).to_pylist() == [microseconds(t) for t in column]


def test_instants_are_utc_unless_they_say_otherwise() -> None:
    assert microseconds("1970-01-01 00:00:01.5") == 1_500_000
    assert microseconds("1970-01-01T02:00:00+02:00") == 0
    assert microseconds("1969-12-31") == -86_400_000_000
    assert decimal("1e400") is None


@given(
    rows=st.lists(
        st.tuples(st.integers(-1, 33), st.integers(-1, 14), st.integers(-1, 10_001)), max_size=8
    )
)
def test_calendar_days_are_midnights(rows: list[tuple[int, int, int]]) -> None:
    columns = [pa.array([str(row[i]) for row in rows], pa.string()) for i in range(3)]

    assert days(*columns).to_pylist() == [midnight(*row) for row in rows]


def midnight(day: int, month: int, year: int) -> int | None:
    try:
        return (date(year, month, day) - date(1970, 1, 1)).days * 86_400
    except ValueError:
        return None
