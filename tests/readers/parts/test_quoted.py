"""Rows with quotes: the csv module's own reading, whatever the size of the blocks."""

import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec.readers.parts import quoted
from seqrec.readers.parts.clocks import SECONDS
from seqrec.readers.parts.delimited import read_delimited
from seqrec.readers.parts.fields import Layout
from seqrec.readers.parts.pieces import Piece
from seqrec.readers.parts.quoted import each_row_is_a_line, parse_records
from tests.readers.parts.blocks import blocks_of

LAYOUT = Layout(",", 3, user=0, item=1, timestamp=(2,), quoted=True)
TABBED = Layout("\t", 3, user=0, item=1, timestamp=(2,), quoted=True, row_is_line=True)


def read(raw: bytes, size: int = 1 << 20, layout: Layout = LAYOUT) -> list[Piece]:
    return list(read_delimited(blocks_of(raw, size), layout, SECONDS))


def rows(pieces: list[Piece]) -> Iterator[tuple[object, ...]]:
    for piece in pieces:
        for row in piece.interactions.to_pylist():
            yield row["source_row"], row["user_id"], row["item_id"], row["timestamp"]


def rejected(pieces: list[Piece]) -> list[tuple[int, str, str]]:
    return sorted(tuple(row.values()) for piece in pieces for row in piece.rejected.to_pylist())


def test_quoted_separators_quotes_and_newlines() -> None:
    raw = b'u1,"a, b",1\nu2,"say ""hi""",2\nu3,"two\n\nlines",3\nu4,plain,4\n'

    pieces = read(raw)

    assert list(rows(pieces)) == [
        (1, "u1", "a, b", 1),
        (2, "u2", 'say "hi"', 2),
        (3, "u3", "two\n\nlines", 3),
        (6, "u4", "plain", 4),
    ]
    assert rejected(pieces) == []
    assert sum(piece.blank_lines for piece in pieces) == 0


def test_a_quote_that_is_never_closed_costs_one_row() -> None:
    raw = b'u1,a,1\nu2,"b,2\nu3,c,3\n\nu4,d,4\n'

    pieces = read(raw)

    assert [row[1] for row in rows(pieces)] == ["u1", "u3", "u4"]
    assert rejected(pieces) == [(2, "broken quotes", 'u2,"b,2')]
    assert sum(piece.blank_lines for piece in pieces) == 1


def test_a_row_may_not_span_the_whole_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quoted, "MAX_ROW_LINES", 3)
    raw = b'u1,"a,1\n' + b"u2,b,2\n" * 5 + b'u3,"c,3\n'

    pieces = read(raw)

    assert [row[1] for row in rows(pieces)] == ["u2"] * 5
    assert [number for number, _, _ in rejected(pieces)] == [1, 7]


def test_a_row_of_many_lines_that_are_no_rows_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quoted, "MAX_ROW_LINES", 3)
    raw = b'u1,"a,1\n' + b"text\n" * 5 + b'b",1\n'

    pieces = read(raw)

    assert [reason for _, reason, _ in rejected(pieces)][:2] == [
        "broken quotes",
        "1 column instead of 3",
    ]
    assert len(rejected(pieces)) == 7


def test_a_lone_quote_does_not_swallow_the_rows_up_to_the_next_one() -> None:
    raw = b'u1,"Heroes,1\nu2,b,2\nu3,c,3\nu4,12",4\nu5,e,5\n'

    pieces = read(raw)

    assert [row[1] for row in rows(pieces)] == ["u2", "u3", "u4", "u5"]
    assert rejected(pieces) == [(1, "broken quotes", 'u1,"Heroes,1')]


@pytest.mark.parametrize(
    "second", [b'u2,"Foo,2', b'u2,Foo",2', b'u2,"a, b",2'], ids=["opens", "closes", "whole"]
)
def test_two_rows_with_lone_quotes_are_not_one(second: bytes) -> None:
    pieces = read(b'u1,"Heroes,1\n' + second + b"\nu3,c,3\n")

    good = [(user, item) for _, user, item, _ in rows(pieces)]
    assert rejected(pieces)[0] == (1, "broken quotes", 'u1,"Heroes,1')
    assert good[-1] == ("u3", "c")
    assert len(good) + len(rejected(pieces)) == 3


def test_text_of_several_lines_may_hold_as_many_commas_as_a_row() -> None:
    raw = b'u1,"Well, yes\nI, you, they\nand, so, on",1\nu2,b,2\n'

    pieces = read(raw)

    assert [row[2] for row in rows(pieces)] == ["Well, yes\nI, you, they\nand, so, on", "b"]


def test_a_rejected_row_counts_the_lines_it_spans() -> None:
    (piece,) = read(b'u1,"a\nb\nc",1,x\nu2\nu3,c,3\n')

    assert (len(piece.rejected), piece.rejected_lines) == (2, 4)


@pytest.mark.parametrize(
    ("field", "item"),
    [
        ('"Heroes', '"Heroes'),
        ('12"', '12"'),
        ('"', '"'),
        ('"Heroes"', "Heroes"),
        ('"say ""hi"""', 'say "hi"'),
        ('"a\tb"', "a\tb"),
        ('"a"b', '"a"b'),
    ],
)
def test_quotes_between_tabs(field: str, item: str) -> None:
    raw = f"u1\t{field}\t1\nu2\tb\t2\n".encode()

    pieces = read(raw, layout=TABBED)

    assert [row[1:3] for row in rows(pieces)] == [("u1", item), ("u2", "b")]


