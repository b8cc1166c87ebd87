"""Logs from files, and from tables that speak Arrow."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seqrec.errors import SeqrecError
from seqrec.notebook.log import Log, read_log
from seqrec.parameters.raw_sections import ColumnMapping, RawFileOptions
from seqrec.parameters.sections import IngestionOptions
from seqrec.preparation import ingestion
from seqrec.preparation.raw_files import RawFile

HEADER = "customer,sku,day,stars\n"
ROWS = "c1,s1,2024-01-01,5\nc2,s1,2024-01-02,3\nc1,s2,2024-01-03,1\n"
BROKEN = "c1,s1,2024-01-04\n,s1,2024-01-05,2\n"
SHOP: dict[str, Any] = {"user": "customer", "item": "sku", "timestamp": "day", "rating": "stars"}
JANUARY = 1_704_067_200
DAY = 86_400


class Stranger:
    """A table of a library that the project does not know; texts are views, as polars has them."""

    def __init__(self, frame: pd.DataFrame) -> None:
        texts = {name: pa.string_view() for name in ("user_id", "item_id")}
        self.table = pa.table(
            {name: pa.array(frame[name].tolist(), texts.get(name)) for name in frame.columns}
        )

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


def categorical(frame: pd.DataFrame) -> Stranger:
    """The same with ids in dictionaries of views, as polars has categorical text."""
    stranger = Stranger(frame)
    for place, name in enumerate(("user_id", "item_id")):
        coded = pa.array(frame[name].tolist()).dictionary_encode()
        views = coded.dictionary.cast(pa.string_view())
        ids = pa.DictionaryArray.from_arrays(coded.indices.cast(pa.uint32()), views)
        stranger.table = stranger.table.set_column(place, name, ids)
    return stranger


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {"user_id": ["a", "b", "a"], "item_id": ["x", "x", "y"], "timestamp": [3, 2, 1]}
    )


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def rows_of(log: Log) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in log.interactions.to_pylist()]


def test_a_file_with_columns_of_its_own(tmp_path: Path) -> None:
    path = write(tmp_path / "shop.csv", HEADER + ROWS + BROKEN)

    log = read_log(path, **SHOP, max_rejected_share=0.5)

    assert rows_of(log) == [
        ("c1", "s1", JANUARY, 2, 5.0),
        ("c2", "s1", JANUARY + DAY, 3, 3.0),
        ("c1", "s2", JANUARY + 2 * DAY, 4, 1.0),
    ]
    assert log.rejected.select(["source_file", "line_number", "reason"]).to_pylist() == [
        {"source_file": "shop.csv", "line_number": 5, "reason": "3 columns instead of 4"},
        {"source_file": "shop.csv", "line_number": 6, "reason": "empty user id"},
    ]
    assert (log.report["rows_kept"], log.report["rows_rejected"]) == (3, 2)
    assert repr(log) == "Log shop: 3 interactions, 2 rows rejected"


def test_it_reads_as_the_pipeline_does(tmp_path: Path) -> None:
    path = write(tmp_path / "shop.csv", HEADER + ROWS + BROKEN)
    options = RawFileOptions(name=path.name, reader="table", columns=ColumnMapping(**SHOP))
    tolerant = IngestionOptions(max_rejected_share=0.5)

    ours = read_log(str(path), **SHOP, max_rejected_share=0.5)
    theirs = ingestion.read_log(RawFile(path, options), tolerant, tmp_path / "work")

    assert ours.interactions.equals(pq.read_table(theirs.interactions))
    assert ours.rejected.equals(theirs.rejected)
    assert ours.report["files"] == [theirs.report]


@pytest.mark.parametrize(
    "table_of",
    [
        lambda frame: frame,
        lambda frame: frame.set_index("timestamp", drop=False),
        lambda frame: frame.astype({"user_id": "category"}),
        pa.Table.from_pandas,
        lambda frame: pa.Table.from_pandas(frame).to_reader(),
        lambda frame: duckdb.from_arrow(pa.Table.from_pandas(frame)),
        lambda frame: ibis.memtable(frame),
        Stranger,
        categorical,
        read_log,
    ],
    ids=[
        *("pandas", "index", "category", "table", "reader", "duckdb", "ibis", "views"),
        *("categorical", "log"),
    ],
)
def test_any_table_that_speaks_arrow(table_of: Callable[[pd.DataFrame], Any]) -> None:
    log = read_log(table_of(frame()))

    # the rows of a table count from 1, as those of a Parquet file
    assert rows_of(log) == [("a", "x", 3, 1, None), ("b", "x", 2, 2, None), ("a", "y", 1, 3, None)]
    assert log.timestamp_unit == "s"


def test_what_a_table_has_that_is_of_no_use() -> None:
    table = frame().assign(timestamp=[1.0, float("nan"), 3.0], rating=["5", "4", "x"])

    log = read_log(table, rating="rating", max_rejected_share=0.9)

    assert rows_of(log) == [("a", "x", 1, 1, 5.0)]
    assert log.rejected["reason"].to_pylist() == [
        "timestamp is not a number or an ISO date",
        "rating is not a number",
    ]
    assert log.rejected["text"].to_pylist() == ["b,x,None,4", "a,y,3.0,x"]


def test_the_parts_of_a_folder_are_one_log(tmp_path: Path) -> None:
    head, *lines = (HEADER + ROWS).splitlines(keepends=True)
    write(tmp_path / "part-1.csv", head + "".join(lines[:2]) + "c9\n")
    write(tmp_path / "part-2.csv", head + lines[2])
    write(tmp_path / "_SUCCESS", "")

    log = read_log(tmp_path, **SHOP, max_rejected_share=0.5)

    # four lines stand in the first file, the last of them broken
    assert [row[:4] for row in rows_of(log)] == [
        ("c1", "s1", JANUARY, 2),
        ("c2", "s1", JANUARY + DAY, 3),
        ("c1", "s2", JANUARY + 2 * DAY, 4 + 2),
    ]
    assert [part["file"] for part in log.report["files"]] == ["part-1.csv", "part-2.csv"]
    assert log.report["rejected_by_reason"] == {"1 column instead of 4": 1}
    assert log.name == tmp_path.name


def test_several_files_keep_their_order_where_there_are_no_instants(tmp_path: Path) -> None:
    later = write(tmp_path / "a.csv", "user_id,item_id\nu,third\n")
    earlier = write(tmp_path / "b.csv", "user_id,item_id\nu,first\nu,second\n")

    log = read_log([earlier, later], timestamp=None)
    named = {"b": earlier, "a": later}
    for paths in ((path for path in (earlier, later)), named.values(), map(str, named.values())):
        assert read_log(paths, timestamp=None).interactions.equals(log.interactions)
    assert log.interactions["item_id"].to_pylist() == ["first", "second", "third"]
    for source in (tmp_path, tmp_path / "*.csv", f"{tmp_path}/?.csv"):
        by_name = read_log(source, timestamp=None)
        assert by_name.interactions["item_id"].to_pylist() == ["third", "first", "second"]
    times = log.interactions["timestamp"].to_pylist()
    assert times == sorted(set(times))
    assert log.timestamp_unit == "order"


def test_lines_of_sequences_in_several_files(tmp_path: Path) -> None:
    first = write(tmp_path / "1.txt", "u a b c\nv a b\n")
    second = write(tmp_path / "2.txt", "u d e\n")

    log = read_log([first, second], reader="sequence_lines")

    mine = [(row[2], row[1]) for row in rows_of(log) if row[0] == "u"]
    assert [item for _, item in sorted(mine)] == ["a", "b", "c", "d", "e"]


def test_seconds_and_milliseconds_together_are_milliseconds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    header = "user_id,item_id,timestamp\n"
    write(tmp_path / "1.csv", f"{header}u,a,1700000000\n")
    write(tmp_path / "2.csv", f"{header}u,b,1700000000500\n")

    log = read_log(tmp_path)

    assert log.timestamp_unit == "ms"
    assert log.interactions["timestamp"].to_pylist() == [1_700_000_000_000, 1_700_000_000_500]
    assert "1 of 2 files have timestamps in seconds" in caplog.text


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("shop.csv", {**SHOP, "item": "skew"}, "unknown column 'skew' in the header of .*'sku'"),
        (
            "shop.csv",
            {**SHOP, "user": 3},
            "column .sku. by its name, column 3 by its position; name all, or",
        ),
        ("shop.csv", {**SHOP, "reader": "tabel"}, "unknown reader 'tabel'; did you mean 'table'"),
        ("shop.csv", {"user": "x", "reader": "yelp_reviews"}, "option user=x means nothing to"),
        ("shop.csv", {**SHOP, "max_rejected_share": 2}, "parameter max_rejected_share: "),
        ("shop.csv", {**SHOP, "separator": 3}, "parameter separator: should be text"),
        ("nowhere.csv", {}, "no file or folder .*nowhere.csv; check its name"),
        ("no*.csv", {}, "no file is called like .*no.*csv; check the pattern"),
        ("empty", {}, "no file in the folder .*empty"),
        ([], {}, "no file is named"),
        (7, {}, "not from int"),
        (frame(), {"item": "item"}, "unknown column 'item' in the table; did you mean 'item_id'"),
        (frame(), {"user": "item_id"}, "column 'item_id' in the table is named for two of user"),
        (pd.concat([frame(), frame()], axis=1), {}, "the table cannot be read as Arrow .*; mend"),
        (frame(), {"reader": "atomic"}, "option reader=atomic is for files"),
        (frame()[:0], {}, "the table holds no interactions"),
        (frame().assign(user_id=pd.Series([["a"]] * 3)), {}, "column 'user_id' holds list.*no ids"),
        (frame().assign(item_id=["x", 1, 2]), {}, "the table cannot be read as Arrow .*; mend"),
    ],
)
def test_what_cannot_be_read_is_one_line(
    tmp_path: Path, source: Any, options: dict[str, Any], message: str
) -> None:
    write(tmp_path / "shop.csv", HEADER + ROWS)
    (tmp_path / "empty").mkdir()
    place = tmp_path / source if isinstance(source, str) else source
    with pytest.raises(SeqrecError, match=message) as raised:
        read_log(place, **options)
    assert "\n" not in str(raised.value)


def test_parts_without_rows(tmp_path: Path) -> None:
    for name, text in {"a.csv": "", "b.csv": HEADER, "c.csv": HEADER + ROWS}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    alone = read_log(tmp_path / "c.csv", **SHOP)
    log = read_log(tmp_path, **SHOP)
    assert log.interactions.drop(["source_row"]) == alone.interactions.drop(["source_row"])
    assert log.report["timestamps_written_in"] == alone.report["timestamps_written_in"]
    (tmp_path / "c.csv").unlink()
    with pytest.raises(SeqrecError, match="none of the 2 files holds interactions"):
        read_log(tmp_path, **SHOP)


def test_parts_of_which_no_row_is_wanted(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(HEADER + ROWS, encoding="utf-8")
    with pytest.raises(SeqrecError, match="where leaves none of 6 rows of 2 files; check"):
        read_log(tmp_path, **SHOP, where={"stars": 9})
