"""JSON lines of any shape, beside Python's own json."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqrec.errors import SeqrecError
from seqrec.readers import json_keys
from seqrec.readers.parts import source
from tests.readers.logs import frame, read

NESTED = {"user": "who.id", "item": "what", "timestamp": "at.seconds"}
NOON = 1_390_000_000


def written(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def events(count: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, 50, count), rng.integers(0, 30, count)
    return [
        {
            "who": {"id": int(user), "name": "é{"},
            "what": f"i{item}",
            "at": {"seconds": NOON + place},
            "event": "buy" if place % 3 else "view",
            "more": [{"deep": {"er": None}}],
        }
        for place, (user, item) in enumerate(zip(users, items, strict=True))
    ]


def expected(rows: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    return [(str(row["who"]["id"]), row["what"], row["at"]["seconds"]) for row in rows]


def triples(log: Any) -> list[tuple[str, str, int]]:
    return list(frame(log)[["user_id", "item_id", "timestamp"]].itertuples(index=False, name=None))


@pytest.mark.parametrize("odd", ["", '{"who": {"id": 7.0}, "what": "x", "at": {"seconds": 5}}'])
def test_keys_by_their_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd: str) -> None:
    """The odd line has no type Arrow expects: its block goes line by line."""
    monkeypatch.setattr(source, "BLOCK_BYTES", 4096)
    rows = events(300)
    path = written(tmp_path / "log.jsonl", rows)
    path.write_text(path.read_text() + odd + "\n" * bool(odd))
    packed = tmp_path / "log.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))

    for file in (path, packed):
        log = read(file, tmp_path, "json_lines", columns=NESTED)
        assert triples(log) == expected(rows) + [("7", "x", 5)] * bool(odd)
        assert log.report["timestamp_unit"] == "s"


def test_rows_are_chosen_by_a_key(tmp_path: Path) -> None:
    rows = events(90)
    path = written(tmp_path / "log.jsonl", rows)

    log = read(path, tmp_path, "json_lines", columns=NESTED, where={"event": "buy"})

    assert triples(log) == expected([row for row in rows if row["event"] == "buy"])
    assert log.report["rows_left_out"] == 30


ODD_LINES = ("{oops", '{"user_id": "x", "item_id": true, "timestamp": [], "stars": {}}')
PLAIN = {"user": "user_id", "item": "item_id", "timestamp": "timestamp"}


@pytest.mark.parametrize("odd", ODD_LINES)
@pytest.mark.parametrize("stars", [5.0, 4.5, -2.0, 2.0**40, 1e16, 1e20])
def test_floats_are_chosen_alike_where_a_line_is_odd(
    tmp_path: Path, odd: str, stars: float
) -> None:
    """The odd line makes its block go line by line."""
    row = {"user_id": "u", "item_id": "i", "timestamp": NOON}
    rows = [{**row, "stars": stars if place % 3 else 4.0} for place in range(30)]
    path = written(tmp_path / "log.jsonl", rows)
    asked = str(int(stars)) if stars < 2**63 and stars.is_integer() else str(stars)
    options: dict[str, Any] = {"columns": PLAIN, "where": {"stars": asked}, "share": 0.5}
    clean = read(path, tmp_path, "json_lines", **options)
    path.write_text(path.read_text() + odd + "\n")

    log = read(path, tmp_path, "json_lines", **options)

    assert clean.report["rows_kept"] == log.report["rows_kept"] == 20
    assert log.report["rows_left_out"] in (10, 11)


def test_floats_within_a_list_of_objects_are_chosen_as_whole_numbers(tmp_path: Path) -> None:
    reviews = [{"item": "a", "stars": 5.0}, {"item": "b", "stars": 4.5}, {"item": "c", "stars": 5}]
    path = written(tmp_path / "log.jsonl", [{"user": "u", "reviews": reviews}])
    columns = {"user": "user", "item": "reviews.item", "timestamp": None}

    log = read(path, tmp_path, "json_lines", columns=columns, where={"reviews.stars": 5})

    assert frame(log)["item_id"].tolist() == ["a", "c"]


@pytest.mark.parametrize("odd", ["", *ODD_LINES])
@pytest.mark.parametrize("key", ["user_id", "item_id"])
def test_fractions_are_no_ids_where_a_line_is_odd_either(
    tmp_path: Path, odd: str, key: str
) -> None:
    ids = [1.0, 1.5, 2.0, float(2**53), 3.0]
    row = {"user_id": "u", "item_id": "i", "timestamp": NOON}
    path = written(tmp_path / "log.jsonl", [{**row, key: value} for value in ids])
    path.write_text(path.read_text() + odd + "\n" * bool(odd))

    log = read(path, tmp_path, "json_lines", columns=PLAIN, share=0.9)

    of = key.removesuffix("_id")
    assert frame(log)[key].tolist() == ["1", "2", "3"]
    assert log.rejected.slice(0, 2).select(["line_number", "reason"]).to_pylist() == [
        {"line_number": 2, "reason": f"{of} id is no text or integer"},
        {"line_number": 4, "reason": f"{of} id went through a float and lost digits"},
    ]


@pytest.mark.parametrize("first", [0, 1], ids=["a list first", "none first"])
@pytest.mark.parametrize("looked_at", [1, 1000])
def test_some_rows_hold_one_item_or_a_text_instead_of_a_list(
    first: int, looked_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_keys, "LOOKED_AT", looked_at)
    held = [[12, "b c"], 7, "d e", '["f g"]', None, {"no": "items"}, []]
    if first:
        held = held[1:] + held[:1]
    rows = [{"u": number, "at": NOON, "items": items} for number, items in enumerate(held)]
    path = written(tmp_path / "log.jsonl", rows)
    columns = {"user": "u", "items": "items", "timestamp": "at"}

    log = read(path, tmp_path, "json_lines", columns=columns, share=0.9)

    found = frame(log).groupby("user_id")["item_id"].apply(list)
    assert sorted(found) == [["12", "b c"], ["7"], ["d", "e"], ["f g"]]
    assert log.report["changed"] == {"rows with an empty list of items": 2}
    assert log.rejected["reason"].to_pylist() == ["empty item id"]


@pytest.mark.parametrize("odd", ["", "{oops"])
def test_fractions_are_no_items_of_lists_either(tmp_path: Path, odd: str) -> None:
    row = {"user_id": "u", "item_id": [1.0, 1.5, 2.0], "timestamp": NOON}
    path = written(tmp_path / "log.jsonl", [row])
    path.write_text(path.read_text() + odd + "\n" * bool(odd))
    columns = {"user": "user_id", "items": "item_id", "timestamp": "timestamp"}

    log = read(path, tmp_path, "json_lines", columns=columns, share=0.9)

    assert frame(log)["item_id"].tolist() == ["1", "2"]
    assert log.rejected["reason"].to_pylist()[0] == "empty item id"


def test_lines_that_are_none(tmp_path: Path) -> None:
    lines = [json.dumps(row) for row in events(60)]
    lines[7], lines[9], lines[11] = "[1, 2]", '{"who": {"id": null}, "what": "a"}', "{broken"
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(lines))

    log = read(path, tmp_path, "json_lines", columns=NESTED, share=0.1)

    assert log.report["rows_kept"] == 57
    assert log.rejected.select(["line_number", "reason"]).to_pylist() == [
        {"line_number": 8, "reason": "not a JSON object"},
        {"line_number": 10, "reason": "empty user id"},
        {"line_number": 12, "reason": "not a JSON object"},
    ]


def test_python_dicts_of_steam(tmp_path: Path) -> None:
    path = tmp_path / "steam.json"
    path.write_text(
        "{u'username': u'Chaos Syren', u'hours': 0.1, u'product_id': u'725280', u'page': 1, "
        "u'date': u'2017-12-17', u'text': u\"It's\", u'early_access': False}\n" * 2
    )
    columns = {"user": "username", "item": "product_id", "timestamp": "date"}

    log = read(path, tmp_path, "json_lines", columns=columns)

    assert triples(log) == [("Chaos Syren", "725280", 1513468800)] * 2


def test_a_list_of_reviews_a_user(tmp_path: Path) -> None:
    """As in Steam's australian_user_reviews: Python dicts, one a user."""
    users = [
        {
            "user_id": "js41637",
            "reviews": [
                {"item_id": "251610", "posted": "Posted June 24, 2014.", "recommend": True},
                {"item_id": "227300", "posted": "Posted September 8, 2013.", "recommend": True},
                {"item_id": "239030", "posted": "Posted September 8, 2013.", "recommend": False},
            ],
        },
        {"user_id": "evcentric", "reviews": []},
        {"user_id": "doctr", "reviews": [{"item_id": "250320", "posted": "Posted June 3."}]},
    ]
    path = tmp_path / "reviews.json"
    path.write_text("".join(f"{user!r}\n" for user in users))
    columns = {"user": "user_id", "item": "reviews.item_id", "timestamp": "reviews.posted"}

    log = read(
        path,
        tmp_path,
        "json_lines",
        share=0.5,
        columns=columns,
        timestamp_format="Posted %B %d, %Y.",
    )

    assert triples(log) == [
        ("js41637", "251610", 1403568000),
        ("js41637", "227300", 1378598400),
        ("js41637", "239030", 1378598400),
    ]
    assert frame(log)["order"].tolist() == [0, 1, 2]
    assert log.rejected["line_number"].to_pylist() == [3]
    chosen = {"reviews.recommend": True}
    kept = read(
        path,
        tmp_path,
        "json_lines",
        columns={**columns, "timestamp": None},
        where=chosen,
    )
    assert triples(kept) == [("js41637", "251610", 0), ("js41637", "227300", 1)]


