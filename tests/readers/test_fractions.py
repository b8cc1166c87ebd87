"""Fractions of a second that the first rows, or the first file, have none of."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import seqrec
from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.readers.parts import source
from tests.readers.logs import frame, read


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2024-01-01 10:00:00", "2024-01-01 10:00:00.250"),
        ("2024-01-01", "2024-01-01 10:00:00.250"),
        ("2024-01-01 10:00:00.250", "2024-01-01"),
        ("1704103200", "1704103200.25"),
        ("1704103200.25", "1704103200"),
        ("1704103200", "2024-01-01 10:00:00.250"),
        ("2024-01-01", "1704103200.25"),
    ],
)
def test_fractions_in_one_of_two_files_are_kept_by_what_the_refusal_says(
    tmp_path: Path, first: str, second: str
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    for name, time in (("1.csv", first), ("2.csv", second)):
        (folder / name).write_text(f"user_id,item_id,timestamp\nu,i,{time}\n")

    with pytest.raises(SeqrecError, match=r"2.csv has timestamps in .*; say .*_unit=mixed: num"):
        read(folder, tmp_path / "work")

    times = {"2024-01-01": 1704067200000, "1704103200": 1704103200000}
    times["2024-01-01 10:00:00"] = 1704103200000
    kept = frame(read(folder, tmp_path / "work", timestamp_unit="mixed"))["timestamp"].tolist()
    assert kept == [times.get(time, 1704103200250) for time in (first, second)]


def test_dates_of_one_pattern_with_fractions_in_one_of_two_files(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    texts = ["2024/01/01 10:00:00", "2024/01/01 10:00:00.250"]
    for name, time in zip(("1.csv", "2.csv"), texts, strict=True):
        (folder / name).write_text(f"user_id,item_id,timestamp\nu,i,{time}\n")

    with pytest.raises(SeqrecError) as error:
        read(folder, tmp_path / "work")
    patterns = str(error.value).partition("timestamp_format='")[2].rstrip("'")
    table = frame(read(folder, tmp_path / "work", timestamp_format=patterns))

    assert table["timestamp"].tolist() == [1704103200000, 1704103200250]


@pytest.mark.parametrize(
    ("most", "few", "patterns"),
    [
        ("2019-01-31", "13/02/2019", "%Y-%m-%d;%d/%m/%Y"),
        ("31/01/2019", "2019-02-13", "%d/%m/%Y;%Y-%m-%d"),
    ],
)
def test_two_patterns_in_one_log(tmp_path: Path, most: str, few: str, patterns: str) -> None:
    path = tmp_path / "log.csv"
    rows = [f"u,i{number},{most}" for number in range(30)] + [f"u,j,{few}"]
    path.write_text("\n".join(["user_id,item_id,timestamp", *rows]))

    with pytest.raises(SeqrecError, match=r"1 of 31 rows .* say how they are written, .* patterns"):
        read(path, tmp_path / "work")
    times = frame(read(path, tmp_path / "work", timestamp_format=patterns))["timestamp"]
    assert times.tolist() == [1548892800] * 30 + [1550016000]  # date -ud DAY +%s

    with pytest.raises(SeqrecError, match=r"not a date such as %Y or %d/%m/%y' \("):
        read(path, tmp_path / "work", timestamp_format="%Y;%d/%m/%y")


@pytest.mark.parametrize("patterns", ["%d/%m/%Y;", "day;%Y", "%Y;%Q"])
def test_what_is_no_pattern_among_several(patterns: str) -> None:
    with pytest.raises(ValueError, match="should be a pattern of strptime"):
        RawFileOptions(name="log.csv", reader="table", timestamp_format=patterns)


def test_days_and_instants_of_parquet_become_one_unit(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    for name, kind in (("1", pa.date32()), ("2", pa.timestamp("us"))):
        times = pa.array([datetime(2024, 1, 1, tzinfo=UTC)]).cast(kind)
        table = pa.table({"user_id": ["u"], "item_id": ["i"], "timestamp": times})
        pq.write_table(table, folder / f"{name}.parquet")

    with pytest.raises(SeqrecError, match=r"in fractions of a second, .* in whole seconds; say"):
        read(folder, tmp_path / "work")
    table = frame(read(folder, tmp_path / "work", timestamp_unit="mixed"))
    assert table["timestamp"].tolist() == [1704067200000] * 2


@pytest.mark.parametrize(
    ("first", "late", "early"),
    [
        ("2024-01-01 10:00:00", "2024-01-01 11:00:00.900", "2024-01-01 11:00:00.100"),
        ("1704103200", "1704106800.9", "1704106800.1"),
    ],
)
@pytest.mark.parametrize("event", ["buy", None])
def test_fractions_that_are_cut_off_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str, late: str, early: str, event: str
) -> None:
    monkeypatch.setattr(source, "BLOCK_BYTES", 256)
    path = tmp_path / "log.csv"
    rows = [f"u,i,{first},buy"] * 30 + [f"v,late,{late},buy", f"v,early,{early},view"]
    path.write_text("\n".join(["user_id,item_id,timestamp,event", *rows]))
    where = {"event": event} if event else {}

    log = read(path, tmp_path / "work", where=where)
    kept = frame(read(path, tmp_path / "work", timestamp_unit="mixed"))

    what = "fractions of a second cut off, as the first rows have none (raw.timestamp_unit=mixed "
    assert log.report["changed"] == {f"{what}keeps them)": 1 if event else 2}
    assert log.report["timestamp_unit"] == "s"
    assert kept["timestamp"].tolist()[-2:] == [1704106800900, 1704106800100]


@pytest.mark.parametrize(
    ("first", "late", "early", "cut"),
    [
        ("2019-01-01", "2019-01-01 00:00:00.3", "2019-01-01 00:00:00.2", 0),
        ("1", "2.3", "2.2", 2),
    ],
)
def test_fractions_of_the_second_column_are_kept_or_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str, late: str, early: str, cut: int
) -> None:
    monkeypatch.setattr(source, "BLOCK_BYTES", 256)
    rows = [f"u,a,5,{first}"] * 30 + [f"u,late,5,{late}", f"u,early,5,{early}"]
    (tmp_path / "log.csv").write_text("\n".join(["user_id,item_id,timestamp,at", *rows]))
    columns = {"user": "user_id", "item": "item_id", "order": "at"}

    log = read(tmp_path / "log.csv", tmp_path / "work", columns=columns)

    what = (
        "fractions of the order cut off: the first rows have none, or they are finer than is "
        "kept (write whole numbers)"
    )
    assert log.report["changed"] == ({what: cut} if cut else {})
    if not cut:
        assert frame(log).sort_values("order")["item_id"].tolist()[-2:] == ["early", "late"]


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("2", "1.5", ("whole numbers", "millionths")),
        ("1.5", "2", ("millionths", "whole numbers")),
        ("2019-01-01 00:00:01", "2", ("us", "whole numbers")),
    ],
)
def test_orders_that_two_files_count_otherwise_are_refused(
    tmp_path: Path, first: str, second: str, words: tuple[str, str]
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    for name, at in (("1.csv", first), ("2.csv", second)):
        (folder / name).write_text(f"user_id,item_id,timestamp,at\nu,{name},5,{at}\n")
    columns = {"user": "user_id", "item": "item_id", "order": "at"}

    with pytest.raises(SeqrecError) as error:
        read(folder, tmp_path / "work", columns=columns)
    with pytest.raises(SeqrecError, match=f"order in {' and '.join(sorted(words))}; write"):
        seqrec.read_log([folder / "1.csv", folder / "2.csv"], order="at")

    assert str(error.value) == (
        f"{folder / '2.csv'} counts its order in {words[1]}, {folder / '1.csv'} in {words[0]}; "
        "write the orders of all files alike"
    )


def test_orders_that_two_files_count_alike_stand_in_one_scale(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "1.csv").write_text("user_id,item_id,timestamp,at\nu,late,5,2.5\n")
    (folder / "2.csv").write_text("user_id,item_id,timestamp,at\nu,early,5,1.25\n")
    columns = {"user": "user_id", "item": "item_id", "order": "at"}

    log = read(folder, tmp_path / "work", columns=columns)

    assert log.report["order_counted_in"] == "millionths"
    assert frame(log)["order"].tolist() == [2_500_000, 1_250_000]


@pytest.mark.parametrize(
    ("late", "early", "cut"),
    [
        ("1577836800.000402", "1577836800.000401", 0),
        ("0.0002", "0.0001", 0),
        ("1577836800123.4", "1577836800123.3", 0),
        ("0.1234567", "0.1234561", 2),
    ],
)
def test_fractions_of_an_order_are_kept_or_counted(
    tmp_path: Path, late: str, early: str, cut: int
) -> None:
    (tmp_path / "log.csv").write_text(
        f"user_id,item_id,timestamp,at\nu,late,5,{late}\nu,early,5,{early}\n"
    )
    columns = {"user": "user_id", "item": "item_id", "order": "at"}

    log = read(tmp_path / "log.csv", tmp_path / "work", columns=columns)

    assert sum(log.report["changed"].values()) == cut
    assert frame(log).sort_values("order")["item_id"].tolist() == ["early", "late"]
