import hashlib
from collections import Counter
from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa
import pytest

from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import RawFileOptions, RawOptions
from seqrec.parameters.sections import FilteringOptions, IngestionOptions, SplittingOptions
from seqrec.preparation.demo_log import generate_if_absent, write_demo_log
from seqrec.preparation.filtering import filter_interactions
from seqrec.preparation.ingestion import read_log
from seqrec.preparation.raw_files import RawFile
from seqrec.preparation.sequences import build_sequences

SHA256 = "5b116bce1f9d3fc7012a358e4239a0885a2fef469be1c277bfdf124b61f27518"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("demo") / "demo.csv"
    write_demo_log(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def good_rows(demo: bytes) -> list[tuple[str, str, int, int]]:
    """User, item, timestamp and line number of every line that is not broken."""
    lines = enumerate(demo.splitlines()[1:], start=2)
    parts = [(line.split(b","), number) for number, line in lines if line.isascii()]
    good = [(p, n) for p, n in parts if len(p) == 3 and p[0] and p[2].isdigit()]
    return [(p[0].decode(), p[1].decode(), int(p[2]), n) for p, n in good]


def test_the_same_bytes_everywhere(demo: bytes, tmp_path: Path) -> None:
    assert hashlib.sha256(demo).hexdigest() == SHA256
    write_demo_log(tmp_path / "other.csv", seed=1)
    assert (tmp_path / "other.csv").read_bytes() != demo
    assert [path.name for path in tmp_path.iterdir()] == ["other.csv"]


def test_a_place_that_is_none_is_one_line(tmp_path: Path) -> None:
    """As where the log itself is named as raw_dir, and not its folder."""
    raw = RawOptions.model_validate(
        {"generator": "demo", "files": [{"name": "d", "reader": "table"}]}
    )
    (tmp_path / "demo.csv").write_text("a file")
    for folder in (tmp_path / "demo.csv", tmp_path / "demo.csv" / "below"):
        with pytest.raises(SeqrecError, match=r"demo\.csv"):
            generate_if_absent(raw, folder)
    assert [path.name for path in tmp_path.iterdir()] == ["demo.csv"]


def test_size_and_broken_lines(demo: bytes, good_rows: list[tuple[str, str, int, int]]) -> None:
    lines = demo.splitlines()
    assert lines[0] == b"user_id,item_id,timestamp"
    assert len(demo) < 1_000_000
    broken = len(lines) - 1 - len(good_rows)
    assert broken == 60
    assert broken < 0.01 * len(lines)


def test_the_reader_rejects_just_the_broken_lines(demo: bytes, tmp_path: Path) -> None:
    (tmp_path / "demo.csv").write_bytes(demo)
    raw_file = RawFile(tmp_path / "demo.csv", RawFileOptions(name="demo.csv", reader="table"))
    log = read_log(raw_file, IngestionOptions(), tmp_path / "work")
    assert log.report["timestamp_unit"] == "s"
    assert log.report["rows_kept"] + 60 == log.report["rows_read"] == len(demo.splitlines()) - 1
    assert list(log.report["rejected_by_reason"].values()) == [15] * 4


def test_what_there_is_to_clean(good_rows: list[tuple[str, str, int, int]]) -> None:
    users = Counter(row[0] for row in good_rows)
    items = Counter(row[1] for row in good_rows)
    pairs = Counter((row[0], row[1]) for row in good_rows)
    assert len(users) == 2000
    assert 150 <= sum(count < 5 for count in users.values()) <= 250
    rare = {item for item, count in items.items() if count < 5}
    assert rare == {f"rarity-{number:02}" for number in range(1, 21)}
    assert 0.02 <= 1 - len(pairs) / len(good_rows) <= 0.2
    assert [row[2] for row in good_rows] == sorted(row[2] for row in good_rows)


def test_transitions_tell_more_than_popularity(
    good_rows: list[tuple[str, str, int, int]],
) -> None:
    histories, items = core_histories(good_rows)
    assert 15_000 <= sum(len(history) for history in histories) <= 25_000
    popularity = np.zeros(items)
    following = np.zeros((items, items))
    for *training, _, _ in histories:
        np.add.at(popularity, training, 1)
        np.add.at(following, (training[:-1], training[1:]), 1)
    tie_breaker = popularity / (1 + popularity.sum())
    by_popularity = np.mean([in_top_10(popularity, h) for h in histories])
    by_transition = np.mean([in_top_10(following[h[-2]] + tie_breaker, h) for h in histories])
    assert by_transition > 3 * by_popularity
    assert by_transition > 0.5


def core_histories(rows: list[tuple[str, str, int, int]]) -> tuple[list[list[int]], int]:
    """Return every user's items after the 5-core, numbered from 0, and how many there are."""
    names = ("user_id", "item_id", "timestamp", "source_row")
    columns = {name: [row[k] for row in rows] for k, name in enumerate(names)}
    log = pa.table({**columns, "rating": pa.nulls(len(rows), pa.float64())})
    core, _ = filter_interactions(ibis.memtable(log), FilteringOptions(), "s")
    tables = build_sequences(core, SplittingOptions())
    sequences = tables.sequences.to_pyarrow()
    items = sequences["item_index"].to_numpy() - 1
    starts = np.flatnonzero(sequences["position"].to_numpy() == 0)[1:]
    return [part.tolist() for part in np.split(items, starts)], int(items.max()) + 1


def in_top_10(scores: np.ndarray, history: list[int]) -> bool:
    """Whether the last item of a history is among the ten best that are not in the rest."""
    allowed = scores.copy()
    allowed[history[:-1]] = -np.inf
    return (
        history[-1] in np.argsort(-allowed, kind="stable")[:10] and history[-1] not in history[:-1]
    )
