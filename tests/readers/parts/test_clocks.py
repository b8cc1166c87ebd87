"""How timestamps are written, guessed from the first of them."""

import pyarrow as pa
import pytest

from seqrec.readers.parts.clocks import floor_divide, guess_clock

NOON = 1_390_000_000


@pytest.mark.parametrize(
    ("texts", "unit", "expected"),
    [
        ([str(NOON), "x"], "s", [NOON, None]),
        (["1", "2", "3"], "s", [1, 2, 3]),
        ([f"{NOON}.0"], "s", [NOON]),
        (["1390000000.25", str(NOON)], "ms", [NOON * 1000 + 250, NOON * 1000]),
        (["1390000000.123", "x"], "ms", [NOON * 1000 + 123, None]),
        (["20190105", "20191231", "soon"], "s", [1_546_646_400, 1_577_750_400, None]),
        (["20190105", "20191301"], "s", [20_190_105, 20_191_301]),
        (["20190105", "5"], "s", [20_190_105, 5]),
        ([f"{NOON}123"], "ms", [NOON * 1000 + 123]),
        ([f"{NOON}123456"], "ms", [NOON * 1000 + 123]),
        ([f"{NOON}123456789"], "ms", [NOON * 1000 + 123]),
        (["-1", "-1"], "s", [-1, -1]),
        (["2014-01-17 23:06:40", "2014-01-17"], "s", [NOON, NOON - 83_200]),
        (["2014-01-17T23:06:40.5Z"], "ms", [NOON * 1000 + 500]),
        (["1969-12-31 23:59:59"], "s", [-1]),
        (["2014-01-17", "x", "2014-01-17"], "s", [NOON - 83_200, None, NOON - 83_200]),
        ([], "s", []),
    ],
)
def test_the_clock_follows_the_first_values(
    texts: list[str], unit: str, expected: list[int | None]
) -> None:
    column = pa.array(texts, pa.string())

    clock = guess_clock(column)

    assert clock.unit == unit
    assert clock.read(column).to_pylist() == expected


def test_what_is_no_timestamp_is_told_which_forms_are_read() -> None:
    for texts in (["13th May"], ["2019-01-02"], ["5"], [f"{NOON}.5"], [f"{NOON}123"]):
        assert guess_clock(pa.array(texts)).kind == "a number or an ISO date"


def test_one_outlier_does_not_change_the_unit() -> None:
    assert guess_clock(pa.array([str(NOON)] * 9 + [str(NOON * 10**6)])).unit == "s"


def test_division_rounds_down_before_1970_too() -> None:
    assert floor_divide(pa.array([-1, 1999, None]), 1000).to_pylist() == [-1, 1, None]
