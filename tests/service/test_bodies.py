"""What a request may ask for, and the line that says what is wrong."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from seqrec.service.bodies import (
    LONGEST_HISTORY,
    MOST_ITEMS,
    MOST_ROWS,
    MOST_USERS,
    SHOWN,
    ListRequest,
    WrongRequest,
    parse_list_request,
    printable,
)

DEEP = b'{"history": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
NO_JSON = [
    b"", b"{", b"\xff\xfe", b'{"history": ["\xe9"]}', b"nothing", b'{"history": [1,]}', DEEP,
    b'{"history": ["\\ud800"]}', b"\x00", b'{"history": [1]} more',
]  # fmt: skip
WRONG: list[tuple[bytes, str | None]] = [
    (b"[]", None),
    (b"{}", "history"),
    (b"null", None),
    (b'{"history": [1], "histories": {"u": [1]}}', "history"),
    (b'{"history": "a,b"}', "history"),
    (b'{"history": [["a"]]}', "history.0"),
    (b'{"history": [1, null]}', "history.1"),
    (b'{"history": [true]}', "history.0"),
    (b'{"history": {"0": "a"}}', "history"),
    (b'{"histories": {}}', "histories"),
    (b'{"histories": [["a"]]}', "histories"),
    (b'{"histories": {"u": [1, {}]}}', "histories.u.1"),
    (b'{"history": [], "k": 0}', "k"),
    (b'{"history": [], "k": -1}', "k"),
    (b'{"history": [], "k": 1.5}', "k"),
    (b'{"history": [], "k": "10"}', "k"),
    (b'{"history": [], "k": true}', "k"),
    (b'{"history": [], "k": NaN}', "k"),
    (b'{"history": [], "k": Infinity}', "k"),
    (b'{"history": [], "k": 1e400}', "k"),
    (b'{"history": [], "k": ' + b"9" * 400 + b"}", "k"),
    (json.dumps({"history": [], "k": MOST_ITEMS + 1}).encode(), "k"),
    (json.dumps({"history": ["a"] * (LONGEST_HISTORY + 1)}).encode(), "history"),
    (b'{"history": [], "seen_items": "drop"}', "seen_items"),
    (b'{"history": [], "fallback": null}', "fallback"),
    (b'{"history": [], "candidates": "a"}', "candidates"),
    (b'{"history": [], "candidates": [["a"]]}', "candidates.0"),
    (b'{"histories": {"u": []}, "exclude": {"u": [null]}}', "exclude.u.0"),
    (b'{"history": [], "exclude": {"u": ["a"]}}', "exclude"),
    (b'{"histories": {"u": []}, "candidates": {"v": ["a"]}}', "candidates"),
    (b'{"history": [], "histroy": []}', "histroy"),
    (b'{"history": [], "a\\nb": 1}', "a b"),
]


def body_of(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def error_of(body: bytes) -> WrongRequest:
    with pytest.raises(WrongRequest) as caught:
        parse_list_request(body)
    return caught.value


@pytest.mark.parametrize("body", NO_JSON, ids=range(len(NO_JSON)))
def test_what_is_no_json_is_a_bad_request(body: bytes) -> None:
    error = error_of(body)
    assert (error.status, error.field) == (400, None)
    assert error.line.startswith("the body is no JSON: ")


@pytest.mark.parametrize(("body", "field"), WRONG, ids=range(len(WRONG)))
def test_a_wrong_field_is_named(body: bytes, field: str | None) -> None:
    error = error_of(body)
    assert (error.status, error.field) == (422, field)
    assert error.line.isprintable()
    assert len(error.line) <= SHOWN + 1


def test_an_unknown_field_gets_the_nearest_one() -> None:
    assert error_of(b'{"histroy": []}').line == "unknown field 'histroy'; did you mean 'history'?"


def test_numbers_are_ids_and_absent_fields_have_defaults() -> None:
    asked = parse_list_request(b'{"history": [1, "b", 12345678901234567890]}')
    assert asked.history == ["1", "b", "12345678901234567890"]
    assert (asked.k, asked.seen_items, asked.fallback) == (10, None, "popular")
    assert asked.candidates is None


def test_lists_and_ids_are_bounded_together() -> None:
    users = {str(user): ["a"] for user in range(MOST_USERS)}
    most = MOST_ROWS // MOST_USERS
    parse_list_request(body_of(histories=users, k=most))
    error = error_of(body_of(histories=users, k=most + 1))
    assert (error.status, error.field) == (422, "k")
    assert error.line == "k: 1,000 users times 21 items are 21,000; a request gets at most 20,000"

    longest = {str(user): ["a"] * 10_000 for user in range(9)}
    parse_list_request(body_of(histories=longest, exclude=["b"] * 10_000))
    error = error_of(body_of(histories=longest, exclude={"0": ["b"] * 10_001}))
    assert (error.status, error.field) == (422, "histories")
    assert "histories and exclude have 100,001 item ids; at most 100,000" in error.line


@pytest.mark.parametrize(
    "fields",
    [
        {"history": [{}] * 500},
        {"history": [], "candidates": [{}] * 500},
        {"histories": {str(user): [{}] for user in range(500)}},
        {"histories": {"u": []}, "exclude": {str(user): {} for user in range(500)}},
    ],
)
def test_wrong_ids_are_not_collected(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        ListRequest.model_validate_json(body_of(**fields))
    assert caught.value.error_count() <= 2  # of a list, and of a mapping


def test_many_unknown_fields_are_one_error() -> None:
    error = error_of(body_of(history=[], **{str(field): 0 for field in range(101)}))
    assert (error.status, error.field) == (422, None)
    assert error.line.startswith("more than 100 unknown fields; known: candidates, exclude, ")


def test_choices_are_for_all_or_by_user() -> None:
    body = {"histories": {"u": [1]}, "candidates": [2, 3], "exclude": {"u": [2]}}
    asked = parse_list_request(json.dumps(body).encode())
    assert (asked.candidates, asked.exclude) == (["2", "3"], {"u": ["2"]})


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(fields=st.dictionaries(st.sampled_from([*ListRequest.model_fields, "other"]), JSON))
def test_any_fields_are_a_request_or_one_line(fields: dict[str, Any]) -> None:
    error = None
    try:
        parse_list_request(json.dumps(fields).encode())
    except WrongRequest as wrong:
        error = wrong
    assert error is None or (error.status in (400, 422) and error.line.isprintable())


@given(st.text())
def test_a_printable_line_is_one_and_short(text: str) -> None:
    line = printable(text)
    assert line.isprintable()
    assert len(line) <= SHOWN + 1
