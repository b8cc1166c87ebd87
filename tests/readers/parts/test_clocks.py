"""How timestamps are written, guessed from the first of them."""

import pyarrow as pa
import pytest

from seqrec.errors import SeqrecError
from seqrec.readers.parts.clock_guesses import guess_clock, number_clock, refuse_lost_seconds
from seqrec.readers.parts.clocks import clock_of_patterns, clock_of_unit, floor_divide
from seqrec.readers.parts.pieces import TimesRead

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


@pytest.mark.parametrize(
    ("numbers", "unit", "written", "first"),
    [
        (["2019013123", "2019020100"], "s", "YYYYMMDDHH", 1548975600),
        (["201901312359", "201902010000"], "s", "YYYYMMDDHHMM", 1548979140),
        (["20190131235959", "20190201000000"], "s", "YYYYMMDDHHMMSS", 1548979199),
        (["20190131235959123", "20190201000000000"], "ms", "YYYYMMDDHHMMSSmmm", 1548979199123),
        (["1548979199", "1548979200"], "s", "s", 1548979199),
        (["1548979199.5", "1548979200"], "ms", "s", 1548979199500),
        (["1548979199123456", "1548979200000000"], "ms", "us", 1548979199123),
        (["1548979199123456789", "1548979200000000000"], "ms", "ns", 1548979199123),
        (["43496.75", "43497.5"], "ms", "excel", 1548957600000),
        (["20190131", "20190231"], "s", "s", 20190131),  # half of them no day: numbers
        (["43496", "43497"], "s", "s", 43496),  # days, or a count
    ],
)
def test_how_numbers_write_an_instant(
    numbers: list[str], unit: str, written: str, first: int
) -> None:
    for column in (pa.array(numbers), pa.array([float(number) for number in numbers])):
        if written in ("YYYYMMDDHHMMSSmmm", "ns") and not pa.types.is_string(column.type):
            continue  # beyond what a float holds
        clock = guess_clock(column) if pa.types.is_string(column.type) else number_clock(column)
        assert (clock.unit, clock.times) == (unit, TimesRead(written, True))
        assert clock.read(column)[0].as_py() == first


@pytest.mark.parametrize(
    ("first", "later", "fractions"),
    [
        (["2014-01-17 23:06:40"], ["2014-01-17 23:06:40.5", "2014-01-17 23:06:40.0", "a.b"], 1),
        (["2014-01-17"], ["2014-01-17T23:06:40,000001", "2014-01-17", "5"], 1),
        ([str(NOON)], [f"{NOON}.5", f"{NOON}.0", "a.b", f"-{NOON}.5", str(NOON)], 2),
        ([float(NOON)], [NOON + 0.5, float(NOON), float("nan"), None], 1),
        ([NOON], [NOON, 5], 0),
        ([f"{NOON}.5"], [f"{NOON}.25"], 0),  # in milliseconds
        (["2014-01-17 23:06:40.5"], ["2014-01-17 23:06:40.25"], 0),
    ],
)
def test_fractions_that_are_cut_off_are_seen(
    first: list[object], later: list[object], fractions: int
) -> None:
    column = pa.array(first)
    clock = guess_clock(column) if pa.types.is_string(column.type) else number_clock(column)

    mask = clock.cut(pa.array(later, column.type)) if clock.cut else None

    assert (sum(mask.to_pylist()) if mask is not None else 0) == fractions


def test_one_date_with_a_fraction_in_the_first_block_is_enough() -> None:
    column = pa.array(["2014-01-17 23:06:40"] * 10_000 + ["2014-01-17 23:06:40.9", "2014.5"])
    assert guess_clock(column).unit == "ms"
    assert guess_clock(column.filter(pa.array([True] * 10_000 + [False, True]))).unit == "s"


@pytest.mark.parametrize("scale", [1, 10**3, 10**6, 10**9])
def test_numbers_of_another_unit_are_seen(scale: int) -> None:
    others = [NOON * other for other in (1, 10**3, 10**6, 10**9) if other != scale]
    own = [NOON * scale + n * scale for n in range(9)]
    column = pa.array([str(number) for number in [*own, *others, 0, -5]])

    clock = guess_clock(column)
    other = clock.other_unit(clock.read(column))

    assert other is not None
    assert other.to_pylist() == [False] * 9 + [True] * 3 + [False] * 2
    assert clock.other_unit(clock.read(column.slice(0, 9))) is None


@pytest.mark.parametrize(
    ("unit", "texts", "expected"),
    [
        ("s", ["5", "6"], ("s", [5, 6])),
        ("s", ["5.25", "6"], ("ms", [5250, 6000])),
        ("ms", ["5", "20190131"], ("ms", [5, 20190131])),
        ("us", ["1500", "2999"], ("ms", [1, 2])),
        ("ns", ["1500000", "-1"], ("ms", [1, -1])),
        ("excel", ["25569", "25570.5"], ("ms", [0, 129_600_000])),
        (
            "mixed",
            [f"{NOON}", f"{NOON}.5", f"{NOON}123", f"{NOON}123456", f"{NOON}123456789", "x"],
            ("ms", [NOON * 1000, NOON * 1000 + 500, *[NOON * 1000 + 123] * 3, None]),
        ),
        (
            "mixed",
            ["2014-01-17 23:06:40", f" {NOON}", "2014-01-17T23:06:40.5Z", "", "soon", "1e3"],
            ("ms", [NOON * 1000, NOON * 1000, NOON * 1000 + 500, None, None, 1_000_000]),
        ),
        ("mixed", ["2014-01-17 23:06:40", "2014-01-17"], ("ms", [NOON * 1000, 1389916800000])),
    ],
)
def test_a_unit_that_is_said(
    unit: str, texts: list[str], expected: tuple[str, list[int | None]]
) -> None:
    column = pa.array(texts)
    clock = clock_of_unit(unit, column)
    assert (clock.unit, clock.read(column).to_pylist()) == expected
    assert not clock.times.guessed


def test_a_pattern_that_is_said() -> None:
    column = pa.array(["31|12|2019", "32|12|2019", None])
    assert clock_of_patterns("%d|%m|%Y").read(column).to_pylist() == [1577750400, None, None]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1.5e9, 1.5e9 + 128], pa.float32()),
        pa.array(["1.5008e+09", "1.5009e+09"]),
        pa.array([str(1_500_000_000 // 128 * 128 + 128 * n) for n in range(50)]),
    ],
)
def test_times_that_lost_their_seconds_are_refused(column: pa.Array) -> None:
    with pytest.raises(SeqrecError, match="the timestamps have lost their seconds"):
        refuse_lost_seconds(column, "column 'when'")


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1.0, 2.0], pa.float32()),  # no instants
        pa.array([1.5e9, 1.5e9 + 1]),
        pa.array([str(86_400 * n + 1_500_000_000 // 86_400 * 86_400) for n in range(50)]),  # days
        pa.array(["1.500803995e+09"]),
    ],
)
def test_others_have_theirs(column: pa.Array) -> None:
    refuse_lost_seconds(column, "column 'when'")


@pytest.mark.parametrize("odd", ["0", "20190231", "1548892800"])
def test_one_odd_date_does_not_make_numbers_of_the_others(odd: str) -> None:
    column = pa.array(["20190131"] * 30 + [odd])
    clock = guess_clock(column)
    assert clock.times.written == "YYYYMMDD"
    assert clock.read(column).to_pylist() == [1548892800] * 30 + [None]
