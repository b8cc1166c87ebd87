"""Logs of the forms people have: what comes out is worked out by pandas, or counted by hand."""

from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest

from seqrec.errors import SeqrecError
from seqrec.parameters.sections import FilteringOptions, SplittingOptions
from seqrec.preparation.filtering import filter_interactions
from seqrec.preparation.sequences import build_sequences
from tests.readers.logs import frame, read

WILD = Path(__file__).parent / "wild"
PLAIN = pd.read_csv(WILD / "plain.csv")
ALL = {"user_core": 0, "item_core": 0}
SESSIONS = {"user": "sessionId", "item": "itemId", "timestamp": "eventdate"}
BY_POSITION = {"user": 0, "item": 1, "timestamp": 4}


def kept(name: str, work: Path, **window: Any) -> int:
    log = read(WILD / name, work)
    core, _ = filter_interactions(
        ibis.memtable(frame(log)),
        FilteringOptions(**ALL, **window),
        log.report["timestamp_unit"],
        log.report["timestamps_written_in"],
    )
    return int(core.count().to_pyarrow().as_py())


def plain_order() -> list[tuple[str, str]]:
    """User and item, each user's oldest first, as pandas sorts plain.csv."""
    ordered = PLAIN.sort_values(["user_id", "timestamp"], kind="stable")
    return list(zip(ordered["user_id"], ordered["item_id"], strict=True))


@pytest.mark.parametrize(
    ("name", "window", "expected"),
    [
        ("plain.csv", {"start": "2017-10-01"}, 149),
        ("plain.csv", {"start": "2017-09-01T00:00:00+02:00", "end": "2017-09-30"}, 133),
        ("packed_date_times.csv", {"start": "2017-10-01"}, 149),
        ("packed_date_times.csv", {"start": 20171001000000}, 149),
        ("packed_days.csv", {"start": "2017-10-01"}, 149),
        ("packed_days.csv", {"start": 20171001}, 149),
        ("packed_days.csv", {"end": 20170930}, 331),
        ("microseconds.csv", {"end": 1506816000000000}, 331),
        ("fractions.csv", {"start": 1506816000}, 149),
    ],
)
def test_windows_count_in_the_logs_own_unit(
    tmp_path: Path, name: str, window: dict[str, Any], expected: int
) -> None:
    assert kept(name, tmp_path, **window) == expected


def test_those_counts_are_pandas_own() -> None:
    times = pd.to_datetime(PLAIN["timestamp"], unit="s", utc=True)
    october = pd.Timestamp("2017-10-01", tz="UTC")

    assert int((times >= october).sum()) == 149
    september = (times >= pd.Timestamp("2017-09-01T00:00:00+02:00")) & (times < october)
    assert int(september.sum()) == 133


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("whole_numbers_as_floats.csv", "ids without the .0 of a float"),
        ("blank_behind.csv", "ids without the blanks around them"),
        ("blank_before.csv", "ids without the blanks around them"),
    ],
)
def test_one_item_is_one_item(tmp_path: Path, name: str, change: str) -> None:
    log = read(WILD / name, tmp_path)

    written = pd.read_csv(WILD / name, dtype=str)
    assert frame(log)["item_id"].nunique() == PLAIN["item_id"].nunique() == 30
    odd = written.iloc[:, 1].str.contains(r"\.0$|^ | $", regex=True) | written.iloc[:, 0].isna()
    assert log.report["changed"] == {change: int(odd.sum())}


@pytest.mark.parametrize(
    "name", ["packed_date_times.csv", "microseconds.csv", "fractions.csv", "a.csv.bz2", "a.csv.xz"]
)
def test_the_order_is_that_of_the_plain_log(tmp_path: Path, name: str) -> None:
    table = frame(read(WILD / name, tmp_path))

    ordered = table.sort_values(["user_id", "timestamp"], kind="stable")
    assert list(zip(ordered["user_id"], ordered["item_id"], strict=True)) == plain_order()


def test_other_units_are_never_read_in_silence(tmp_path: Path) -> None:
    log = WILD / "mixed_s_ms.csv"
    written = pd.read_csv(log)
    milliseconds = int((written["timestamp"] > 10**11).sum())

    with pytest.raises(SeqrecError, match=r"in another unit.*raw\.timestamp_unit=mixed") as error:
        read(log, tmp_path)
    assert f"{milliseconds} of 480 rows" in str(error.value)

    tolerant = read(log, tmp_path, share=0.5).report
    assert tolerant["rejected_by_reason"] == {
        "timestamp is in another unit than the first ones": milliseconds
    }
    ordered = frame(read(log, tmp_path, timestamp_unit="mixed")).sort_values(
        ["user_id", "timestamp"], kind="stable"
    )
    assert list(zip(ordered["user_id"], ordered["item_id"], strict=True)) == plain_order()


def test_what_stands_for_no_user_is_none(tmp_path: Path) -> None:
    log = WILD / "nan_users.csv"
    users = pd.read_csv(log, dtype=str, keep_default_na=False)["user_id"]

    with pytest.raises(SeqrecError, match=r"no user id .*another column of users") as error:
        read(log, tmp_path)
    assert f"{(users == 'NaN').sum()} of 480 rows" in str(error.value)

    assert frame(read(log, tmp_path, missing=()))["user_id"].nunique() == users.nunique()


