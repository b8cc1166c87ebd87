"""Files as people pack, cut and encode them: all give the plain log."""

import bz2
import gzip
import lzma
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seqrec.errors import SeqrecError
from seqrec.notebook.log import read_log
from seqrec.readers.parts import source
from seqrec.readers.parts.encodings import best_guess
from tests.readers.logs import frame, read

PLAIN = Path(__file__).parent / "wild" / "plain.csv"
COLUMNS = ["user_id", "item_id", "timestamp"]
ROWS = pd.read_csv(PLAIN)


def zstd(data: bytes) -> bytes:
    packed: bytes = pa.compress(data, codec="zstd", asbytes=True)
    return packed


def lz4(data: bytes) -> bytes:
    packed: bytes = pa.compress(data, codec="lz4", asbytes=True)
    return packed


def is_plain(log: Any) -> bool:
    return bool(frame(log)[COLUMNS].equals(ROWS[COLUMNS]))


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [
        ("gz", gzip.compress),
        ("bz2", bz2.compress),
        ("xz", lzma.compress),
        ("zst", zstd),
        ("lz4", lz4),
    ],
)
def test_packed_files(tmp_path: Path, suffix: str, pack: Any) -> None:
    """By their names, by their content alone, in two streams one behind the other, cut off."""
    data = PLAIN.read_bytes()
    half = data.index(b"\n", len(data) // 2) + 1
    for name, content in {
        f"log.csv.{suffix}": pack(data),
        "log.csv": pack(data),
        f"two.csv.{suffix}": pack(data[:half]) + pack(data[half:]),
    }.items():
        (tmp_path / name).write_bytes(content)
        assert is_plain(read(tmp_path / name, tmp_path / "work"))
    (tmp_path / "cut").write_bytes(pack(data)[:-9])
    with pytest.raises(SeqrecError, match=r"cut off|cannot be read") as error:
        read(tmp_path / "cut", tmp_path / "work")
    assert "\n" not in str(error.value)
    (tmp_path / f"no.{suffix}").write_bytes(data)
    with pytest.raises(SeqrecError, match="file, though its name says so"):
        read(tmp_path / f"no.{suffix}", tmp_path / "work")


@pytest.mark.parametrize("name", ["log.tar", "log.tgz", "log.tar.bz2", "log.tar.xz", "log.tbz2"])
def test_tar_in_any_packing(tmp_path: Path, name: str) -> None:
    mode: Any = {"tar": "w", "tgz": "w:gz", "tbz2": "w:bz2"}.get(name[4:], f"w:{name[8:]}")
    with tarfile.open(tmp_path / name, mode) as archive:
        for member in ("readme.txt", "log.csv"):
            entry = tarfile.TarInfo(member)
            data = PLAIN.read_bytes() if member == "log.csv" else b"no log"
            entry.size = len(data)
            archive.addfile(entry, BytesIO(data))

    assert is_plain(read(tmp_path / name, tmp_path / "work", member="log.csv"))


@pytest.mark.parametrize(
    ("begin", "message"),
    [
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "is a 7z archive; unpack it"),
        (b"Rar!\x1a\x07\x00", "is a rar archive; unpack it"),
        (b"\x1f\x9d\x90", r"packed by compress \(.Z\); unpack it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old Excel or Office file; save it as CSV"),
        (b"SQLite format 3\x00", "a SQLite database; export the table"),
        (b"ARROW1\x00\x00", r"an Arrow \(Feather\) file; write it as Parquet"),
        (b"\x89HDF\r\n", "an HDF5 file; write it as Parquet"),
        (b"<!DOCTYPE html><html>", "a web page; fetch the file itself"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of git LFS; fetch"),
    ],
)
def test_what_is_not_read_is_called_by_its_name(tmp_path: Path, begin: bytes, message: str) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(begin + b"x" * 100)
    with pytest.raises(SeqrecError, match=message) as error:
        read(path, tmp_path)
    assert "\n" not in str(error.value)


def test_line_ends_of_old_macs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "BLOCK_BYTES", 100)
    path = tmp_path / "log.csv"
    path.write_bytes(PLAIN.read_bytes().replace(b"\r", b"").replace(b"\n", b"\r"))

    assert is_plain(read(path, tmp_path / "work"))


NAMES = {
    "cp1252": ["José", "Zoë", "Müller", "Françoise"],
    "cp1250": ["Łukasz", "Żaneta", "Grażyna", "Świętosław"],
    "cp1251": ["Иван", "Мария", "Ольга", "Дмитрий"],
    "gb18030": ["王小明", "李娜娜", "张伟强", "刘洋洋"],
    "euc_kr": ["김철수씨", "이영희씨", "박지성씨", "최민수씨"],
}


