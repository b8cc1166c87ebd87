import json
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec.errors import SeqrecError
from seqrec.parameters.sections import FilteringOptions
from seqrec.preparation.date_window import date_window
from seqrec.preparation.filtering import filter_interactions

Row = tuple[str, str, int, float | None]


def log(rows: list[Row]) -> ibis.Table:
    """A raw log whose rows are (user, item, timestamp, rating), source rows from 1."""
    users, items, timestamps, ratings = zip(*rows, strict=True) if rows else ((), (), (), ())
    return ibis.memtable(
        pa.table(
            {
                "user_id": pa.array(users, pa.string()),
                "item_id": pa.array(items, pa.string()),
                "timestamp": pa.array(timestamps, pa.int64()),
                "source_row": pa.array(range(1, len(rows) + 1), pa.int64()),
                "rating": pa.array(ratings, pa.float64()),
            }
        )
    )


def filtered_by(
    rows: list[Row], unit: str = "s", **options: Any
) -> tuple[list[int], dict[str, Any]]:
    """Return the source rows that stay and the report; the k-core is off unless asked for."""
    chosen = FilteringOptions(**{"user_core": 0, "item_core": 0, **options})
    core, report = filter_interactions(log(rows), chosen, unit)
    return core.to_pyarrow()["source_row"].to_pylist(), report


