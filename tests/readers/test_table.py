"""Tables of users: any separator, any timestamp, Parquet too."""

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seqrec.configuration import ColumnMapping, RawFileOptions
from seqrec.errors import SeqrecError
from seqrec.readers.batches import Batch
from seqrec.readers.table import read_table

NOON = 1_390_000_000
INSTANT = datetime.fromtimestamp(NOON, UTC)


def read(path: Path, columns: ColumnMapping | None = None, separator: str | None = None) -> Batch:
    options = RawFileOptions(name=path.name, reader="table", columns=columns, separator=separator)
    (batch,) = read_table(path, options)
    return batch


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_the_separator_is_seen_in_the_header(tmp_path: Path, separator: str) -> None:
    rows = [["when", "item id", "who"], ["5", "a", "u"], ["6", "b" + separator, "u"]]
    text = "".join(separator.join(f'"{field}"' for field in row) + "\n" for row in rows)
    columns = ColumnMapping(user="who", item="item id", timestamp="when")

    batch = read(written(tmp_path / "log.csv", text), columns)

    assert batch.interactions["item_id"].to_pylist() == ["a", "b" + separator]
    assert batch.interactions["timestamp"].to_pylist() == [5, 6]
    assert batch.interactions["source_row"].to_pylist() == [2, 3]


def test_an_unusual_separator_is_named(tmp_path: Path) -> None:
    log = written(tmp_path / "log.csv", "user_id~item_id~timestamp\nu~a~5\n")

    assert read(log, separator="~").interactions["item_id"].to_pylist() == ["a"]
    with pytest.raises(SeqrecError, match="no known separator in the header; name it by"):
        read(log)


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        (str(NOON), "s", NOON),
        (f"{NOON}.0", "s", NOON),
        (f"{NOON}001", "ms", NOON * 1000 + 1),
        ("2014-01-17 23:06:40", "s", NOON),
        ("2014-01-17T23:06:40.001Z", "ms", NOON * 1000 + 1),
        ('"2014-01-18 01:06:40+02:00"', "s", NOON),
    ],
)
def test_timestamps_of_text(tmp_path: Path, text: str, unit: str, expected: int) -> None:
    log = written(tmp_path / "log.csv", f"user_id,item_id,timestamp\nu,a,{text}\n")

    batch = read(log)

    assert batch.timestamp_unit == unit
    assert batch.interactions["timestamp"].to_pylist() == [expected]


def test_a_table_without_timestamps_is_in_order(tmp_path: Path) -> None:
    log = written(tmp_path / "log.tsv", "user_id\titem_id\nu\tb\nu\ta\n")

    batch = read(log, ColumnMapping(timestamp=None))

    assert batch.timestamp_unit == "order"
    assert batch.interactions["timestamp"].to_pylist() == [2, 3]


def test_a_missing_column_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    log = written(tmp_path / "log.csv", "userid,item_id,timestamp,stars\nu,a,5,1\n")
    table = tmp_path / "log.parquet"
    pq.write_table(pa.table({"userid": ["u"], "item_id": ["a"], "timestamp": [5]}), table)

    for path in (log, table):
        with pytest.raises(SeqrecError, match=r"unknown column 'user_id' .*mean 'userid'\?"):
            read(path)
    with pytest.raises(SeqrecError, match=r"unknown column 'star' .*mean 'stars'\?"):
        read(log, ColumnMapping(user="userid", rating="star"))


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (pa.array(["a", "", None]), ["a"]),
        (pa.array([7, None, 8]), ["7", "8"]),
        (pa.array([7.0, None, 8.0]), ["7", "8"]),
        (pa.array(["a", "a", "b"]).dictionary_encode(), ["a", "a", "b"]),
        (pa.array(["a", "b", "c"], pa.large_string()), ["a", "b", "c"]),
        (pa.array([b"a", b"b", b"c"]), ["a", "b", "c"]),
    ],
)
def test_ids_of_parquet(tmp_path: Path, ids: pa.Array, expected: list[str]) -> None:
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table({"user_id": ids, "item_id": ids, "timestamp": [1, 2, 3]}), path)

    batch = read(path)

    assert batch.interactions["user_id"].to_pylist() == expected
    assert len(batch.interactions) + len(batch.rejected) == 3
    assert set(batch.rejected["reason"].to_pylist()) <= {"empty user id"}


@pytest.mark.parametrize(
    ("times", "unit", "expected"),
    [
        (pa.array([NOON, None]), "s", [NOON]),
        (pa.array([NOON * 1000, 0], pa.int64()), "ms", [NOON * 1000, 0]),
        (pa.array([float(NOON), float("nan")]), "s", [NOON]),
        (pa.array([NOON, 1], pa.uint32()), "s", [NOON, 1]),
        (
            pa.array([INSTANT, None], pa.timestamp("s")),
            "ms",
            [NOON * 1000],
        ),  # Parquet has no seconds
        (pa.array([INSTANT, None], pa.timestamp("us", "UTC")), "ms", [NOON * 1000]),
        (pa.array([INSTANT, None], pa.timestamp("ns")), "ms", [NOON * 1000]),
        (pa.array([date(1970, 1, 2), None]), "s", [86_400]),
        (pa.array(["2014-01-17 23:06:40", "soon"]), "s", [NOON]),
        (pa.array([str(NOON), None], pa.large_string()), "s", [NOON]),
    ],
)
def test_timestamps_of_parquet(
    tmp_path: Path, times: pa.Array, unit: str, expected: list[int]
) -> None:
    path = tmp_path / "log.parquet"
    table = {"user_id": ["u", "u"], "item_id": ["a", "b"], "timestamp": times, "other": [[1], []]}
    pq.write_table(pa.table(table), path)

    batch = read(path)

    assert batch.timestamp_unit == unit
    assert batch.interactions["timestamp"].to_pylist() == expected
    assert batch.rejected["line_number"].to_pylist() == [2][: 2 - len(expected)]


def test_what_is_no_log_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    path.write_bytes(b"no parquet at all")
    with pytest.raises(SeqrecError, match="cannot be read as Parquet"):
        read(path)

    pq.write_table(pa.table({"user_id": [[1]], "item_id": ["a"], "timestamp": [1]}), path)
    with pytest.raises(SeqrecError, match=r"column 'user_id' holds list.*, no ids"):
        read(path)

    pq.write_table(pa.table({"user_id": ["u"], "item_id": ["a"], "timestamp": [True]}), path)
    with pytest.raises(SeqrecError, match="column 'timestamp' holds bool, no timestamps"):
        read(path)
