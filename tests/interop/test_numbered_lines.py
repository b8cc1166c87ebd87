"""Published lines as sequences, with the numbers they came with."""

import gzip
from pathlib import Path

import pytest

from seqrec.errors import SeqrecError
from seqrec.interop.numbered_lines import read_numbered_lines
from seqrec.readers.parts import source


def written(folder: Path, text: str) -> Path:
    path = folder / "log.txt"
    path.write_text(text)
    return path


def test_numbers_stay_and_the_last_two_are_held_out(tmp_path: Path) -> None:
    data = read_numbered_lines(written(tmp_path, "7 9 2 2 5\n3 4 1\n\n1 8 3 6"), 9)
    assert data.items.tolist() == [9, 2, 2, 5, 4, 1, 8, 3, 6]
    assert data.offsets.tolist() == [0, 4, 6, 9]
    # the second user has too few items for three parts
    assert data.split.tolist() == [0, 0, 1, 2, 0, 0, 0, 1, 2]
    assert data.num_items == 9


def test_a_packed_file_is_read_in_place(tmp_path: Path) -> None:
    path = tmp_path / "log.txt.gz"
    path.write_bytes(gzip.compress(b"1 1 2 3\n"))
    assert read_numbered_lines(path, 3).items.tolist() == [1, 2, 3]


def test_the_size_of_the_blocks_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "".join(f"{u} {u} 2 3 {u + 1}\n" for u in range(1, 50)))
    whole = read_numbered_lines(path, 50)
    monkeypatch.setattr(source, "BLOCK_BYTES", 64)
    assert read_numbered_lines(path, 50).fingerprint() == whole.fingerprint()
    assert source.BLOCK_BYTES == 64


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 1 2 3\n2\n", "line 2: no items behind the user ('2')"),
        ("1 1 2 3\n\n1 4 5 6\n", "line 3: the user has a line already ('1 4 5 6')"),
        ("1 1 2 3\n2 4 x 6\n", "line 2: 'x' is no item number"),
        ("1 1 2 3\n2 4 -5 6\n", "line 2: '-5' is no item number"),
        ("1 1 2 1.5\n", "line 1: '1.5' is no item number"),
        ("1 1 2 99999999999999999999999\n", "is no item number"),
        ("1 1 2 3\n2 4 7 6\n3 9 9 9\n", "line 2: '7' is not among the model's items, 1 to 6"),
        ("1 1 0 3\n", "line 1: '0' is not among the model's items, 1 to 6"),
        ("1 1 2\n2 3 4\n", "no user has 3 items"),
        ("\n\n", "no user has 3 items"),
        ("", "is empty"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SeqrecError) as caught:
        read_numbered_lines(path, 6)
    line = str(caught.value)
    assert message in line
    assert str(path) in line
    assert "\n" not in line


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(b"1 1 2 3\n2 \xff\xfe 2 3\n")
    with pytest.raises(SeqrecError, match="line 2: bytes are not UTF-8"):
        read_numbered_lines(path, 6)
