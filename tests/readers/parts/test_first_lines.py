"""The header of a text, whatever stands above it; every line keeps its number."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqrec.errors import SeqrecError
from seqrec.readers.parts.first_lines import Header, header_of
from seqrec.readers.parts.source import Block
from tests.readers.parts.blocks import blocks_of

PATH = Path("log.csv")


def header(text: bytes, size: int = 1 << 20) -> Header:
    return header_of(blocks_of(text, size), PATH)


def numbered(blocks: list[Block]) -> list[tuple[int, bytes]]:
    """The lines that hold something, with their numbers."""
    return [
        (number, line)
        for block in blocks
        for number, line in enumerate(block.data.splitlines(), block.first_line)
        if line.strip()
    ]


@given(
    above=st.lists(st.sampled_from([b"", b"  ", b"\t"]), max_size=4),
    mark=st.sampled_from([None, b"sep=;", b'"sep=;"']),
    between=st.lists(st.just(b""), max_size=2),
    rows=st.lists(st.sampled_from([b"u;a", b"", b"v;b"]), max_size=4),
    size=st.integers(1, 12),
)
def test_every_line_keeps_its_number_and_blank_ones_are_counted(
    above: list[bytes], mark: bytes | None, between: list[bytes], rows: list[bytes], size: int
) -> None:
    lines = [*above, *([] if mark is None else [mark, *between]), b"user;item", *rows]
    text = b"".join(line + b"\n" for line in lines)
    blank = len(above) + (len(between) if mark else 0)
    place = lines.index(b"user;item") + 1
    expected = [(n, line) for n, line in enumerate(lines, 1) if line.strip() and n > place]

    for put_back in (False, True):
        found = header(text, size)
        assert (found.text, found.line, found.blank_lines) == ("user;item", place, blank)
        assert found.separator == (None if mark is None else ";")
        blocks = list(found.put_back() if put_back else found.below())
        assert numbered(blocks) == [(place, b"user;item")] * put_back + expected
        held = [line for block in blocks for line in block.data.splitlines()]
        assert held.count(b"") == blank + rows.count(b"")


def test_many_blank_lines_are_no_obstacle() -> None:
    assert header(b"\n" * 5000 + b"user,item\n", 100).line == 5001


@pytest.mark.parametrize("text", [b"\n \n", b"sep=,\n", b"\nsep=,\n\n"])
def test_a_text_without_a_header(text: bytes) -> None:
    with pytest.raises(SeqrecError, match="holds nothing but blank lines"):
        header(text)