STRAY = ['"Heroes', 'Heroes"', '"', '12" x', '"a"b', '"a, b"', "a", "b"]


@settings(max_examples=300)
@given(
    items=st.lists(st.sampled_from(STRAY), min_size=1, max_size=12),
    layout=st.sampled_from([LAYOUT, TABBED]),
    size=st.integers(1, 60),
)
def test_stray_quotes_never_cost_a_good_line(items: list[str], layout: Layout, size: int) -> None:
    lines = [layout.separator.join([f"u{n}", item, str(n)]) for n, item in enumerate(items, 1)]

    pieces = read("\n".join(lines).encode(), size, layout)

    by_number = {row[0]: row for row in rows(pieces)}
    lost = [number for number, _, _ in rejected(pieces)]
    good = [number for number, item in enumerate(items, 1) if '"' not in item]
    assert {*by_number, *lost} == set(range(1, len(items) + 1))
    assert len(by_number) + len(lost) == len(items)
    assert all(
        by_number[number] == (number, f"u{number}", items[number - 1], number) for number in good
    )


def test_a_field_beyond_the_limit_of_the_csv_module_is_one_rejected_row() -> None:
    raw = b'u1,"' + b"x" * (csv.field_size_limit() + 1) + b'",1\nu2,b,2\n'

    pieces = read(raw)

    assert list(rows(pieces)) == [(2, "u2", "b", 2)]
    assert [number for number, _, _ in rejected(pieces)] == [1]


def test_broken_bytes_within_a_row_of_two_lines() -> None:
    raw = b'u1,"a\n\xff",1\nu2,"b",2\nu3,"c",3,\n'

    pieces = read(raw)

    assert list(rows(pieces)) == [(3, "u2", "b", 2)]
    assert rejected(pieces) == [
        (1, "bytes are not UTF-8", 'u1,"a\n�",1'),
        (4, "4 columns instead of 3", 'u3,"c",3,'),
    ]


WORDS = st.text(st.sampled_from('ab,"\n é'), min_size=1, max_size=6).filter(str.strip)


@given(
    table=st.lists(st.tuples(WORDS, WORDS, st.integers(0, 99)), min_size=1, max_size=8),
    style=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    size=st.integers(3, 60),
)
def test_what_the_csv_module_writes_is_read_back(
    table: list[tuple[str, str, int]], style: int, size: int
) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=style).writerows(table)  # type: ignore

    pieces = read(text.getvalue().encode(), size)

    assert [row[1:] for row in rows(pieces)] == table
    assert rejected(pieces) == []


PIECES = [b"u1,i1,1\n", b'"', b",", b"\n", b"x", b'"u, 2",i,2\n', b"\xff", b"\r", b'""', b"7\n"]
BROKEN = st.lists(st.sampled_from(PIECES), max_size=25).map(b"".join)


@settings(max_examples=300)
@given(raw=BROKEN, size=st.integers(1, 40), tabbed=st.booleans())
def test_the_size_of_the_blocks_does_not_matter(raw: bytes, size: int, tabbed: bool) -> None:
    raw, layout = (raw.replace(b",", b"\t"), TABBED) if tabbed else (raw, LAYOUT)
    small, whole = read(raw, size, layout), read(raw, layout=layout)

    assert list(rows(small)) == list(rows(whole))
    assert rejected(small) == rejected(whole)
    assert sum(b.blank_lines for b in small) == sum(b.blank_lines for b in whole)


FIELDS = st.sampled_from([b"u1", b'"u,1"', b'"a""b"', b'""', b"", b'"7"', b'""""', b'x"', b'"x'])
WHOLE = st.lists(st.lists(FIELDS, min_size=1, max_size=4).map(b",".join), min_size=1, max_size=4)


@settings(max_examples=300)
@given(lines=WHOLE)
def test_the_quick_way_agrees_with_the_csv_module(lines: list[bytes]) -> None:
    raw = b"\n".join(lines) + b"\n"
    if not each_row_is_a_line(raw, ","):
        return
    texts = raw.decode().split("\n")[:-1]
    by_hand = [record.fields for record in parse_records(texts, LAYOUT, is_last=True)]

    with pytest.MonkeyPatch.context() as patch:
        quick = read(raw)
        patch.setattr(quoted, "each_row_is_a_line", lambda *_: False)
        careful = read(raw)

    assert by_hand == list(csv.reader(texts, strict=True))
    assert list(rows(quick)) == list(rows(careful))
    assert rejected(quick) == rejected(careful)


@pytest.mark.parametrize(
    ("raw", "quick"),
    [
        (b'"a,b","c""d",""\n', True),
        (b'a"b,c\n', False),
        (b'"a"b,c\n', False),
        (b'"a\nb",c\n', False),
        (b'"a,b\n', False),
        (b'"a",\xff\n', False),
        (b'"a",b\r,c\n', False),
    ],
)
def test_what_can_be_read_the_quick_way(raw: bytes, quick: bool) -> None:
    assert each_row_is_a_line(raw, ",") is quick
