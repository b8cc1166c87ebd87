"""Logs read in shares are the logs read in one pass: rows, rejected rows, reports and refusals.

No Spark is needed here: tasks run one after the other, on blocks of a few lines.
"""

import bz2
import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import ColumnMapping, RawFileOptions
from seqrec.parameters.sections import IngestionOptions
from seqrec.preparation.ingestion import read_log
from seqrec.preparation.raw_files import RawFile, full_parts
from seqrec.readers.parts import source
from seqrec.spark import slices as sharing
from seqrec.spark.ingestion import Gathered
from seqrec.spark.slices import Share, share_out, survey
from seqrec.spark.tasks import FOUND, REJECTED_ROW, ROW, TOLD, Told, read_share

WILD = Path(__file__).parents[1] / "readers" / "wild"
BY_POSITION = {"user": 0, "item": 1, "timestamp": 4}
ROWS = [f"u{n % 7},i{n % 11},{1_600_000_000 + n}" for n in range(120)]
HEADER = "user_id,item_id,timestamp"


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (source, sharing):
        monkeypatch.setattr(module, "BLOCK_BYTES", 256)
    monkeypatch.setattr(sharing, "BLOCKS_A_TASK", 2)


def options_of(path: Path, reader: str = "table", **form: Any) -> RawFileOptions:
    if isinstance(form.get("columns"), dict):
        form["columns"] = ColumnMapping(**form["columns"])
    return RawFileOptions(name=path.name, reader=reader, **form)


def in_one_pass(raw_file: RawFile, work: Path) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    log = read_log(raw_file, IngestionOptions(max_rejected_share=0.4), work)
    return pq.read_table(log.interactions).to_pandas(), log.rejected.to_pandas(), log.report


def shares_of(raw_file: RawFile) -> tuple[dict[int, tuple[Path, str]], list[Share]]:
    files = dict(enumerate(full_parts(raw_file)))
    paths = {file: path for file, (path, _) in files.items()}

    def look(cut: list[Share]) -> list[sharing.Survey]:
        return [survey(share, raw_file.options) for share in cut]

    return files, share_out(paths, raw_file.options, look)


def in_shares(raw_file: RawFile) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    files, shares = shares_of(raw_file)
    log = Gathered(raw_file, IngestionOptions(max_rejected_share=0.4), files, shares)
    batches = []
    for number, share in enumerate(shares):
        batches += list(read_share(number, share, raw_file.options, patient=False))
    found = pa.Table.from_batches(batches, FOUND).to_pandas()
    for text in found.loc[found.kind == TOLD, "text"]:
        log.add(Told.from_json(text))
    log.tally.check()
    kept = found[found.kind == ROW].reset_index(drop=True)
    kept["source_row"] += kept.file.map({file: b.rows for file, b in log.before.items()})
    if log.tally.all.timestamp_unit == "order":
        kept["timestamp"] += kept.file.map({file: b.positions for file, b in log.before.items()})
    names = ["user_id", "item_id", "timestamp", "source_row", "rating"]
    broken = found[found.kind == REJECTED_ROW].sort_values(["file", "source_row", "order"])
    broken["source_file"] = broken.file.map({file: label for file, (_, label) in files.items()})
    broken = broken.rename(columns={"source_row": "line_number"}).reset_index(drop=True)
    return (
        kept[[*names, *(["order"] if log.second_order else [])]],
        broken[["source_file", "line_number", "reason", "text"]],
        log.report(),
    )


def assert_same(raw_file: RawFile, work: Path) -> int:
    """Compare both ways, refusals too; return how many shares there were."""
    try:
        rows, rejected, report = in_one_pass(raw_file, work / "work")
    except SeqrecError as error:
        refusal = str(error)
    else:
        shared_rows, shared_rejected, shared_report = in_shares(raw_file)
        pd.testing.assert_frame_equal(shared_rows, rows, check_dtype=False)
        pd.testing.assert_frame_equal(shared_rejected, rejected, check_dtype=False)
        assert shared_report == report
        return len(shares_of(raw_file)[1])
    with pytest.raises(SeqrecError) as also:
        in_shares(raw_file)
    assert str(also.value) == refusal
    return 0