def test_a_table_without_header_loses_no_row(tmp_path: Path) -> None:
    log = WILD / "no_header.csv"

    table = frame(read(log, tmp_path, columns=BY_POSITION))

    theirs = pd.read_csv(log, header=None, dtype=str)
    assert len(table) == len(theirs) == 600
    assert table["user_id"].tolist() == theirs[0].tolist()
    assert table["timestamp"].astype(str).tolist() == theirs[4].tolist()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (None, r"'1301' is a number or a date, no name; .* count the columns from 0"),
        ({"user": "1301", "item": "20065", "timestamp": "1506893013"}, "count the columns from 0"),
        ({"user": "1301", "item": "20065", "timestamp": None}, "'1301' and '20065' are names of"),
        (
            {"user": 0, "item": 1, "timestamp": 5},
            "the first line has 5 columns, none at position 5",
        ),
        ({"user": 0, "item": 1}, "column 'timestamp' by its name, column 0 by its position"),
    ],
)
def test_a_row_is_no_header(tmp_path: Path, columns: dict[str, Any] | None, message: str) -> None:
    with pytest.raises(SeqrecError, match=message) as error:
        read(WILD / "no_header.csv", tmp_path, columns=columns)
    assert "\n" not in str(error.value)


def test_rows_are_chosen_by_the_values_of_a_column(tmp_path: Path) -> None:
    events = pd.read_csv(WILD / "no_header.csv", header=None)[3]
    chosen = events.isin(["buy", "cart"])

    log = read(WILD / "no_header.csv", tmp_path, columns=BY_POSITION, where={3: "buy;cart"})

    assert log.report["rows_kept"] == int(chosen.sum())
    assert log.report["rows_left_out"] == int((~chosen).sum())
    assert frame(log)["source_row"].tolist() == (events.index[chosen] + 1).tolist()
    with pytest.raises(SeqrecError, match=r"raw\.where leaves none of 600 rows"):
        read(WILD / "no_header.csv", tmp_path, columns=BY_POSITION, where={3: "sold"})
    broken = tmp_path / "broken.csv"
    broken.write_text((WILD / "no_header.csv").read_text() + "a,line\ncut,off\n")
    with pytest.raises(SeqrecError, match=r"raw\.where leaves none of 600 rows"):
        read(broken, tmp_path, columns=BY_POSITION, where={3: "sold"})


def test_instants_of_bigquery(tmp_path: Path) -> None:
    columns = {"user": "user_pseudo_id", "timestamp": "event_time"}

    table = frame(read(WILD / "utc_dates.csv", tmp_path, columns=columns))

    written = pd.to_datetime(pd.read_csv(WILD / "utc_dates.csv")["event_time"])
    assert table["timestamp"].tolist() == (written.astype("int64") // 10**6).tolist()
    assert table["user_id"].iloc[0] == "1301.151301"  # no float's fraction


def test_a_second_column_puts_the_views_of_a_day_in_order(tmp_path: Path) -> None:
    path = WILD / "views_of_sessions.csv"
    views = pd.read_csv(path, sep=";")
    log = read(path, tmp_path, columns={**SESSIONS, "order": "timeframe"})

    core, report = filter_interactions(
        ibis.memtable(frame(log)), FilteringOptions(**ALL), log.report["timestamp_unit"], "date"
    )
    built = build_sequences(core, SplittingOptions())
    sequences, users, items = (table.to_pandas() for table in built)

    named = sequences.merge(users, on="user_index").merge(items, on="item_index")
    named = named.sort_values(["user_index", "position"])
    ours = named.groupby("user_id")["item_id"].agg(list).to_dict()
    ordered = views.sort_values(["sessionId", "eventdate", "timeframe"], kind="stable")
    theirs = ordered.astype(str).groupby("sessionId")["itemId"].agg(list).to_dict()
    assert len(ours) == 60
    assert ours == theirs
    distinct = views.groupby("sessionId")["eventdate"].nunique().sum()
    assert report["ties"] == {
        "neighbours": len(views) - 60,
        "same_timestamp": int(len(views) - distinct),
    }


@pytest.mark.parametrize(
    "order",
    [
        ["1175928847299117063", "1175928847299117065", "1175928847299117064"],
        ["1.25", "1.75", "1.5"],
        ["2019-01-01 00:00:00.000001", "2019-01-01 00:00:00.000003", "2019-01-01 00:00:00.000002"],
    ],
)
def test_nothing_is_cut_off_the_second_column(tmp_path: Path, order: list[str]) -> None:
    rows = [f"u,i{place},5,{value}\n" for place, value in enumerate(order)]
    (tmp_path / "log.csv").write_text("user_id,item_id,timestamp,at\n" + "".join(rows))
    columns = {"user": "user_id", "item": "item_id", "order": "at"}

    table = frame(read(tmp_path / "log.csv", tmp_path / "work", columns=columns))

    assert table.sort_values("order")["item_id"].tolist() == ["i0", "i2", "i1"]


def test_ratings_with_a_decimal_comma_are_told_how_to_be_written(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user_id;item_id;timestamp;stars\nu;i;5;4,5\n")
    columns = {"user": "user_id", "item": "item_id", "rating": "stars"}

    with pytest.raises(SeqrecError, match=r"rating is not a number'.*; write ratings .* 4\.5 say"):
        read(tmp_path / "log.csv", tmp_path / "work", columns=columns)