def fails(rows: list[Row], unit: str = "s", **options: Any) -> str:
    with pytest.raises(SeqrecError) as error:
        filtered_by(rows, unit, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


FOUR: list[Row] = [
    ("a", "x", 10, 5.0),
    ("b", "x", 20, 3.0),
    ("a", "y", 30, None),
    ("b", "y", 40, 4),
]


def test_columns_file_order_and_the_first_row_of_a_user_in_the_whole_log() -> None:
    rows: list[Row] = [("b", "x", 9, 1), ("a", "x", 8, 5), ("b", "y", 7, 5), ("a", "y", 6, 5)]
    options = FilteringOptions(min_rating=2, user_core=0, item_core=0)
    # row 1 goes, the user's first row stays 1
    core, _ = filter_interactions(log([*rows, ("b", "x", 5, 5)]), options, "s")
    table = core.to_pyarrow()
    assert table["source_row"].to_pylist() == [2, 3, 4, 5]
    assert table["user_first_row"].to_pylist() == [2, 1, 2, 1]
    assert table["user_id"].to_pylist() == ["a", "b", "a", "b"]
    names = ["user_id", "item_id", "timestamp", "source_row", "rating", "user_first_row"]
    assert table.column_names == names
    assert str(table.schema.field("user_first_row").type) == "int64"


def test_a_missing_rating_does_not_reach_the_threshold_and_is_reported() -> None:
    rows, report = filtered_by([*FOUR, ("a", "x", 50, 4.0), ("b", "x", 50, 4.5)], min_rating=4)
    assert rows == [1, 4, 5, 6]
    assert report["dropped_without_rating"] == 1
    assert report["steps"][1] == {
        "name": "min_rating",
        "interactions": 4,
        "users": 2,
        "items": 2,
        "dropped": 2,
    }


def test_both_ends_of_the_window_are_inside() -> None:
    rows, report = filtered_by(FOUR, start=20, end=40)
    assert rows == [2, 3, 4]
    assert (report["start"], report["end"]) == (20, 40)


def test_an_end_of_zero_is_an_end() -> None:
    rows, _ = filtered_by([("a", "x", -1, None), ("b", "y", 0, None), ("a", "x", 1, None)], end=0)
    assert rows == [1, 2]


@pytest.mark.parametrize(
    ("unit", "start", "end", "expected"),
    [
        ("s", "2019-01-01", "2019-12-31", (1546300800, 1577836799)),
        ("ms", "2019-01-01", "2019-12-31", (1546300800000, 1577836799999)),
        ("s", "2019-01-01T00:00:00.5", "2019-01-01T00:00:01.5", (1546300801, 1546300801)),
        ("s", "2019-01-01T01:00:00+01:00", None, (1546300800, None)),
        ("s", "1969-12-31T23:59:58.5", "1970-01-01T00:00", (-1, 0)),
    ],
)
def test_iso_dates_become_the_unit_of_the_log(
    unit: str, start: str, end: str | None, expected: tuple[int, int | None]
) -> None:
    window = date_window(FilteringOptions(start=start, end=end), unit)
    assert (window["start"], window["end"]) == expected


def test_windows_that_are_none() -> None:
    assert "positions, not instants" in fails(FOUR, "order", end="2019-12-31")
    assert "filtering.end: '31.12.2019' is no ISO date" in fails(FOUR, end="31.12.2019")
    assert "filtering.start (3) is after filtering.end (2)" in fails(FOUR, start=3, end=2)


# user a: x at 5, 1 and 5 again (in file order), user b once
REPEATS: list[Row] = [("a", "x", 5, 0), ("a", "x", 1, 0), ("a", "y", 3, 0), ("a", "x", 5, 0)]


@pytest.mark.parametrize(
    ("repeats", "order", "expected"),
    [
        ("keep", "time", [1, 2, 3, 4, 5]),
        ("first", "time", [2, 3, 5]),
        ("last", "time", [3, 4, 5]),
        ("first", "file", [1, 3, 5]),
        ("last", "file", [3, 4, 5]),
    ],
)
def test_repeats(repeats: str, order: str, expected: list[int]) -> None:
    rows, _ = filtered_by([*REPEATS, ("b", "x", 1, 0)], repeats=repeats, repeats_order=order)
    assert rows == expected


def test_last_in_time_is_not_last_in_file() -> None:
    rows: list[Row] = [("a", "x", 9, 0), ("a", "x", 1, 0), ("b", "y", 1, 0)]
    assert filtered_by(rows, repeats="last", repeats_order="time")[0] == [1, 3]
    assert filtered_by(rows, repeats="last", repeats_order="file")[0] == [2, 3]


def test_consecutive_repeats_follow_time_then_file_order() -> None:
    # a's sequence: x (row 2), x (3), y (4), x (1): the second x goes, the last one stays
    rows: list[Row] = [("a", "x", 9, 0), ("a", "x", 1, 0), ("a", "x", 1, 0), ("a", "y", 5, 0)]
    assert filtered_by([*rows, ("b", "x", 1, 0)], consecutive_repeats="drop")[0] == [1, 2, 4, 5]


def test_the_report_names_every_step_and_pass_and_is_json() -> None:
    rows: list[Row] = [(u, i, 1, 5.0) for u in "ab" for i in "xy"]
    rows += [("c", "x", 1, 5.0), ("c", "z", 1, 1.0)]
    _, report = filtered_by(rows, min_rating=2, user_core=2, item_core=2)
    assert [(s["name"], s["interactions"], s["dropped"]) for s in report["steps"]] == [
        ("raw log", 6, 0),
        ("min_rating", 5, 1),
        ("k-core pass 1", 4, 1),
    ]
    assert json.loads(json.dumps(report)) == report


def test_what_leaves_nothing_is_named_with_its_parameter() -> None:
    assert fails(FOUR, min_rating=9) == (
        "filtering: step 'min_rating' (filtering.min_rating=9.0) leaves none of the 4 "
        "interactions before it; loosen filtering.min_rating"
    )
    assert "step 'date window' (filtering.start=50)" in fails(FOUR, start=50)
    assert "loosen filtering.user_core, filtering.item_core" in fails(FOUR, user_core=3)
    assert "the raw log has no interactions" in fails([])


def test_a_rating_threshold_on_a_log_without_ratings() -> None:
    rows: list[Row] = [(user, item, time, None) for user, item, time, _ in FOUR]
    assert fails(rows, min_rating=4) == (
        "filtering.min_rating=4: no rating was read from this log; name their column, "
        "raw.columns.rating=COLUMN, and ingest again, or set filtering.min_rating=null"
    )


def test_too_little_to_evaluate() -> None:
    one_user: list[Row] = [("a", "x", 1, 5), ("a", "y", 2, 1)]
    assert "only 1 user in the raw log" in fails(one_user)
    one_item: list[Row] = [("a", "x", 1, 5), ("b", "x", 2, 5), ("b", "y", 2, 1)]
    assert "only 1 item after step 'min_rating'" in fails(one_item, min_rating=3)


def test_a_second_call_on_the_same_log_leaves_the_first_result_alone() -> None:
    interactions = log(FOUR)
    options = FilteringOptions(user_core=2, item_core=2)
    first, _ = filter_interactions(interactions, options, "s")
    second, _ = filter_interactions(interactions, options, "s")
    filter_interactions(interactions, FilteringOptions(start=1, user_core=2, item_core=2), "s")
    assert first.to_pyarrow().num_rows == second.to_pyarrow().num_rows == 4


def plain_filters(rows: list[Row], options: FilteringOptions) -> list[int]:
    """The row filters in plain Python: the source rows that stay."""
    numbered = [(*row, number) for number, row in enumerate(rows, start=1)]
    if (least := options.min_rating) is not None:
        numbered = [r for r in numbered if r[3] is not None and r[3] >= least]
    numbered.sort(key=lambda r: (r[2], r[4]) if options.repeats_order == "time" else r[4])
    if options.repeats != "keep":
        ordered = numbered if options.repeats == "last" else numbered[::-1]
        numbered = list({(r[0], r[1]): r for r in ordered}.values())
    numbered.sort(key=lambda r: (r[0], r[2], r[4]))
    if options.consecutive_repeats == "drop":
        before = [None, *numbered]
        pairs = zip(before, numbered, strict=False)
        numbered = [r for b, r in pairs if b is None or b[:2] != r[:2]]
    return sorted(r[4] for r in numbered)


anything = st.builds(
    FilteringOptions,
    min_rating=st.sampled_from([None, 1.0, 2.0]),
    repeats=st.sampled_from(["keep", "first", "last"]),
    repeats_order=st.sampled_from(["time", "file"]),
    consecutive_repeats=st.sampled_from(["keep", "drop"]),
    user_core=st.just(0),
    item_core=st.just(1),
)
row = st.tuples(
    st.sampled_from("abc"),
    st.sampled_from("xyz"),
    st.integers(0, 4),
    st.sampled_from([None, 1.0, 2.0]),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(row, max_size=20), anything)
def test_equals_plain_filters(drawn: list[Row], options: FilteringOptions) -> None:
    rows: list[Row] = [*drawn, ("d", "v", 0, 2.0), ("e", "w", 0, 2.0)]
    core, report = filter_interactions(log(rows), options, "s")
    expected = plain_filters(rows, options)
    assert core.to_pyarrow()["source_row"].to_pylist() == expected
    assert sum(step["dropped"] for step in report["steps"]) == len(rows) - len(expected)


def test_a_filter_that_drops_nothing_changes_neither_the_core_nor_its_passes() -> None:
    # without a filter rare users are left out from the start, with one they are counted first
    rows: list[Row] = [(f"u{n % 7}", f"i{n * n % 23}", n, 1.0) for n in range(60)]
    rows += [("once", "i0", 99, 1.0), ("twice", "i1", 99, 1.0), ("twice", "rare", 99, 1.0)]
    core_rows, report = filtered_by(rows, user_core=4, item_core=4)
    filtered_rows, filtered = filtered_by(rows, min_rating=0, user_core=4, item_core=4)
    assert filtered_rows == core_rows
    assert 0 < len(core_rows) < 60
    raw, _, *passes = filtered["steps"]
    assert [raw, *passes] == report["steps"]
    assert (raw["users"], raw["items"]) == (9, len({row[1] for row in rows}))


@pytest.mark.parametrize("spread", [1, 2**61])
def test_ties_are_those_of_the_users_and_items_that_stay(spread: int) -> None:
    """Counted by hand: a has 1, 1, 2, 2 and b 1, 2, 2; c and its own ties go with the core."""
    rows = [("a", "x", 1), ("a", "y", 1), ("a", "x", 2), ("a", "y", 2), ("b", "x", 1)]
    rows += [("b", "y", 2), ("b", "x", 2), ("c", "z", 3), ("c", "z", 3)]
    options = FilteringOptions(user_core=2, item_core=3)
    _, report = filter_interactions(
        log([(user, item, time * spread, None) for user, item, time in rows]), options, "s"
    )
    assert report["ties"] == {"neighbours": 5, "same_timestamp": 3}


@pytest.mark.parametrize(
    ("unit", "written", "start", "end", "expected"),
    [
        ("ms", "us", 1_500_001, 2_500_000, (1501, 2500)),
        ("ms", "ns", 10**18 + 1, None, (10**12 + 1, None)),
        ("ms", "s", 1, 2, (1000, 2000)),  # seconds with fractions
        ("s", "s", 1_899, 20_151_301, (1_899, 20_151_301)),  # of a log that begins at 0
        ("s", "YYYYMMDD", 20190131, 20190131, (1548892800, 1548979199)),
        ("s", "YYYYMMDDHHMM", 201901312359, 201901312359, (1548979140, 1548979199)),
        ("ms", "date", 20190131, 20190131, (1548892800000, 1548979199999)),
        ("s", "date", 20190131235959, None, (1548979199, None)),
        ("s", "YYYYMMDD", "2019-01-31", "2019-01-31T00:00", (1548892800, 1548892800)),
    ],
)
def test_numbers_count_in_the_logs_own_unit(
    unit: str, written: str, start: Any, end: Any, expected: tuple[int, int | None]
) -> None:
    window = date_window(FilteringOptions(start=start, end=end), unit, written)
    assert (window["start"], window["end"]) == expected


@pytest.mark.parametrize(
    ("written", "number", "message"),
    [
        ("date", 1_500_000_000, "1500000000 is no date in digits, as 20191231 is"),
        ("YYYYMMDDHHMMSS", 20190131, "is no date in digits, as 20190131235959 is"),
        ("mixed", 5, r"5 has no unit, for the log has several or none \(mixed\)"),
        ("excel", 43_496, "has no unit"),
        ("s", 1_554_180_000_000, "is no instant of a log in s"),
        ("ms", 1_554_180_000, "is no instant of a log in ms"),
        ("s", 2015, "2015 reads as a date, and counts s since 1970 in this log; write an ISO"),
        ("ms", 20150101, "20150101 reads as a date, and counts ms since 1970"),
        ("us", 20150101123000, "reads as a date, and counts us since 1970"),
    ],
)
def test_numbers_that_mean_nothing(written: str, number: int, message: str) -> None:
    with pytest.raises(SeqrecError, match=message):
        date_window(FilteringOptions(start=number), "s", written)
