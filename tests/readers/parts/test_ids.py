"""Ids as they are kept, beside a plain form one id at a time."""

import math
import re
import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqrec.parameters.raw_sections import MISSING
from seqrec.readers.parts.ids import BLANKS, plain_id, tidy_ids
from seqrec.readers.parts.pieces import INTERACTIONS, Piece, rejected_table

PIECES = [
    *("12", "a", "é", ".", "0", ".0", ".00", " ", "\u00a0", "\t", "\u200b", "\x00", "\x1f", "\x85"),
    *("NaN", "null", "-", "+", "e", "e+17", "9007199254740991", "9007199254740992", "\ufffd", "\n"),
]
IDS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join)


def plain(text: str) -> tuple[str, str | None]:
    """What an id becomes, and why it is none."""
    text = text.strip(BLANKS)
    if not text:
        return text, "empty"
    whole = re.fullmatch(r"[+-]?(0|[1-9][0-9]*)\.0*", text)
    exponent = re.fullmatch(r"[+-]?[0-9]+(\.[0-9]*)?[eE][+-]?[0-9]+", text)
    inexact = bool(whole or exponent) and (abs(float(text)) >= 2**53 or math.isinf(float(text)))
    if whole:
        text = str(text).split(".")[0]
    if text in MISSING:
        return text, "missing"
    if any(unicodedata.category(letter) == "Cc" or letter == "\ufffd" for letter in text):
        return text, "odd"
    return text, "float" if inexact else None


def tidied(ids: list[str]) -> Piece:
    rows = {
        "user_id": ids,
        "item_id": ["i"] * len(ids),
        "timestamp": [0] * len(ids),
        "source_row": list(range(1, len(ids) + 1)),
        "rating": [None] * len(ids),
    }
    piece = Piece(
        pa.table(rows, schema=INTERACTIONS), rejected_table([]), 0, "s", 0, lambda row: ids[row]
    )
    (after,) = tidy_ids(iter([piece]), MISSING)
    return after


@given(ids=st.lists(IDS, min_size=1, max_size=12))
def test_the_result_is_that_of_the_plain_way(ids: list[str]) -> None:
    after = tidied(ids)

    expected = [plain(text) for text in ids]
    kept = [text for text, why in expected if why is None]
    assert after.interactions["user_id"].to_pylist() == kept
    rejected = [row + 1 for row, (_, why) in enumerate(expected) if why is not None]
    assert after.rejected["line_number"].to_pylist() == rejected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("\u200b \t", "empty user id"),
        ("NaN ", "no user id (NA, NaN, NULL or the like)"),
        ("9007199254740993.0", "user id went through a float and lost digits"),
        ("1.2345678901234568e+17", "user id went through a float and lost digits"),
        ("a\x00b", "user id holds control or replacement characters"),
    ],
)
def test_reasons(text: str, reason: str) -> None:
    after = tidied(["u", text])
    assert after.interactions["user_id"].to_pylist() == ["u"]
    assert after.rejected.to_pylist() == [{"line_number": 2, "reason": reason, "text": text}]


def test_what_was_changed_is_counted() -> None:
    after = tidied(["12", "12.0", " 12", "\u00a012.0", "1.5", "v1.0.0", "012.0", "17 "])
    assert after.interactions["user_id"].to_pylist() == [
        *(["12"] * 4),
        *("1.5", "v1.0.0", "012.0", "17"),
    ]
    assert after.changed == {
        "ids without the blanks around them": 3,
        "ids without the .0 of a float": 2,
    }


def test_one_id_alone_becomes_the_same() -> None:
    for text in ("12.0", " a ", "100.", "7", "1.5", "\u00a08.00"):
        assert [plain_id(text)] == tidied([text]).interactions["user_id"].to_pylist()
