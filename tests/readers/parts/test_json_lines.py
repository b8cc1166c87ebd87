"""JSON lines through Arrow, beside a plain reading line by line."""

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec.readers.parts import json_lines
from seqrec.readers.parts.clocks import INSTANTS, SECONDS
from seqrec.readers.parts.json_lines import Keys, parse_literal, read_json_lines
from seqrec.readers.parts.values import decimal, integer
from tests.readers.parts.blocks import blocks_of

KEYS = Keys("user", "item", "time", "stars", pa.int64())
DATED = Keys("user", "item", "time", "stars", pa.string())
GOOD = '{"user": "u1", "item": "i1", "time": 5, "stars": 4.0}'


def read(raw: bytes, size: int = 1 << 20, keys: Keys = KEYS) -> tuple[list[Any], list[Any], int]:
    clock = SECONDS if keys is KEYS else INSTANTS
    pieces = list(read_json_lines(blocks_of(raw, size), keys, clock))
    rows = [tuple(row.values()) for piece in pieces for row in piece.interactions.to_pylist()]
    rejected = [tuple(row.values())[:2] for piece in pieces for row in piece.rejected.to_pylist()]
    return rows, rejected, sum(piece.blank_lines for piece in pieces)


def plain(raw: bytes) -> tuple[list[Any], list[Any], int]:
    """The same, one line after the other."""
    rows: list[Any] = []
    rejected: list[Any] = []
    blank = 0
    lines = raw.split(b"\n")[:-1] if raw.endswith(b"\n") else raw.split(b"\n") if raw else []
    for number, line in enumerate(lines, start=1):
        if not line:
            blank += 1
            continue
        row = plain_row(line, number)
        if isinstance(row, str):
            rejected.append((number, row))
        else:
            rows.append(row)
    return rows, rejected, blank


def plain_row(line: bytes, number: int) -> tuple[object, ...] | str:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return "bytes are not UTF-8"
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = parse_literal(text) if text.startswith("{") else None
    if not isinstance(parsed, dict):
        return "not a JSON object"
    user, item, time, stars = (parsed.get(key) for key in ("user", "item", "time", "stars"))
    if not plain_text(user).strip():
        return "empty user id"
    if not plain_text(item).strip():
        return "empty item id"
    timestamp = integer(plain_text(time))
    if timestamp is None:
        return "timestamp is not a number"
    rating = decimal(plain_text(stars)) if plain_text(stars) else None
    if plain_text(stars) and rating is None:
        return "rating is not a number"
    return plain_text(user), plain_text(item), timestamp, number, rating


def plain_text(value: object) -> str:
    if value is True or value == "\ud800" or not isinstance(value, str | int | float):
        return ""  # half of a surrogate pair is no text
    return str(value)


VALUES: st.SearchStrategy[Any] = st.sampled_from(
    ["u1", "", " ", "é", "1", 7, 4.5, 4.0, None, [], {"a": 1}, 1e400, -1]
)
OBJECTS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("user", "item", "time", "stars", "other"), VALUES)
).map(json.dumps)
JUNK = st.sampled_from(
    [
        *("", "{", "}", "[1]", "1", '"x"', "null", "{}", GOOD + GOOD, GOOD + " ", " " + GOOD),
        *("{'user': 'u2', 'item': 'i2', 'time': 6}", '{"user": "u",\n"item": "i", "time": 1}'),
        *('{"user": "a", "user": "b", "item": "i", "time": 1}', '{"user": "\\ud800"}'),
        *("{'user': __import__('os').getcwd(), 'item': 'i', 'time': 1}", '{"time": 0x1F}'),
    ]
)
LOGS = st.lists(st.one_of(st.just(GOOD), OBJECTS, JUNK), max_size=8).map("\n".join)


@settings(max_examples=300)
@given(log=LOGS, broken=st.booleans(), size=st.integers(1, 300))
def test_the_result_is_that_of_the_plain_way(log: str, broken: bool, size: int) -> None:
    raw = log.encode() + (b"\n\xff" + GOOD.encode() if broken else b"")

    assert read(raw, size) == plain(raw)


def test_good_objects_go_through_arrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(json_lines, "parse_line_by_line")
    raw = f'{GOOD}\n{{"item": "i2", "text": {{"a": [1]}}, "user": "u2", "time": 6}}\n\n{GOOD}\n'

    rows, rejected, blank = read(raw.encode())

    assert rows == [("u1", "i1", 5, 1, 4.0), ("u2", "i2", 6, 2, None), ("u1", "i1", 5, 4, 4.0)]
    assert (rejected, blank) == ([], 1)


def test_one_broken_line_costs_one_row() -> None:
    rows, rejected, _ = read(f'{GOOD}\n{{"user": "u2"\n{GOOD}\n'.encode())

    assert [row[3] for row in rows] == [1, 3]
    assert rejected == [(2, "not a JSON object")]


def test_python_dicts_are_read_but_never_run(capsys: pytest.CaptureFixture[str]) -> None:
    dicts = (
        "{'user': 'u1', 'item': 'i1', 'time': 5, 'text': \"it's\", 'price': 3.5}\n"
        "{'user': print('run'), 'item': 'i1', 'time': 5}\n"
        "{'user': 'u2', 'item': 'i2', 'time': 6, 'text': 'a \\/ b'}\n"
    )

    rows, rejected, _ = read(dicts.encode())

    assert [row[:3] for row in rows] == [("u1", "i1", 5), ("u2", "i2", 6)]
    assert rejected == [(2, "not a JSON object")]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("mark", ["[", "{'a':", '{"a":[', "-", "("])
def test_nesting_without_end_is_a_rejected_row(mark: str) -> None:
    deep = mark * 200_000

    _, rejected, _ = read(f'{GOOD}\n{{"user": {deep}}}\n{GOOD}\n'.encode())

    assert rejected == [(2, "not a JSON object")]


def test_dates_become_seconds() -> None:
    dated = '{"user": "u1", "item": "i1", "time": "%s"}\n'
    raw = "".join(dated % text for text in ("1970-01-01 00:00:10", "1970-01-02", "soon", ""))

    rows, rejected, _ = read(raw.encode(), keys=DATED)

    assert [row[2] for row in rows] == [10, 86_400]
    assert rejected == [(3, "timestamp is not a date"), (4, "timestamp is not a date")]
