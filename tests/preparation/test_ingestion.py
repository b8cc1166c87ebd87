"""From a raw file to the table of interactions, the rejected rows and the report."""

import errno
import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import Publisher, RawFileOptions, RawOptions
from seqrec.parameters.sections import IngestionOptions
from seqrec.preparation import ingestion, tally
from seqrec.preparation.ingestion import IngestedLog, read_log, row_groups
from seqrec.preparation.raw_files import RawFile, find_raw_file
from seqrec.readers import INTERACTIONS
from seqrec.readers.parts import source

HEADER = "user_id,item_id,timestamp\n"
GOOD = "".join(f"u{row % 7},i{row % 5},{1000 + row}\n" for row in range(98))


def ingested(
    folder: Path, text: str | bytes, share: float = 0.05, reader: str = "table"
) -> IngestedLog:
    path = folder / "log.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    raw_file = RawFile(path, RawFileOptions(name="log.csv", reader=reader))
    return read_log(raw_file, IngestionOptions(max_rejected_share=share), folder / "work")


def left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "work").glob("*"))


def test_a_log_with_broken_rows(tmp_path: Path) -> None:
    raw = (HEADER + GOOD).encode() + b"u1,i1\n\nu1,\xff,5\n"

    log = ingested(tmp_path, raw)

    table = pq.read_table(log.interactions)
    assert table.schema.equals(INTERACTIONS)
    assert table.slice(0, 1).to_pylist() == [
        {"user_id": "u0", "item_id": "i0", "timestamp": 1000, "source_row": 2, "rating": None}
    ]
    assert log.rejected.to_pylist() == [
        {
            "source_file": "log.csv",
            "line_number": 100,
            "reason": "2 columns instead of 3",
            "text": "u1,i1",
        },
        {
            "source_file": "log.csv",
            "line_number": 102,
            "reason": "bytes are not UTF-8",
            "text": "u1,�,5",
        },
    ]
    assert log.report == {
        "file": "log.csv",
        "sha256": hashlib.sha256(raw).hexdigest(),
        "reader": "table",
        "timestamp_unit": "s",
        "timestamps_written_in": "s",
        "timestamps_guessed": True,
        "first_and_last_instant": ["1970-01-01 00:16:40", "1970-01-01 00:18:17"],
        "rows_read": 100,
        "rows_kept": 98,
        "rows_rejected": 2,
        "rejected_by_reason": {"2 columns instead of 3": 1, "bytes are not UTF-8": 1},
        "rows_left_out": 0,
        "changed": {},
        "blank_lines": 1,
    }
    assert left_over(tmp_path) == ["interactions.parquet"]


def test_too_many_broken_rows_stop_with_one_line(tmp_path: Path) -> None:
    text = HEADER + GOOD + "u1,i1\nu1,i1,soon\nu1,i2,soon\n"

    with pytest.raises(SeqrecError) as error:
        ingested(tmp_path, text, share=0.02)

    assert str(error.value) == (
        f"{tmp_path}/log.csv: 3 of 101 rows (3.0%) cannot be read, mostly 'timestamp is not a "
        "number or an ISO date' (2, first in line 101); say how they are written, "
        "raw.timestamp_format=%d/%m/%Y say, or by all patterns there are, "
        "raw.timestamp_format='%d/%m/%Y;%Y-%m-%d', or raise ingestion.max_rejected_share (0.02)"
    )
    assert left_over(tmp_path) == []


def test_the_lines_of_rejected_rows_count(tmp_path: Path) -> None:
    text = HEADER + GOOD + 'u1,"a\nb\nc",1,x\nu2\n'

    assert ingested(tmp_path, text, share=0.04).report["rows_rejected"] == 2
    with pytest.raises(SeqrecError) as error:
        ingested(tmp_path, text, share=0.03)

    assert "4 of 102 lines (3.9%) cannot be read, mostly '4 columns" in str(error.value)
    assert "(1, first in line 100)" in str(error.value)


def test_dates_of_another_form_are_told_which_are_read(tmp_path: Path) -> None:
    with pytest.raises(SeqrecError, match=r"not a number or an ISO date'.*; say how they are"):
        ingested(tmp_path, HEADER + "u,a,spring\nu,b,the 13th\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER, "holds no interactions; is it the right file?"),
        (HEADER + "\n\n", "holds no interactions; is it the right file?"),
        (HEADER + "a\nb\n", r"2 of 2 rows \(100.0%\) .*; is 'table' the right reader\?"),
        ("", "log.csv is empty; fetch the file again"),
        ("user,item_id,timestamp\n", "unknown column 'user_id' .*did you mean"),
    ],
)
def test_a_log_of_no_use_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SeqrecError, match=message) as error:
        ingested(tmp_path, text, share=1.0)

    assert "\n" not in str(error.value)
    assert left_over(tmp_path) == []


def test_a_file_of_another_kind_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "HOPELESS", 10)
    monkeypatch.setattr(source, "BLOCK_BYTES", 50)

    with pytest.raises(SeqrecError, match=r"1[0-9] of 1[0-9] rows"):
        ingested(tmp_path, HEADER + "x\n" * 10_000)


