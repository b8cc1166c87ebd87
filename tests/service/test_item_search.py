"""Items by the words of their titles, or by their ids."""

import pyarrow as pa
import pytest

from seqrec.service.item_search import ItemSearch

ITEMS = pa.table(
    {
        "item_index": [1, 2, 3, 4, 5, 6],
        "item_id": ["10", "1", "3", "4", "5", "matrix"],
        "title": ["Up (2009)", "Matrix, The (1999)", "Amélie", "The Matrix Re (2003)", None, "X 1"],
        "interactions": [5, 1, 9, 7, 3, 2],
    }
)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", ["3", "4", "10", "5", "matrix", "1"]),  # by interactions
        ("  THE matrix", ["4", "1"]),  # the former begins with the search
        ("matrix", ["matrix", "1", "4"]),  # the item of that id, then what begins so
        ("amelie", ["3"]),
        ("AMÉLIE", ["3"]),
        ("1", ["1", "10", "matrix"]),
        ("5", ["5"]),  # it has no title
        ("matrix 2003", ["4"]),
        ("(", ["4", "10", "1"]),  # no pattern
        ("nothing", []),
    ],
)
def test_what_is_found_and_in_which_order(text: str, ids: list[str]) -> None:
    found, total = ItemSearch(ITEMS).find(text, 10)
    assert [row["item_id"] for row in found] == ids
    assert total == len(ids)


def test_no_more_than_asked_for_and_the_title_with_it() -> None:
    found, total = ItemSearch(ITEMS).find("the", 1)
    assert found == [{"item_id": "4", "title": "The Matrix Re (2003)"}]
    assert total == 2


def test_without_titles_and_interactions_ids_are_searched() -> None:
    search = ItemSearch(ITEMS.select(["item_index", "item_id"]))
    assert search.find("", 2) == ([{"item_id": "10"}, {"item_id": "1"}], 6)
    assert search.find("MAT", 2) == ([{"item_id": "matrix"}], 1)