def named(encoding: str) -> tuple[str, list[str]]:
    names = NAMES.get(encoding, NAMES["cp1252"])
    users = [f"{names[row % 4]} {row % 7}" for row in range(200)]
    lines = [f"{user},i{row % 9},{1_500_000_000 + row}\n" for row, user in enumerate(users)]
    return "user_id,item_id,timestamp\n" + "".join(lines), users


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig", "cp1252", "gb18030"])
def test_an_encoding_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setattr(source, "BLOCK_BYTES", 101)  # cut within letters
    text, users = named(encoding)
    path = tmp_path / "log.csv"
    path.write_bytes(text.encode(encoding))

    assert frame(read(path, tmp_path, encoding=encoding))["user_id"].tolist() == users


@pytest.mark.parametrize("encoding", [*NAMES, "utf-16", "utf-16-be"])
def test_an_encoding_is_guessed_with_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, encoding: str
) -> None:
    text, users = named(encoding)
    path = tmp_path / "log.csv"
    path.write_bytes(text.encode(encoding))
    if encoding == "utf-16-be":  # without a mark
        with pytest.raises(SeqrecError, match=r"UTF-16 without a mark; say which, raw\.encoding"):
            read(path, tmp_path)
        return
    caplog.set_level("INFO")

    assert frame(read(path, tmp_path))["user_id"].tolist() == users
    assert "log.csv is" in caplog.text


def test_one_flaw_is_no_other_encoding(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(PLAIN.read_bytes() + b"u\xff,i,1500000000\n")

    log = read(path, tmp_path, share=0.01)

    assert log.report["rejected_by_reason"] == {"bytes are not UTF-8": 1}


def test_an_encoding_that_is_none(tmp_path: Path) -> None:
    for name, message in {
        "utf-9": "'utf-9' is no encoding; write utf-8",
        "hex": "'hex' is no encoding",
        "utf-16": "log.csv is not utf-16",
    }.items():
        path = tmp_path / "log.csv"
        path.write_bytes(PLAIN.read_bytes()[:1001])
        with pytest.raises(SeqrecError, match=message) as error:
            read(path, tmp_path, encoding=name)
        assert "\n" not in str(error.value)


def test_letters_that_stand_alone_are_western() -> None:
    assert best_guess("Beyoncé\nMötley Crüe\nSigur Rós\n".encode("latin-1")) == "cp1252"


def cut(folder: Path, kind: str) -> None:
    """The plain log in four parts, beside what Spark and systems put there."""
    folder.mkdir()
    for part, rows in enumerate(np.array_split(np.arange(len(ROWS)), 4)):
        piece = ROWS.iloc[rows]
        if kind == "parquet":
            pq.write_table(pa.Table.from_pandas(piece), folder / f"part-{part:05}.parquet")
        else:
            piece.to_csv(folder / f"part-{part:05}.csv{kind}", index=False)
    (folder / "_SUCCESS").touch()
    (folder / ".part-00000.crc").write_bytes(b"crc")


@pytest.mark.parametrize("kind", ["", ".gz", ".bz2", "parquet"])
def test_a_folder_of_parts_and_a_pattern(tmp_path: Path, kind: str) -> None:
    cut(tmp_path / "logs", kind)

    for path in (tmp_path / "logs", tmp_path / "logs" / "part-*", tmp_path / "*" / "part*"):
        log = read(path, tmp_path / "work")
        assert is_plain(log)
        rows = frame(log)["source_row"]
        assert rows.is_monotonic_increasing
        assert rows.is_unique
        assert [part["rows_kept"] for part in log.report["files"]] == [120] * 4
        assert len({part["sha256"] for part in log.report["files"]}) == 4


def test_rejected_rows_name_their_file_and_line(tmp_path: Path) -> None:
    cut(tmp_path / "logs", "")
    with (tmp_path / "logs" / "part-00002.csv").open("a") as file:
        file.write("only,two\n")

    log = read(tmp_path / "logs", tmp_path / "work", share=0.01)

    assert log.rejected.select(["source_file", "line_number"]).to_pylist() == [
        {"source_file": "part-00002.csv", "line_number": 122}
    ]


def test_folders_that_stand_for_a_column(tmp_path: Path) -> None:
    """As Hive and Spark partition Parquet: event=buy/day=1/part.parquet."""
    events = np.array(["buy", "view", "buy"])[np.arange(len(ROWS)) % 3]
    table = ROWS.assign(event=events)
    for event, rows in table.groupby("event"):
        folder = tmp_path / "log" / f"event={event}"
        folder.mkdir(parents=True)
        pq.write_table(pa.Table.from_pandas(rows.drop(columns="event")), folder / "p.parquet")

    log = read(tmp_path / "log", tmp_path / "work", where={"event": "buy"})

    assert log.report["rows_left_out"] == int((events == "view").sum())
    bought = ROWS[events == "buy"].reset_index(drop=True)
    assert frame(log)[COLUMNS].equals(bought[COLUMNS])


def test_positions_go_on_from_file_to_file(tmp_path: Path) -> None:
    cut(tmp_path / "logs", "")
    columns = {"user": "user_id", "item": "item_id", "timestamp": None}

    table = frame(read(tmp_path / "logs", tmp_path / "work", columns=columns))

    assert table["timestamp"].is_monotonic_increasing
    assert table["timestamp"].is_unique
    assert table["item_id"].tolist() == ROWS["item_id"].tolist()


LISTS = {
    "table": ("user,history\nu1,a b c d\nv,e f g h\n", "user,history\nu1,i j k l\n"),
    "sequence_lines": ("u1 a b c d\nv e f g h\n", "u1 i j k l\n"),
    "json_lines": (
        '{"user": "u1", "r": [{"i": "a"}, {"i": "b"}, {"i": "c"}, {"i": "d"}]}\n'
        '{"user": "v", "r": [{"i": "e"}, {"i": "f"}, {"i": "g"}, {"i": "h"}]}\n',
        '{"user": "u1", "r": [{"i": "i"}, {"i": "j"}, {"i": "k"}, {"i": "l"}]}\n',
    ),
}
OF_LISTS: dict[str, dict[str, Any] | None] = {
    "table": {"user": "user", "items": "history", "timestamp": None},
    "json_lines": {"user": "user", "item": "r.i", "timestamp": None},
    "sequence_lines": None,
}


@pytest.mark.parametrize("reader", LISTS)
def test_positions_of_lists_go_on_from_file_to_file(tmp_path: Path, reader: str) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    for name, text in zip(("1", "2"), LISTS[reader], strict=True):
        (folder / name).write_text(text)

    table = frame(read(folder, tmp_path / "work", reader, columns=OF_LISTS[reader]))
    log = read_log(folder, reader=reader, **(OF_LISTS[reader] or {}))

    mine = table[table["user_id"] == "u1"].sort_values("timestamp")
    assert mine["item_id"].tolist() == list("abcdijkl")
    assert mine["timestamp"].is_unique
    assert log.interactions.to_pandas().equals(table)


def test_files_of_two_units_are_refused_unless_both_are_said(tmp_path: Path) -> None:
    cut(tmp_path / "logs", "")
    last = ROWS.iloc[360:].assign(timestamp=ROWS["timestamp"].iloc[360:] * 1000)
    last.to_csv(tmp_path / "logs" / "part-00003.csv", index=False)

    with pytest.raises(SeqrecError, match=r"part-00003.csv has timestamps in ms, .* in s; say"):
        read(tmp_path / "logs", tmp_path / "work")
    table = frame(read(tmp_path / "logs", tmp_path / "work", timestamp_unit="mixed"))
    assert (table["timestamp"] // 1000).tolist() == ROWS["timestamp"].tolist()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing-*", "no file is called like .*nothing-.*; check the pattern"),
        ("empty", "no file in the folder .*empty"),
        ("nowhere.csv", "no file or folder .*nowhere.csv; check its name"),
    ],
)
def test_no_file_at_all(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SeqrecError, match=message):
        read(tmp_path / name, tmp_path / "work")


