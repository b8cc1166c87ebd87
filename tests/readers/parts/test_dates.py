"""Dates as programs write them, beside Python's own reading."""

from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest

from seqrec.errors import SeqrecError
from seqrec.readers.parts.clock_guesses import guess_clock
from seqrec.readers.parts.dates import find_pattern
from seqrec.readers.parts.pieces import TimesRead

MOMENTS = [datetime(2019, 1, 31, 23, 5, 9, tzinfo=UTC) + timedelta(hours=7 * n) for n in range(60)]
MINUTES = [moment.replace(second=0) for moment in MOMENTS]
DAYS = [moment.replace(hour=0, minute=0, second=0) for moment in MOMENTS]
WEST = timezone(timedelta(hours=-8))


@pytest.mark.parametrize(
    ("pattern", "moments"),
    [
        ("%m/%d/%Y %H:%M", MINUTES),  # Excel in the United States
        ("%m/%d/%y %H:%M", MINUTES),
        ("%m/%d/%Y %I:%M:%S %p", MOMENTS),
        ("%d.%m.%Y %H:%M", MINUTES),  # Excel in Germany
        ("%d/%m/%Y %H:%M:%S", MOMENTS),  # in France
        ("%Y/%m/%d %H:%M:%S", MOMENTS),  # in Japan
        ("%d/%m/%Y", DAYS),
        ("%d-%b-%Y", DAYS),  # Oracle
        ("%B %d, %Y", DAYS),
        ("%a %b %d %H:%M:%S %Y", MOMENTS),  # ctime
        ("%a %b %d %H:%M:%S %z %Y", MOMENTS),  # Twitter, Goodreads
        ("%a, %d %b %Y %H:%M:%S %z", MOMENTS),  # mail
        ("%a, %d %b %Y %H:%M:%S GMT", MOMENTS),
        ("%d/%b/%Y:%H:%M:%S %z", MOMENTS),  # web servers
        ("%Y-%m-%d %H:%M:%S UTC", MOMENTS),  # BigQuery
        ("%Y-%m-%d %H:%M:%S%:z", MOMENTS),  # pandas
        ("%Y-%m-%dT%H:%M:%SZ", MOMENTS),
    ],
)
def test_dates_of_programs(pattern: str, moments: list[datetime]) -> None:
    zone = "%:z" in pattern
    texts = [moment.strftime(pattern.replace("%:z", "")) + "+00:00" * zone for moment in moments]
    column = pa.array(texts)

    clock = guess_clock(column)

    assert clock.unit == "s"
    assert clock.times == TimesRead("date", True)
    assert clock.read(column).to_pylist() == [int(moment.timestamp()) for moment in moments]


def test_a_zone_counts() -> None:
    texts = [m.astimezone(WEST).strftime("%a %b %d %H:%M:%S %z %Y") for m in MOMENTS]
    read = guess_clock(pa.array(texts)).read(pa.array(texts))
    assert read.to_pylist() == [int(moment.timestamp()) for moment in MOMENTS]


def test_fractions_that_bigquery_leaves_out_where_they_are_zero() -> None:
    column = pa.array(["2017-10-01 21:23:33.250 UTC", "2017-10-01 21:23:34 UTC"])
    clock = guess_clock(column)
    assert (clock.unit, clock.read(column).to_pylist()) == ("ms", [1506893013250, 1506893014000])


def test_nanoseconds_of_pandas_are_cut_off() -> None:
    column = pa.array(["2017-10-01 21:23:33.123456789", "2017-10-01 21:23:34.000000001"])
    assert guess_clock(column).read(column).to_pylist() == [1506893013123, 1506893014000]


@pytest.mark.parametrize(
    ("first", "expected"),
    [("13/02/2019", "%d/%m/%Y"), ("02/13/2019", "%m/%d/%Y"), ("31.12.49", "%d.%m.%y")],
)
def test_which_number_is_the_month(first: str, expected: str) -> None:
    assert find_pattern(pa.array([first])) == (expected,)


def test_what_could_be_either_is_asked_for() -> None:
    with pytest.raises(
        SeqrecError, match=r"'01/02/2019' can be read in two ways; .* or '%d/%m/%Y'"
    ):
        find_pattern(pa.array(["01/02/2019", "05/06/2019"]))
    assert find_pattern(pa.array(["05/05/2019", "06/06/2019"])) is not None  # either is the same


def test_what_is_no_date_has_no_pattern() -> None:
    assert find_pattern(pa.array(["soon", "spring 2019", "13"])) is None


def test_years_of_two_digits_are_asked_for() -> None:
    with pytest.raises(SeqrecError, match="in two ways"):
        find_pattern(pa.array(["19/01/02", "19/02/03"]))
    assert find_pattern(pa.array(["19/01/30", "19/02/28", "40/12/31"])) == ("%y/%m/%d",)


def test_seconds_are_left_out_where_they_are_zero() -> None:
    column = pa.array(["31.01.2019 10:00", "31.01.2019 10:00:05", "01.02.2019"])
    read = guess_clock(column).read(column)
    assert read.to_pylist() == [1548928800, 1548928805, 1548979200]
