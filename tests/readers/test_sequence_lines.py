"""Published sequences, vectorised, beside a plain reading line by line."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.readers.parts import source
from seqrec.readers.sequence_lines import read_sequence_lines

OPTIONS = RawFileOptions(name="s.txt", reader="sequence_lines", encoding="utf-8")
PIECES = [b"1", b"2", b"3", b" ", b" ", b" ", b"\n", b"\n", b"\t", b"\r\n", b"\xff", b"\x0b"]


def plain(raw: bytes) -> tuple[list[tuple[str, str, int, int]], list[int], int]:
    """Rows, rejected line numbers and blank lines, one line after the other."""
    rows, rejected, blank = [], [], 0
    users: set[bytes] = set()
    lines = raw.split(b"\n")
    for number, line in enumerate(lines if lines[-1] else lines[:-1], start=1):
        line = line.removesuffix(b"\r")
        user, *items = line.split() or [b""]
        if not line:
            blank += 1
        elif not items or user in users or b"\xff" in line:
            rejected.append(number)
        else:
            users.add(user)
            rows += [(user.decode(), item.decode(), i, number) for i, item in enumerate(items)]
    return rows, rejected, blank


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.lists(st.sampled_from(PIECES), min_size=1, max_size=40).map(b"".join))
def test_the_result_is_that_of_the_plain_way(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "s.txt"
    path.write_bytes(raw)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "BLOCK_BYTES", 7)
        pieces = list(read_sequence_lines(path, OPTIONS))

    rows = [
        (row["user_id"], row["item_id"], row["timestamp"], row["source_row"])
        for piece in pieces
        for row in piece.interactions.to_pylist()
    ]
    rejected = [number for b in pieces for number in b.rejected["line_number"].to_pylist()]
    assert (rows, rejected, sum(piece.blank_lines for piece in pieces)) == plain(raw)


def test_utf_16_is_no_ids_with_zeros_in_them(tmp_path: Path) -> None:
    path = tmp_path / "s.txt"
    options = OPTIONS.model_copy(update={"encoding": None})
    path.write_bytes("1 7 8\n2 9\n".encode("utf-16"))
    (piece,) = read_sequence_lines(path, options)
    assert piece.interactions["item_id"].to_pylist() == ["7", "8", "9"]
    path.write_bytes("1 7 8\n2 9\n".encode("utf-16-le"))
    with pytest.raises(SeqrecError, match="UTF-16 without a mark"):
        list(read_sequence_lines(path, options))