def test_dates_of_goodreads(tmp_path: Path) -> None:
    row = {
        "user_id": "8842281e1d1347389f2ab93d60773d4d",
        "book_id": "836610",
        "is_read": True,
        "rating": 3,
        "date_added": "Fri Apr 22 09:11:03 -0700 2016",
    }
    path = written(tmp_path / "goodreads.json", [row, row])
    columns = {"user": "user_id", "item": "book_id", "timestamp": "date_added", "rating": "rating"}

    log = read(path, tmp_path, "json_lines", columns=columns)

    assert frame(log)["timestamp"].tolist() == [1461341463] * 2  # date -d, in seconds
    assert frame(log)["rating"].tolist() == [3.0, 3.0]


def test_lists_of_items_as_json(tmp_path: Path) -> None:
    path = written(
        tmp_path / "baskets.jsonl",
        [
            {"session": 1, "items": [12, 7, 7], "at": NOON},
            {"session": 2, "items": [], "at": NOON},
            {"session": 3, "items": ["x"], "at": NOON + 1},
        ],
    )
    columns = {"user": "session", "items": "items", "timestamp": "at"}

    log = read(path, tmp_path, "json_lines", columns=columns)

    assert triples(log) == [
        ("1", "12", NOON),
        ("1", "7", NOON),
        ("1", "7", NOON),
        ("3", "x", NOON + 1),
    ]
    assert frame(log)["order"].tolist() == [0, 1, 2, 0]
    assert log.report["changed"] == {"rows with an empty list of items": 1}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({**NESTED, "user": "more.deep.er"}, "unknown key 'more.deep.er' .*; known: at.seconds, e"),
        ({**NESTED, "user": "who.ID"}, r"unknown key 'who.ID' .* did you mean 'who.id'\?"),
        ({"user": 0, "item": 1, "timestamp": 2}, "keys of JSON lines have names, not positions"),
        ({**NESTED, "item": "who.id"}, "is named for two of user"),
    ],
)
def test_keys_that_are_not_there(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    path = written(tmp_path / "log.jsonl", events(3))
    with pytest.raises(SeqrecError, match=message) as error:
        read(path, tmp_path, "json_lines", columns=columns)
    assert "\n" not in str(error.value)


def test_a_table_is_no_json(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user_id,item_id\na,b\n")
    with pytest.raises(
        SeqrecError, match="first line is not a JSON object; is 'json_lines' the right"
    ):
        read(path, tmp_path, "json_lines")


def test_one_array_is_told_how_to_become_lines(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text(json.dumps(events(3), indent=1))
    with pytest.raises(SeqrecError, match="is one JSON array; write an object a line"):
        read(path, tmp_path, "json_lines", columns=NESTED)


def test_mongos_exports(tmp_path: Path) -> None:
    row = {"user": {"$oid": "5f1"}, "item": 7, "at": {"$date": "2019-01-31T23:59:59.250Z"}}
    path = written(tmp_path / "log.jsonl", [row, row])
    columns = {"user": "user.$oid", "item": "item", "timestamp": "at.$date"}

    log = read(path, tmp_path, "json_lines", columns=columns)

    assert triples(log) == [("5f1", "7", 1548979199250)] * 2


def test_lists_without_reviews_are_counted(tmp_path: Path) -> None:
    rows = [{"u": n, "reviews": [{"i": n, "at": NOON + n}] * (n % 2)} for n in range(10)]
    path = written(tmp_path / "log.jsonl", rows)
    columns = {"user": "u", "item": "reviews.i", "timestamp": "reviews.at"}

    log = read(path, tmp_path, "json_lines", columns=columns)

    assert log.report["rows_kept"] == 5
    assert log.report["changed"] == {"rows with an empty list of items": 5}


def test_a_list_is_no_value_to_choose_by(tmp_path: Path) -> None:
    path = written(tmp_path / "log.jsonl", [{**row, "tags": ["x"]} for row in events(3)])
    with pytest.raises(SeqrecError, match="is no single value; name another column"):
        read(path, tmp_path, "json_lines", columns=NESTED, where={"tags": "x"})
