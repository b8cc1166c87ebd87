"""Lines as flat arrays, beside the plain way of splitting a text."""

from hypothesis import given
from hypothesis import strategies as st

from seqrec.readers.parts.lines import Lines, clean_lines, find_lines
from seqrec.readers.parts.reasons import NOT_UTF8
from seqrec.readers.parts.source import Block

PIECES = [b"a", b"bc,d", b"", b"\xc3\xa9", b"\xff", b"\xe2\x82", b" ", b"\x00"]
LINES = st.lists(
    st.lists(st.sampled_from(PIECES), max_size=4).map(b"".join), min_size=1, max_size=12
)


def texts(lines: Lines) -> list[str]:
    return [lines.text(place) for place in range(len(lines))]


def plain(raw: list[bytes], first: int) -> tuple[list[tuple[int, str]], list[int], int]:
    """Lines with their numbers, the numbers of those that are not UTF-8, and blank ones."""
    good, broken, blank = [], [], 0
    for number, line in enumerate(raw, start=first):
        try:
            if line:
                good.append((number, line.decode()))
            else:
                blank += 1
        except UnicodeDecodeError:
            broken.append(number)
    return good, broken, blank


@given(raw=LINES, first=st.integers(1, 1000))
def test_lines_are_those_of_the_plain_way(raw: list[bytes], first: int) -> None:
    clean = clean_lines(Block(b"".join(line + b"\n" for line in raw), first))

    good, broken, blank = plain(raw, first)
    numbers = clean.lines.numbers.tolist()
    assert list(zip(numbers, texts(clean.lines), strict=True)) == good
    assert [rejection.line_number for rejection in clean.rejections] == broken
    assert {rejection.reason for rejection in clean.rejections} <= {NOT_UTF8}
    assert clean.blank_lines == blank
    assert clean.lines.array().to_pylist() == [text + "\n" for _, text in good]


@given(raw=LINES, data=st.data())
def test_a_selection_keeps_numbers_and_texts(raw: list[bytes], data: st.DataObject) -> None:
    lines = find_lines(Block(b"".join(line + b"\n" for line in raw), 1))
    keep = data.draw(st.lists(st.booleans(), min_size=len(raw), max_size=len(raw)))
    import numpy as np

    chosen = lines.select(np.array(keep))

    places = [place for place, stays in enumerate(keep) if stays]
    assert [chosen.bytes_at(i) for i in range(len(chosen))] == [raw[place] for place in places]
    assert chosen.numbers.tolist() == [place + 1 for place in places]