@pytest.mark.parametrize("name", sorted(path.name for path in WILD.iterdir()))
@pytest.mark.parametrize("columns", [None, BY_POSITION])
def test_logs_of_the_forms_people_have(
    tmp_path: Path, name: str, columns: dict[str, Any] | None
) -> None:
    assert_same(RawFile(WILD / name, options_of(WILD / name, columns=columns)), tmp_path)


@pytest.mark.parametrize(
    ("lines", "cut"),
    [
        ([HEADER, *ROWS], True),
        ([HEADER, "", *ROWS[:40], "", "x,y", *ROWS[40:], "a,b,c,d", ""], True),
        ([HEADER, *ROWS[:50], "u1,i1,yesterday", HEADER, *ROWS[50:]], True),
        ([HEADER, *ROWS[:50], "u1,i1," + "9" * 700, *ROWS[50:]], True),
        ([HEADER, *ROWS[:50], '"u1","i,1",1600000000', *ROWS[50:]], False),
        ([HEADER, *ROWS[:50], 'u1,i"1,1600000000', *ROWS[50:], 'u"1,i1,1600000000'], False),
        ([HEADER, *(["x,y"] * 60), *ROWS], False),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_tables(tmp_path: Path, lines: list[str], cut: bool, end: str, mark: bytes) -> None:
    log = tmp_path / "log.csv"
    log.write_bytes(mark + end.join(lines).encode())
    shares = assert_same(RawFile(log, options_of(log)), tmp_path)
    assert (shares > 3) is cut


@pytest.mark.parametrize("packed", [False, True])
def test_objects(tmp_path: Path, packed: bool) -> None:
    keys = ("user_id", "item_id", "timestamp")
    objects = [json.dumps(dict(zip(keys, row.split(","), strict=True))) for row in ROWS]
    log = tmp_path / ("log.json.bz2" if packed else "log.json")
    text = "\n".join([*objects[:70], "{", *objects[70:]]).encode()
    log.write_bytes(bz2.compress(text) if packed else text)
    shares = assert_same(RawFile(log, options_of(log, reader="json_lines")), tmp_path)
    assert shares == 1 if packed else shares > 3


def test_sequence_lines_are_one_task_each(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text("".join(f"{n % 50} 1 2 {n}\n" for n in range(99)))
    assert assert_same(RawFile(log, options_of(log, "sequence_lines")), tmp_path) in (0, 1)


@pytest.mark.parametrize("reader", ["table", "sequence_lines"])
def test_positions_of_lists_go_on_through_files(tmp_path: Path, reader: str) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    for name, items in (("a.txt", "a b c d e f g h"), ("b.txt", "i j k l")):
        comma = "user,history\nu1," if reader == "table" else "u1 "
        (folder / name).write_text(f"{comma}{items}\n")
    columns = {"user": "user", "items": "history", "timestamp": None}
    form = {"columns": columns} if reader == "table" else {}
    raw_file = RawFile(folder, options_of(folder, reader, **form))
    assert assert_same(raw_file, tmp_path) == 2
    rows, _, _ = in_shares(raw_file)
    assert rows["timestamp"].tolist() == list(range(12))


@pytest.mark.parametrize("timestamp", ["timestamp", None])
def test_rows_are_counted_through_files_of_several_kinds(
    tmp_path: Path, timestamp: str | None
) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    (folder / "a.csv").write_text("\n".join([HEADER, *ROWS]))
    (folder / "b.csv.gz").write_bytes(gzip.compress("\n".join([HEADER, *ROWS[:30]]).encode()))
    (folder / "c.csv").write_text("\n".join([HEADER, *ROWS[:60], "broken", *ROWS[60:], "broken"]))
    (folder / "d.csv").write_text("")
    (folder / "e.csv").write_text("\n".join([HEADER, *ROWS[:5]]))
    columns = {"user": "user_id", "item": "item_id", "timestamp": timestamp}
    shares = assert_same(RawFile(folder, options_of(folder, columns=columns)), tmp_path)
    assert shares > 6 if timestamp else shares == 4


def test_a_folder_of_empty_files_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    for name in ("a.csv", "b.csv"):
        (folder / name).touch()
    raw_file = RawFile(folder, options_of(folder))
    assert shares_of(raw_file) == ({}, [])
    assert assert_same(raw_file, tmp_path) == 0


def test_files_with_other_units_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    (folder / "a.csv").write_text("\n".join([HEADER, *ROWS]))
    (folder / "b.csv").write_text("\n".join([HEADER, *(f"{row}000" for row in ROWS)]))
    (folder / "c.csv").write_text("nothing\n")
    assert assert_same(RawFile(folder, options_of(folder)), tmp_path) == 0


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("several", [True, False])
def test_a_hopeless_stretch_is_judged_by_all_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, early: bool, several: bool
) -> None:
    """As in one pass: after enough good rows the rest is read, before them it is refused."""
    monkeypatch.setattr("seqrec.preparation.tally.HOPELESS", 20)
    good, bad = ROWS * 4, ["x,y"] * 90
    lines = [*ROWS[:9], *bad, *good] if early else [*good, *bad, *ROWS]
    path = tmp_path / "log.csv"
    if several:
        path = tmp_path / "log"
        path.mkdir()
        (path / "a.csv").write_text("\n".join([HEADER, *lines[:200]]))
        (path / "b.csv").write_text("\n".join([HEADER, *lines[200:]]))
        (path / "c.csv").write_text("no header\n" if early else f"{HEADER}\n")
    else:
        path.write_text("\n".join([HEADER, *lines]))
    assert (assert_same(RawFile(path, options_of(path)), tmp_path) == 0) is early


def test_what_readers_say_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    log = tmp_path / "log.csv"
    log.write_text("\n".join(["0,1,2", *ROWS]))
    columns = {"user": 0, "item": 1, "timestamp": 2}
    in_shares(RawFile(log, options_of(log, columns=columns)))
    said = [one.message for one in caplog.records if one.name == "seqrec.spark.ingestion"]
    assert said == ["log.csv: line 1 counts the columns and is no row"]


def test_a_log_that_changes_meanwhile_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("\n".join([HEADER, *ROWS]))
    raw_file = RawFile(log, options_of(log))
    _, shares = shares_of(raw_file)
    log.write_text("\n".join([HEADER, *ROWS, *ROWS]))
    told = told_of(list(read_share(3, shares[3], raw_file.options, patient=False)))
    assert told.error == f"{log} was changed while it was read; run again"
    log.unlink()
    told = told_of(list(read_share(0, shares[0], raw_file.options, patient=False)))
    assert told.error.startswith(f"{log} is not to be seen by an executor of Spark; let")
    assert survey(shares[0], raw_file.options) == (0, False, False)


def told_of(batches: list[pa.RecordBatch]) -> Told:
    (text,) = batches[-1]["text"].to_pylist()
    return Told.from_json(text)


def test_the_begin_of_a_long_line_is_found_in_few_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "LOOKED_BACK", 4)
    monkeypatch.setattr(source, "MAX_LINE_BYTES", 3_000)
    log = tmp_path / "log"
    log.write_bytes(b"a\n" + b"b" * 2_000)
    with log.open("rb") as file:
        assert source.since_last_line_end(file, 1_002) == b"b" * 1_000
        assert file.tell() == 1_002
        assert source.since_last_line_end(file, 2) == b""
        assert source.since_last_line_end(file, 1) == b"a"
    log.write_bytes(b"\n" + b"\0" * 100_000)
    with log.open("rb") as file:  # enough for who refuses such a line
        assert 3_000 < len(source.since_last_line_end(file, 90_000)) < 10_000


FIELD = st.text(st.sampled_from('ab1 "\t;é.') | st.characters(codec="utf-8"), max_size=6)
LINE = st.one_of(
    st.sampled_from(ROWS),
    st.sampled_from(["", "x", HEADER]),
    st.lists(FIELD, min_size=2, max_size=4).map(",".join),
)


@settings(max_examples=120)
@given(lines=st.lists(LINE, min_size=20, max_size=60), header=st.booleans())
def test_any_text(tmp_path_factory: pytest.TempPathFactory, lines: list[str], header: bool) -> None:
    folder = tmp_path_factory.mktemp("any")
    log = folder / "log.csv"
    rows = [HEADER, *ROWS[:8], *lines] if header else lines
    log.write_text("\n".join(rows), encoding="utf-8", errors="replace", newline="")
    assert_same(RawFile(log, options_of(log)), folder)
