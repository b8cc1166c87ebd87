"""Sequences for a benchmark: read, or made up."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.sequences import (
    BEAUTY_ITEMS,
    BEAUTY_USERS,
    Lists,
    find_file,
    make,
    read,
    read_lists,
    write_lines,
)
from seqrec.batches import Sequences
from seqrec.errors import SeqrecError

LINES = "1 7 5 9 5\n2 9 7\n3 5 9 7\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "Beauty.txt"
    path.write_text(LINES)
    return path


def test_lines_become_the_table(file: Path) -> None:
    """Items are numbered without gaps; two interactions are too few to keep one apart."""
    assert read(file).to_pydict() == {
        "user_index": [1, 1, 1, 1, 2, 2, 3, 3, 3],
        "position": [0, 1, 2, 3, 0, 1, 0, 1, 2],
        "item_index": [2, 1, 3, 1, 3, 2, 1, 3, 2],
        "split": ["train", "train", "valid", "test", "train", "train", "train", "valid", "test"],
    }


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("words.txt", b"the quick brown fox\n", "invalid literal"),
        ("empty.txt", b"", "no items in it"),
        ("users.txt", b"1\n2\n", "no items in it"),
        ("large.txt", b"1 99999999999999999999\n", "too large|too big"),
        ("binary.txt", b"\xff\xfe", "utf-8"),
        ("broken.parquet", b"PAR1", "Parquet"),
        ("empty.parquet", b"", "Parquet"),
    ],
)
def test_a_file_of_something_else_is_one_clear_line(
    name: str, content: bytes, why: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SeqrecError, match=rf"{name} cannot be .*({why}).*--data FILE") as caught:
        read(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("column", "values", "why"),
    [
        ("split", None, "split"),
        ("split", ["train", "tset"], "should be one of train, valid, test"),
        ("item_index", [1, None], "missing"),
        ("item_index", [1, 0], "at least 1"),
        ("item_index", ["a", "b"], "Failed to parse"),
        ("item_index", [1, 2**40], "not in range|out of bounds"),
    ],
)
def test_a_table_of_something_else_is_one_clear_line(
    column: str, values: list[object] | None, why: str, tmp_path: Path
) -> None:
    columns: dict[str, list[object]] = {
        "user_index": [1, 1],
        "position": [0, 1],
        "item_index": [1, 2],
        "split": ["train", "train"],
    }
    columns.pop(column)
    pq.write_table(pa.table(columns | ({column: values} if values else {})), tmp_path / "s.parquet")
    with pytest.raises(SeqrecError, match=rf"s\.parquet cannot be .*({why})") as caught:
        read(tmp_path / "s.parquet")
    assert "\n" not in str(caught.value)


def test_lines_become_lists(file: Path) -> None:
    assert read_lists(file) == Lists([[7, 5], [9, 7], [5]], [9, 0, 9], [5, 0, 7])


def test_a_table_is_read_as_it_is(file: Path, tmp_path: Path) -> None:
    table = read(file)
    pq.write_table(table.append_column("timestamp", table["position"]), tmp_path / "s.parquet")
    assert read(tmp_path / "s.parquet") == table


def test_lines_are_written_as_they_are_read(file: Path, tmp_path: Path) -> None:
    written = tmp_path / "again.txt"
    write_lines(Sequences.from_table(read(file)), written)
    assert written.read_text() == "1 2 1 3 1\n2 3 2\n3 1 3 2\n"


def test_made_up_sequences_have_the_shape_of_beauty() -> None:
    """Beauty: 22,363 users, 12,101 items, 8.9 a user; 32 % have five, 5 % at least 21, most 204."""
    made = Sequences.from_table(make())
    lengths = np.diff(made.offsets)
    assert made.num_users == BEAUTY_USERS
    assert made.num_items == BEAUTY_ITEMS
    assert np.bincount(made.items, minlength=BEAUTY_ITEMS + 1)[1:].min() > 0
    assert lengths.min() == 5
    assert lengths.max() <= 204
    assert lengths.mean() == pytest.approx(8.9, abs=0.4)
    assert (lengths == 5).mean() == pytest.approx(0.32, abs=0.03)
    assert (lengths >= 21).mean() == pytest.approx(0.05, abs=0.01)


def test_made_up_sequences_are_the_same_twice() -> None:
    assert make(50, 20) == make(50, 20)
    assert make(50, 20, seed=1) != make(50, 20)


def test_a_file_is_found_in_its_folder(file: Path) -> None:
    assert find_file("beauty", file.parent) == find_file("beauty", file) == file
    assert find_file("synthetic") is None


def test_a_file_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(SeqrecError, match=r"no Yelp\.txt in .*--dataset synthetic") as caught:
        find_file("yelp", tmp_path)
    assert "\n" not in str(caught.value)
