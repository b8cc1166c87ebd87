"""Tables of users: any separator, any timestamp, Parquet too."""

import gzip
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import ColumnMapping, RawFileOptions
from seqrec.readers.parts.pieces import Piece
from seqrec.readers.table import read_table

NOON = 1_390_000_000
INSTANT = datetime.fromtimestamp(NOON, UTC)


def read(path: Path, columns: ColumnMapping | None = None, separator: str | None = None) -> Piece:
    options = RawFileOptions(name=path.name, reader="table", columns=columns, separator=separator)
    (piece,) = read_table(path, options)
    return piece


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_the_separator_is_seen_in_the_header(tmp_path: Path, separator: str) -> None:
    rows = [["when", "item id", "who"], ["5", "a", "u"], ["6", "b" + separator, "u"]]
    text = "".join(separator.join(f'"{field}"' for field in row) + "\n" for row in rows)
    columns = ColumnMapping(user="who", item="item id", timestamp="when")

    piece = read(written(tmp_path / "log.csv", text), columns)

    assert piece.interactions["item_id"].to_pylist() == ["a", "b" + separator]
    assert piece.interactions["timestamp"].to_pylist() == [5, 6]
    assert piece.interactions["source_row"].to_pylist() == [2, 3]


@pytest.mark.parametrize(
    ("row", "guess"),
    [
        ("u;a,b;1500000000,5;x", "separated by ';' (guessed among ',' or ';'; raw.separator says"),
        ("u\ta,b,c\t1500000000,5\tx,y", r"separated by ',' (guessed among ',' or '\t'; raw"),
        ("u\ta\t1500000000", ""),
        ("u;a,b;1500000000", ""),
    ],
)
def test_a_separator_that_nothing_confirms_is_called_a_guess(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, row: str, guess: str
) -> None:
    caplog.set_level("INFO")
    log = written(tmp_path / "log.csv", f"{row}\n")

    read(log, ColumnMapping(user=0, item=1, timestamp=2))

    said = [one.message for one in caplog.records]
    assert [guess in line for line in said] == [True] * bool(guess)


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
        (f"{NOON}.001", "ms", NOON * 1000 + 1),
        ("20140117", "s", NOON - 83_200),
        ("2014-01-17 23:06:40", "s", NOON),
        ("2014-01-17T23:06:40.001Z", "ms", NOON * 1000 + 1),
        ('"2014-01-18 01:06:40+02:00"', "s", NOON),
    ],
)
def test_timestamps_of_text(tmp_path: Path, text: str, unit: str, expected: int) -> None:
    log = written(tmp_path / "log.csv", f"user_id,item_id,timestamp\nu,a,{text}\n")

    piece = read(log)

    assert piece.timestamp_unit == unit
    assert piece.interactions["timestamp"].to_pylist() == [expected]


def test_a_table_without_timestamps_is_in_order(tmp_path: Path) -> None:
    log = written(tmp_path / "log.tsv", "user_id\titem_id\nu\tb\nu\ta\n")

    piece = read(log, ColumnMapping(timestamp=None))

    assert piece.timestamp_unit == "order"
    assert piece.interactions["timestamp"].to_pylist() == [2, 3]


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
    ("columns", "wrong", "parameter"),
    [
        (ColumnMapping(), "user_id", "raw.columns.user"),
        (ColumnMapping(user="kunde"), "item_id", "raw.columns.item"),
        (ColumnMapping(user="kunde", items="item_id"), "item_id", "raw.columns.items"),
        (ColumnMapping(user="kunde", item="ware"), "timestamp", "raw.columns.timestamp"),
    ],
)
def test_where_no_name_is_near_the_parameter_is_named(
    columns: ColumnMapping, wrong: str, parameter: str, tmp_path: Path
) -> None:
    log = written(tmp_path / "log.csv", "kunde,ware,xx\nu,a,5\n")
    table = tmp_path / "log.parquet"
    pq.write_table(pa.table({"kunde": ["u"], "ware": ["a"], "xx": [5]}), table)
    for path in (log, table):
        with pytest.raises(SeqrecError) as caught:
            read(path, columns)
        assert f"unknown column '{wrong}' in " in str(caught.value)
        assert str(caught.value).endswith(f"; known: kunde, ware, xx; name yours, {parameter}=NAME")


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

    piece = read(path)

    assert piece.interactions["user_id"].to_pylist() == expected
    assert len(piece.interactions) + len(piece.rejected) == 3
    assert set(piece.rejected["reason"].to_pylist()) <= {"empty user id"}