def test_a_file_cut_off_leaves_nothing_and_keeps_what_was_there(tmp_path: Path) -> None:
    before = ingested(tmp_path, HEADER + GOOD).interactions.read_bytes()

    with pytest.raises(SeqrecError, match="cut off before its end"):
        ingested(tmp_path, gzip.compress((HEADER + GOOD).encode())[:-9])

    assert (tmp_path / "work" / "interactions.parquet").read_bytes() == before
    assert left_over(tmp_path) == ["interactions.parquet"]


def test_a_full_disk_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(tables: Iterator[pa.Table], path: Path) -> None:
        path.write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ingestion, "write_interactions", full)

    with pytest.raises(SeqrecError, match=r"no space left .* saving .*; nothing of it was"):
        ingested(tmp_path, HEADER + GOOD)

    assert left_over(tmp_path) == []


def test_the_bytes_do_not_depend_on_the_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingestion, "ROW_GROUP", 40)
    contents = set()
    for size in (50, 333, 1 << 20):
        monkeypatch.setattr(source, "BLOCK_BYTES", size)
        log = ingested(tmp_path, HEADER + GOOD)
        contents.add(log.interactions.read_bytes())

    assert len(contents) == 1
    file = pq.ParquetFile(log.interactions)
    assert [file.metadata.row_group(i).num_rows for i in range(3)] == [40, 40, 18]


def test_rows_come_in_groups_of_one_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingestion, "ROW_GROUP", 4)
    tables = [pa.table({"x": pa.array(range(n), pa.int64())}) for n in (1, 0, 9, 2)]

    assert [len(group) for group in row_groups(iter(tables))] == [4, 4, 4]
    assert list(row_groups(iter([]))) == []


FILES = (
    RawFileOptions(name="first.zip", reader="table"),
    RawFileOptions(name="second.csv", reader="table"),
)


def test_the_first_file_that_is_there_is_read(tmp_path: Path) -> None:
    raw = RawOptions(files=FILES)
    (tmp_path / "second.csv").touch()
    assert find_raw_file("d", raw, tmp_path) == (tmp_path / "second.csv", FILES[1])

    (tmp_path / "first.zip").touch()
    assert find_raw_file("d", raw, tmp_path) == (tmp_path / "first.zip", FILES[0])


@pytest.mark.parametrize(
    ("source_of_it", "remedy"),
    [
        (
            {"publisher": Publisher(url="http://x/first.zip")},
            "run `kedro run --pipeline download --params dataset=d` or name its folder by "
            "--params raw_dir=DIR",
        ),
        (
            {"publisher": Publisher(form="http://x/form")},
            "ask its publisher at http://x/form and put it there, or name its folder by "
            "--params raw_dir=DIR",
        ),
        (
            {"note": "in the authors' repository"},
            "put it there or name its folder by --params raw_dir=DIR (in the authors' repository)",
        ),
    ],
)
def test_a_missing_file_comes_with_its_remedy(
    tmp_path: Path, source_of_it: dict[str, Any], remedy: str
) -> None:
    raw = RawOptions(files=FILES, **source_of_it)

    with pytest.raises(SeqrecError) as error:
        find_raw_file("d", raw, tmp_path / "none")

    assert str(error.value) == (
        f"data set 'd': no first.zip or second.csv in {tmp_path}/none (no such folder); {remedy}"
    )


REAL = [
    ("amazon-2014-beauty", "raw/amazon-2014-beauty", 198_502),
    ("amazon-2018-all-beauty", "raw/amazon-2018-small", 5_269),
    ("amazon-2018-fashion", "raw/amazon-2018-small", 3_176),
    ("amazon-2018-gift-cards", "raw/amazon-2018-small", 2_972),
    ("yelp-2019", "raw/yelp-2019", 316_354),
    ("movielens-100k", "raw/movielens-100k", 100_000),
    ("movielens-latest-small", "raw/movielens-latest-small", 100_836),
    ("hetrec2011-lastfm-2k", "raw/hetrec2011-lastfm-2k", 186_479),
    ("beauty", "sequences", 198_502),
    ("sports", "sequences", 296_337),
    ("yelp", "sequences", 316_354),
    ("lastfm", "sequences", 52_551),
    ("ml-1m", "sequences", 999_611),
]


@pytest.mark.parametrize(("dataset", "folder", "rows"), REAL)
def test_real_logs_are_read_whole(
    tmp_path: Path, shared_folder: Path, dataset: str, folder: str, rows: int
) -> None:
    import yaml

    block = Path(__file__).parents[2] / f"conf/base/parameters/datasets/{dataset}.yml"
    raw = RawOptions(**yaml.safe_load(block.read_text(encoding="utf-8"))[dataset]["raw"])

    raw_file = find_raw_file(dataset, raw, shared_folder / "datasets" / folder)
    log = read_log(raw_file, IngestionOptions(max_rejected_share=0.0), tmp_path)

    assert (log.report["rows_kept"], log.report["rows_rejected"]) == (rows, 0)
    assert pq.read_metadata(log.interactions).num_rows == rows