def test_backslashes_before_quotes_as_spark_writes_them(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "user_id,title,item_id,timestamp\n"
        'u1,"plain, with a comma",a,1\n'
        'u2,"the \\"best\\", they say",b,2\n'
        'u3,"ends in one \\"",c,3\n'
        'u4,"C:\\\\",d,4\n'
        'u5,"doubled ""quotes"", too",e,5\n'
    )

    table = frame(read(path, tmp_path))

    assert table["user_id"].tolist() == ["u1", "u2", "u3", "u4", "u5"]
    assert table["item_id"].tolist() == ["a", "b", "c", "d", "e"]


def test_parts_without_rows_and_columns_in_another_order(tmp_path: Path) -> None:
    """Spark writes empty parts; other programs a header alone."""
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.csv").touch()
    (folder / "b.csv").write_text("user_id,item_id,timestamp\n")
    (folder / "c.csv").write_text("user_id,item_id,timestamp\nu,i,5\n")
    (folder / "d.csv").write_text("timestamp,user_id,item_id\n6,v,j\n")

    log = read(folder, tmp_path / "work")

    table = frame(log)[COLUMNS]
    assert list(table.itertuples(index=False, name=None)) == [("u", "i", 5), ("v", "j", 6)]
    names = [(part["file"], part["rows_kept"]) for part in log.report["files"]]
    assert names == [("a.csv", 0), ("b.csv", 0), ("c.csv", 1), ("d.csv", 1)]
    assert len({part["sha256"] for part in log.report["files"]}) == 4


def test_parts_of_which_one_must_be_read_wrong_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    for first, second, message in (
        ("43496.5", "43497", "log.*in s, .* in excel; .* raw.timestamp_unit=excel: all are days"),
        ("20190131", "5", "in s, .* in YYYYMMDD; "),
    ):
        for name, time in (("a.csv", first), ("b.csv", second)):
            (folder / name).write_text(f"user_id,item_id,timestamp\nu,i,{time}\n")
        with pytest.raises(SeqrecError, match=message):
            read(folder, tmp_path / "work")
    (folder / "b.csv").write_text("user_id,item_id,timestamp\nu,i,1548892800\n")
    assert frame(read(folder, tmp_path / "work"))["timestamp"].tolist() == [1548892800] * 2
