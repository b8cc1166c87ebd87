"""Delimited text, vectorised, beside a plain reading line by line."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from seqrec.readers.parts.clocks import SECONDS
from seqrec.readers.parts.delimited import read_delimited
from seqrec.readers.parts.fields import Layout, find_all
from seqrec.readers.parts.pieces import Piece
from seqrec.readers.parts.values import decimal, integer
from tests.readers.parts.blocks import blocks_of

FIELDS = ["u1", "i2", "5", "4.5", "1390000000", "", " ", "x", "é", "-1", "1.5", "::", ":", "nan"]
Row = tuple[str, str, int, int, float | None]
Rejected = tuple[int, str, str]


def joined(pieces: Iterator[Piece]) -> tuple[list[Row], list[Rejected], int]:
    rows: list[Row] = []
    rejected: list[Rejected] = []
    blank = 0
    for piece in pieces:
        rows += [tuple(row.values()) for row in piece.interactions.to_pylist()]
        rejected += [tuple(row.values()) for row in piece.rejected.to_pylist()]
        blank += piece.blank_lines
    return rows, rejected, blank


def plain(raw: bytes, layout: Layout) -> tuple[list[Row], list[Rejected], int]:
    """The same, one line after the other."""
    lines = raw.split(b"\n")
    if not lines[-1]:
        lines.pop()
    rows: list[Row] = []
    rejected: list[Rejected] = []
    blank = 0
    for number, line in enumerate(lines, start=1):
        line = line.removesuffix(b"\r")
        if not line:
            blank += 1
            continue
        row = plain_row(line, number, layout)
        if isinstance(row, str):
            rejected.append((number, row, line.decode(errors="replace")))
        else:
            rows.append(row)
    return rows, rejected, blank


def plain_row(line: bytes, number: int, layout: Layout) -> Row | str:
    try:
        fields = line.decode().split(layout.separator)
    except UnicodeDecodeError:
        return "bytes are not UTF-8"
    if len(fields) != layout.width:
        return f"{len(fields)} column{'s' * (len(fields) > 1)} instead of {layout.width}"
    if not fields[layout.user].strip():
        return "empty user id"
    if not fields[layout.item].strip():
        return "empty item id"
    timestamp = integer(fields[layout.timestamp[0]])
    if timestamp is None:
        return "timestamp is not a number"
    rating = None
    if layout.rating is not None and fields[layout.rating]:
        rating = decimal(fields[layout.rating])
        if rating is None:
            return "rating is not a number"
    return (fields[layout.user], fields[layout.item], timestamp, number, rating)


@st.composite
def logs(draw: st.DrawFn) -> tuple[bytes, Layout]:
    separator = draw(st.sampled_from([",", "\t", "::"]))
    width = draw(st.integers(3, 5))
    user, item, timestamp, *rest = draw(st.permutations(list(range(width))))
    rating = draw(st.sampled_from([None, *rest[:1]]))
    layout = Layout(separator, width, user, item, (timestamp,), rating)
    good = {user: "u1", item: "i2", timestamp: "1390000000", rating: "4.5"}
    lines = []
    for _ in range(draw(st.integers(1, 8))):
        fields = [good.get(column, "") for column in range(width)]
        if draw(st.booleans()):
            place = draw(st.integers(0, width - 1))
            fields[place] = draw(st.sampled_from(FIELDS))
        if draw(st.integers(0, 9)) == 0:
            fields = fields[: draw(st.integers(0, width))] * draw(st.integers(1, 2))
        line = separator.join(fields).encode()
        lines.append(line + draw(st.sampled_from([b"", b"", b"", b"\xff", b"\r"])))
    ends = draw(st.sampled_from([b"\n", b"\r\n"]))
    return ends.join(lines) + draw(st.sampled_from([b"", ends])), layout


@given(log=logs(), size=st.integers(4, 200))
def test_the_result_is_that_of_the_plain_way(log: tuple[bytes, Layout], size: int) -> None:
    raw, layout = log

    result = joined(read_delimited(blocks_of(raw, size), layout, SECONDS))

    assert result == plain(raw, layout)


@given(raw=st.lists(st.sampled_from([b"a", b":", b"::", b"\n"]), max_size=20).map(b"".join))
def test_a_mark_of_two_bytes_is_found_as_split_finds_it(raw: bytes) -> None:
    import numpy as np

    places = find_all(np.frombuffer(raw, np.uint8), b"::")

    pieces = raw.split(b"::")
    expected = np.cumsum([len(piece) + 2 for piece in pieces])[:-1] - 2
    assert places.tolist() == expected.tolist()


def test_rows_by_hand() -> None:
    raw = (
        b"1\ta\t5\t100\n2\tb\t\t200\n\n3\tc\t3\n\tc\t3\t400\n4\t\t3\t1\n5\td\t3\tsoon\n6\td\tx\t1\n"
    )
    layout = Layout("\t", 4, user=0, item=1, rating=2, timestamp=(3,))

    rows, rejected, blank = joined(read_delimited(blocks_of(raw), layout, SECONDS))

    assert rows == [("1", "a", 100, 1, 5.0), ("2", "b", 200, 2, None)]
    assert rejected == [
        (4, "3 columns instead of 4", "3\tc\t3"),
        (5, "empty user id", "\tc\t3\t400"),
        (6, "empty item id", "4\t\t3\t1"),
        (7, "timestamp is not a number", "5\td\t3\tsoon"),
        (8, "rating is not a number", "6\td\tx\t1"),
    ]
    assert blank == 1


def test_without_timestamps_the_order_of_the_file_counts() -> None:
    layout = Layout(",", 2, user=0, item=1)

    (piece,) = read_delimited(blocks_of(b"1,a\n\n1,b\n"), layout)

    assert piece.timestamp_unit == "order"
    assert piece.interactions["timestamp"].to_pylist() == [1, 3]


def test_long_texts_of_rejected_rows_are_cut() -> None:
    layout = Layout(",", 2, user=0, item=1)

    (piece,) = read_delimited(blocks_of(b"x" * 5000 + b"\n"), layout)

    assert piece.rejected["text"].to_pylist() == ["x" * 1000]
