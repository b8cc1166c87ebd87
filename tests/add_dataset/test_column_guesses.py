"""Which column holds what: by names, then by values, and never by chance."""

import pytest

from seqrec.add_dataset.column_guesses import (
    NEEDED,
    WORDS,
    Role,
    are_instants,
    fit,
    guess_columns,
)

VALUES = {
    "date": ["2024-01-31", "2024-02-01"],
    "seconds": ["1398556800", "1398556801"],
    "text": ["09 1, 2014", "10 2, 2014"],
    "number": ["7", "8"],
    "word": ["x", "y"],
}


def table(columns: str) -> dict[str, list[str]]:
    """Return columns by their names: ``who:word when:date``; words unless it says otherwise."""
    named = [column.partition(":") for column in columns.split()]
    return {name: VALUES[kind or "word"] for name, _, kind in named}


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("user_id item_id timestamp:number", "user_id item_id timestamp"),
        ("customer sku day:date", "customer sku day"),
        ("userId movieId rating:number timestamp:seconds", "userId movieId timestamp rating"),
        ("userid movieid ts:seconds", "userid movieid ts"),
        ("uid iid ts:number", "uid iid ts"),
        ("CustomerID StockCode InvoiceDate:date Quantity", "CustomerID StockCode InvoiceDate"),
        ("visitorid itemid event timestamp:seconds", "visitorid itemid timestamp"),
        # the id before the name of the same thing, a word on its own before a qualified one
        ("user user_id item item_name date:date", "user_id item date"),
        ("member parent_asin asin created_at:date", "member asin created_at"),
        # a qualified word needs values that agree
        (
            "reviewerID asin overall:number unixReviewTime:seconds reviewTime:text",
            "reviewerID asin unixReviewTime overall",
        ),
        ("user_id order_id product_id order_date:date", "user_id product_id order_date"),
        ("session_id item_id timestamp:number", "session_id item_id timestamp"),
        ("session_id user_id item_id timestamp:number", "user_id item_id timestamp"),
        # a rating in words is none
        ("user item time:seconds score:word", "user item time"),
        # by values: the only column of instants, the only column that is left
        ("user item x:seconds", "user item x"),
        ("who sku happened:date", "who sku happened"),
    ],
)
def test_what_names_and_values_tell(columns: str, expected: str) -> None:
    guesses = guess_columns(table(columns))
    assert all(len(guesses[role]) == 1 for role in NEEDED)
    assert [name for names in guesses.values() for name in names] == expected.split()


@pytest.mark.parametrize(
    ("columns", "role", "candidates"),
    [
        ("user item date:date time:number", "timestamp", ["date", "time"]),
        ("user item a:date b:seconds", "timestamp", ["a", "b"]),
        ("user artist_id track_id ts:number", "item", ["artist_id", "track_id"]),
        ("user item day:number month:number year:number", "timestamp", []),
        ("a b c:date", "user", []),
        ("a b c:date", "item", []),
        ("user item", "timestamp", []),
    ],
)
def test_what_has_to_be_asked(columns: str, role: Role, candidates: list[str]) -> None:
    assert guess_columns(table(columns))[role] == candidates


def test_what_is_known_decides_the_rest() -> None:
    columns = table("artist_id track_id who ts:number")
    assert guess_columns(columns)["user"] == []
    named = guess_columns(columns, {"item": "track_id", "user": "who"})
    assert named == {"timestamp": ["ts"], "rating": []}
    untimed = guess_columns(table("a item"), {"timestamp": None})
    assert untimed == {"user": ["a"], "item": ["item"], "rating": []}


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("user_id", ("user", 0)),
        ("USER", ("user", 1)),
        ("last_user", ("user", 2)),
        ("user name", ("user", 3)),
        ("user_rating", ("rating", 2)),
        ("product_date", ("timestamp", 2)),
        ("item_category", None),
        ("id", None),
        ("", None),
    ],
)
def test_the_last_word_that_counts_says_what_a_column_is(
    name: str, fits: tuple[str, int] | None
) -> None:
    fitting = [(role, rank) for role in WORDS if (rank := fit(name, role)) is not None]
    assert fitting == ([fits] if fits else [])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["20240131", "20231201"], True),
        (["20240132", "20231301"], False),
        (["1398556800"], True),
        (["1398556800000"], True),
        (["1398556800000000"], True),
        (["1398556800.5"], True),
        (["2024-01-31 10:00:00", "2024-01-31T10:00:00Z"], True),
        (["2023-11-14 22:13:20.000000001"], True),
        (["31/01/2024", "1.2.2024 10:00"], True),  # no reader takes them, which is said later
        (["1.2.34", "10/12"], False),
        (["12:30"], False),
        (["5", "6"], False),
        (["", "1398556800"], True),
        (["", ""], False),
        ([], False),
    ],
)
def test_what_looks_like_an_instant(values: list[str], expected: bool) -> None:
    assert are_instants(values) is expected


def test_a_column_that_is_mostly_missing_is_nobodys() -> None:
    """Diginetica's views: userId is NA but for a third of the rows."""
    views = {
        "sessionId": ["1301", "1084", "1154"],
        "userId": ["NA", "7", "NA"],
        "itemId": ["20065", "20260", "20052"],
        "eventdate": ["2017-10-01", "2017-09-13", "2017-09-17"],
    }
    guesses = guess_columns(views)
    assert [guesses[role] for role in NEEDED] == [["sessionId"], ["itemId"], ["eventdate"]]