@pytest.mark.parametrize(
    ("times", "unit", "expected"),
    [
        (pa.array([NOON, None]), "s", [NOON]),
        (pa.array([NOON * 1000, 0], pa.int64()), "ms", [NOON * 1000, 0]),
        (pa.array([float(NOON), float("nan")]), "s", [NOON]),
        (pa.array([NOON + 0.5, NOON + 0.125]), "ms", [NOON * 1000 + 500, NOON * 1000 + 125]),
        (pa.array([float(NOON), 1e300]), "s", [NOON]),
        (pa.array([NOON, 2**64 - 1], pa.uint64()), "s", [NOON]),
        (pa.array([20140117, 20140118]), "s", [NOON - 83_200, NOON + 3_200]),
        (pa.array(["2014-01-17 23:06:40", None]).dictionary_encode(), "s", [NOON]),
        (pa.array([str(NOON).encode(), b"\xff"]), "s", [NOON]),
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

    piece = read(path)

    assert piece.timestamp_unit == unit
    assert piece.interactions["timestamp"].to_pylist() == expected
    assert piece.rejected["line_number"].to_pylist() == [2][: 2 - len(expected)]


def broken_text(*values: bytes) -> pa.Array:
    """Strings that are not UTF-8, which Parquet files may hold against their own rules."""
    return pa.array(values, pa.binary()).view(pa.string())


@pytest.mark.parametrize(
    ("ids", "reason"),
    [
        (pa.array([7.0, float("nan")]), "empty user id"),
        (pa.array([7.0, 7.5]), "user id is no text or integer"),
        (pa.array([7.0, 1e300]), "user id went through a float and lost digits"),
        (pa.array([7.0, 2.0**53]), "user id went through a float and lost digits"),
        (pa.array([7.0, 2.0**24], pa.float32()), "user id went through a float and lost digits"),
        (pa.array([7.0, float("inf")], pa.float32()), "user id is no text or integer"),
        (pa.array([b"7", b"\xff"]), "user id is no text or integer"),
        (pa.array([b"7", b"\xff"], pa.large_binary()), "user id is no text or integer"),
        (broken_text(b"7", b"\xff"), "user id is no text or integer"),
        (broken_text(b"7", b"\xff").dictionary_encode(), "user id is no text or integer"),
        (pa.array(["7", None], pa.string_view()), "empty user id"),
    ],
)
def test_one_broken_id_of_parquet_costs_one_row(tmp_path: Path, ids: pa.Array, reason: str) -> None:
    path = tmp_path / "log.parquet"
    times = pa.array([1_000_000_001, 1_000_000_002], pa.timestamp("ns"))
    pq.write_table(pa.table({"user_id": ids, "item_id": ["a", "b"], "timestamp": times}), path)

    piece = read(path)

    assert piece.interactions["user_id"].to_pylist() == ["7"]
    assert piece.rejected.select(["line_number", "reason"]).to_pylist() == [
        {"line_number": 2, "reason": reason}
    ]
    assert piece.rejected_lines == 1


def test_ratings_of_parquet(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    columns = {name: ["a"] * 4 for name in ("user_id", "item_id")}
    table = pa.table({**columns, "timestamp": [1, 2, 3, 4], "stars": ["4.5", "good", "", None]})
    pq.write_table(table, path)

    piece = read(path, ColumnMapping(rating="stars"))

    assert piece.interactions["rating"].to_pylist() == [4.5, None, None]
    assert piece.rejected["reason"].to_pylist() == ["rating is not a number"]
    pq.write_table(table.set_column(3, "stars", pa.array([[1]] * 4)), path)
    with pytest.raises(SeqrecError, match=r"column 'stars' holds list.*, no ratings"):
        read(path, ColumnMapping(rating="stars"))


@pytest.mark.parametrize("kind", ["log.csv", "log.parquet"])
def test_a_column_that_is_there_twice_is_refused_where_it_is_read(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / kind

    def write(names: list[str]) -> None:
        values = ["5" if name == "timestamp" else "u" for name in names]
        if kind == "log.csv":
            written(path, ",".join(names) + "\n" + ",".join(values) + "\n")
        else:
            pq.write_table(pa.table([[value] for value in values], names=names), path)

    write(["x", "x", "user_id", "item_id", "timestamp"])
    assert read(path).interactions["user_id"].to_pylist() == ["u"]

    write(["user_id", "user_id", "item_id", "timestamp"])
    with pytest.raises(SeqrecError, match=r"column 'user_id' stands 2 times in .*rename all but"):
        read(path)


@pytest.mark.parametrize("kind", ["log.csv", "log.parquet"])
def test_a_column_that_is_named_for_two_things_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    table = pa.table({"who": ["u"], "what": ["a"], "when": [1]})
    pq.write_table(table, path) if kind.endswith("parquet") else table.to_pandas().to_csv(
        path, index=False
    )
    columns = ColumnMapping(user="who", item="who", timestamp="when")
    options = RawFileOptions(name=kind, reader="table", columns=columns)
    with pytest.raises(SeqrecError, match=r"column 'who' .*is named for two of user, item"):
        list(read_table(path, options))


@pytest.mark.parametrize("name", ["log.pq", "log.PARQUET", "log"])
def test_parquet_is_known_by_its_content(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    pq.write_table(pa.table({"user_id": ["u"], "item_id": ["a"], "timestamp": [1]}), path)

    assert read(path).interactions["item_id"].to_pylist() == ["a"]
    options = RawFileOptions(name=name, reader="table", member="x")
    with pytest.raises(SeqrecError, match="has no member 'x'; leave out 'member'"):
        read_table(path, options)


def test_packed_parquet_is_refused(tmp_path: Path) -> None:
    plain, packed = tmp_path / "log.parquet", tmp_path / "log.parquet.gz"
    pq.write_table(pa.table({"user_id": ["u"], "item_id": ["a"], "timestamp": [1]}), plain)
    packed.write_bytes(gzip.compress(plain.read_bytes()))

    with pytest.raises(SeqrecError, match=r"log.parquet.gz holds a packed Parquet file.*unpack"):
        read(packed)


@pytest.mark.parametrize("header", ["user_id\titem_id\ttimestamp", '"user_id"\titem_id\ttimestamp'])
def test_quotes_in_a_table_with_tabs(tmp_path: Path, header: str) -> None:
    log = written(tmp_path / "log.tsv", f'{header}\nu1\t"Heroes\t5\nu2\tb\t6\nu3\t"c"\t7\n')

    piece = read(log)

    items = ["b", "c"] if '"' in header else ['"Heroes', "b", "c"]
    assert piece.interactions["item_id"].to_pylist() == items
    assert len(piece.rejected) == 3 - len(items)


def test_what_is_no_log_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    path.write_bytes(b"no parquet at all")
    with pytest.raises(SeqrecError, match="cannot be read as Parquet"):
        read(path)

    pq.write_table(pa.table({"user_id": [[1]], "item_id": ["a"], "timestamp": [1]}), path)
    with pytest.raises(
        SeqrecError, match=r"holds list.*, no ids.* lists of items raw\.columns\.items"
    ):
        read(path)

    pq.write_table(pa.table({"user_id": ["u"], "item_id": ["a"], "timestamp": [True]}), path)
    with pytest.raises(SeqrecError, match="column 'timestamp' holds bool, no timestamps"):
        read(path)


def test_a_line_on_the_separator_is_no_header(tmp_path: Path) -> None:
    log = written(tmp_path / "log.csv", "sep=~\nuser_id~item_id~timestamp\nu~a~5\n")

    piece = read(log)

    assert piece.interactions["source_row"].to_pylist() == [3]
    assert piece.interactions["item_id"].to_pylist() == ["a"]


def test_fractions_behind_a_comma(tmp_path: Path) -> None:
    log = written(
        tmp_path / "log.csv", 'user_id,item_id,timestamp\nu,a,"2019-01-01T00:00:00,250"\n'
    )

    assert read(log).interactions["timestamp"].to_pylist() == [1546300800250]


@pytest.mark.parametrize("again", ["user_id,item_id,timestamp", "item_id,user_id,timestamp"])
def test_a_header_in_the_middle(tmp_path: Path, again: str) -> None:
    log = written(tmp_path / "log.csv", f"user_id,item_id,timestamp\nu,a,5\n{again}\nv,b,6\n")

    if again.startswith("item"):
        with pytest.raises(SeqrecError, match="second header whose columns stand in another order"):
            read(log)
        return
    piece = read(log)
    assert piece.interactions["user_id"].to_pylist() == ["u", "v"]
    assert piece.rejected["reason"].to_pylist() == ["the header again"]


SWAPPED = ("item_id,user_id,timestamp,event", "timestamp,event,user_id,item_id")


@pytest.mark.parametrize("again", [*SWAPPED, '"item_id","user_id","timestamp","event"'])
@pytest.mark.parametrize("timestamp", ["timestamp", None])
@pytest.mark.parametrize("where", [{}, {"event": "buy"}])
def test_a_header_in_another_order_is_seen_among_all_rows(
    tmp_path: Path, again: str, timestamp: str | None, where: dict[str, str]
) -> None:
    rows = [f"u{row},i{row},{NOON + row},buy" for row in range(5)]
    lines = ["user_id,item_id,timestamp,event", *rows, again, *rows]
    log = written(tmp_path / "log.csv", "\n".join(lines))
    columns = ColumnMapping(timestamp=timestamp)
    options = RawFileOptions(name="log.csv", reader="table", columns=columns, where=where)

    with pytest.raises(SeqrecError, match="second header whose columns stand in another order"):
        list(read_table(log, options))


def test_swapped_names_are_a_second_header_whatever_stands_beside_them(tmp_path: Path) -> None:
    lines = ["user_id,item_id,a", "u,i,1", "item_id,user_id,b", "i,u,1"]
    log = written(tmp_path / "log.csv", "\n".join(lines))

    with pytest.raises(SeqrecError, match="second header whose columns stand in another order"):
        read(log, ColumnMapping(timestamp=None))


def test_ids_that_are_names_of_columns_are_ids(tmp_path: Path) -> None:
    lines = ["word,next,timestamp", "next,timestamp,5", "timestamp,x,6", "word,word,7", ""]
    log = written(tmp_path / "log.csv", "\n".join(lines))

    piece = read(log, ColumnMapping(user="word", item="next"))

    assert piece.interactions["user_id"].to_pylist() == ["next", "timestamp", "word"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n\n  \n", "holds nothing but blank lines"),
        ('{"user_id": "u"}\n', "line 1 is an object of JSON; add raw.reader=json_lines"),
    ],
)
def test_what_stands_where_a_header_should(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SeqrecError, match=message):
        read(written(tmp_path / "log.csv", text))


def test_blank_lines_above_the_header(tmp_path: Path) -> None:
    log = written(tmp_path / "log.csv", "\n\nuser_id,item_id,timestamp\nu,a,5\n\n")
    piece = read(log)
    assert piece.interactions["source_row"].to_pylist() == [4]
    assert piece.blank_lines == 3


@pytest.mark.parametrize(
    ("above", "lines", "blank"),
    [("", 0, 0), ("\n \n\n", 3, 3), ("sep=,\n", 1, 0), ("\nsep=,\n\n", 3, 2)],
)
def test_rows_without_a_header_keep_their_numbers(
    tmp_path: Path, above: str, lines: int, blank: int
) -> None:
    log = written(tmp_path / "log.csv", f"{above}u,a,5\nbroken\n\nv,b,6\n")

    piece = read(log, ColumnMapping(user=0, item=1, timestamp=2))

    assert piece.interactions["source_row"].to_pylist() == [lines + 1, lines + 4]
    assert piece.rejected["line_number"].to_pylist() == [lines + 2]
    assert piece.blank_lines == blank + 1


def test_a_separator_of_two_characters(tmp_path: Path) -> None:
    log = written(tmp_path / "log.csv", "user_id::item_id::timestamp\nu::a::5\n")
    assert read(log, separator="::").interactions["item_id"].to_pylist() == ["a"]
