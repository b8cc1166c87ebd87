"""Lists in people's own ids, beside one history at a time sorted in plain Python."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import torch

from seqrec.errors import SeqrecError
from seqrec.models.folder import TrainedModel
from seqrec.recommendation.given_histories import Columns
from seqrec.recommendation.recommender import Recommender
from tests.counted import random_users, split_off
from tests.recommendation.test_as_evaluated import ITEMS, log_of, trained


def named(model: TrainedModel) -> TrainedModel:
    """The same model, its items called ``a1``, ``a2`` … and counted."""
    counts = [3 * number % 11 for number in range(1, ITEMS + 1)]
    ids = [f"a{number}" for number in range(1, ITEMS + 1)]
    items = pa.table({"item_index": range(1, ITEMS + 1), "item_id": ids, "interactions": counts})
    return TrainedModel(model.model, items, **model.facts())


MODEL = named(trained("bsarec", "standard", log_of(1), seed=1))
RECOMMENDER = Recommender(MODEL, device="cpu", batch_size=3)
HISTORIES = {
    f"user-{number}": [f"a{item}" for item in items]
    for number, items in enumerate(random_users(3, users=20, num_items=ITEMS))
}


def plain_list(
    history: Sequence[str],
    k: int,
    seen: bool = False,
    only: Collection[str] | None = None,
    out: Collection[str] = (),
) -> list[str]:
    """One list, from the scores of one history."""
    ids: list[str] = MODEL.items["item_id"].to_pylist()
    known = [ids.index(item) + 1 for item in history if item in ids]
    if known:
        row = torch.tensor([known[-6:]])
        with torch.inference_mode():
            scores = MODEL.model.scorer()(row, torch.zeros(1, dtype=torch.long))[0, 1:].tolist()
    else:
        scores = MODEL.items["interactions"].to_pylist()
    left = [
        number
        for number, item in enumerate(ids)
        if (seen or number + 1 not in known) and item not in out and (only is None or item in only)
    ]
    left.sort(key=lambda number: (-round(scores[number], 4), number))
    return [ids[number] for number in left][:k]


def test_lists_of_many_users_are_those_of_each_alone() -> None:
    found = RECOMMENDER.recommend(HISTORIES, k=7)
    assert found.lists() == {user: plain_list(items, 7) for user, items in HISTORIES.items()}
    first = found.table.slice(0, 7).to_pydict()
    assert first["rank"] == [1, 2, 3, 4, 5, 6, 7]
    assert first["score"] == sorted(first["score"], reverse=True)
    assert found.remarks() == []


def test_seen_items_may_stay() -> None:
    found = RECOMMENDER.recommend(HISTORIES, k=30, seen_items="keep").lists()
    assert found == {user: plain_list(items, 30, seen=True) for user, items in HISTORIES.items()}
    assert {len(items) for items in found.values()} == {ITEMS}


def test_a_list_is_shorter_where_fewer_items_are_left() -> None:
    found = RECOMMENDER.recommend(HISTORIES, k=1000)
    lengths = {user: ITEMS - len(set(items)) for user, items in HISTORIES.items()}
    assert {user: len(items) for user, items in found.lists().items()} == lengths


def test_unknown_ids_are_passed_over_and_counted() -> None:
    found = RECOMMENDER.recommend({"u": ["x", "a4", "y", "a7"], "v": ["a1"]}, k=3)
    assert found.lists() == {"u": plain_list(["a4", "a7"], 3), "v": plain_list(["a1"], 3)}
    assert found.users["known"].to_pylist() == [2, 1]
    assert found.users["unknown"].to_pylist() == [2, 0]
    assert found.remarks() == ["ids of the histories that the model does not know, passed over: 2"]


def test_whoever_has_no_known_item_gets_the_popular_list_which_says_so() -> None:
    histories: dict[str, list[str]] = {"new": [], "old": ["a1"], "elsewhere": ["x"]}
    found = RECOMMENDER.recommend(histories, k=4, exclude={"new": ["a7"]})
    assert found.lists() == {
        "new": plain_list([], 4, out=["a7"]),
        "old": plain_list(["a1"], 4),
        "elsewhere": plain_list([], 4),
    }
    assert found.users["fallback"].to_pylist() == [True, False, True]
    none = RECOMMENDER.recommend(histories, k=4, fallback="none")
    assert none.lists() == {"new": [], "old": plain_list(["a1"], 4), "elsewhere": []}
    assert none.users["fallback"].to_pylist() == [False, False, False]
    assert "histories that get no list: 2" in none.remarks()


CHOSEN = {user: [f"a{n}" for n in range(2, 9)] for user in list(HISTORIES)[::2]}


@pytest.mark.parametrize(
    ("source", "by_user"),
    [
        (["a2", "a3", "a9", "x"], lambda user: ["a2", "a3", "a9"]),
        (CHOSEN, CHOSEN.get),
        (
            pa.table(
                {
                    "user_id": [user for user, items in CHOSEN.items() for _ in items],
                    "item_id": [item for items in CHOSEN.values() for item in items],
                }
            ),
            CHOSEN.get,
        ),
        (pd.DataFrame({"item_id": ["a2", "a3", "a9"]}), lambda user: ["a2", "a3", "a9"]),
    ],
)
def test_items_to_choose_from_and_to_leave_out(source: Any, by_user: Any) -> None:
    only = RECOMMENDER.recommend(HISTORIES, k=5, candidates=source).lists()
    out = RECOMMENDER.recommend(HISTORIES, k=5, exclude=source).lists()
    for user, items in HISTORIES.items():
        assert only[user] == plain_list(items, 5, only=by_user(user))
        assert out[user] == plain_list(items, 5, out=by_user(user) or ())


@pytest.mark.parametrize("column", [pd.Series, pa.array, lambda ids: pa.chunked_array([ids])])
def test_a_column_alone_is_an_item_list(column: Any) -> None:
    found = RECOMMENDER.recommend([["a1"]], candidates=column(["a2", "a3", "x"])).lists()
    assert found == {"0": plain_list(["a1"], 9, only=["a2", "a3"])}


def test_a_user_may_have_no_candidates_and_others_of_a_table_get_no_list() -> None:
    told = {"u": [], "elsewhere": ["a2"]}
    found = RECOMMENDER.recommend({"u": ["a1"], "v": ["a1"]}, candidates=told, k=2)
    assert found.unasked_users == {"candidates": 1}
    assert "users of candidates who are none of those with a history: 1" in found.remarks()
    assert all(item in repr(found) for item in plain_list(["a1"], 2))
    assert found.lists() == {"u": [], "v": plain_list(["a1"], 2)}


def test_long_lists_of_few_candidates_take_little_room() -> None:
    """Of each history no more is kept than what is listed, whatever k."""
    lists = RECOMMENDER.recommend([["a1"]] * 50, k=10**12, candidates=["a2", "a3"])
    assert len(lists) == 100


def test_both_together_and_unknown_ones_counted() -> None:
    found = RECOMMENDER.recommend(
        [["a1"]], candidates=["a2", "a3", "q"], exclude={"0": ["a3", "r", "s"]}
    )
    assert found.lists() == {"0": ["a2"]}
    assert found.passed_over == {"candidates": 1, "exclude": 2}


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame(
            {
                "user_id": ["u", "v", "u", "u"],
                "item_id": ["a3", "a1", "a2", "a9"],
                "timestamp": [5, 1, 9, 7],
            }
        ),
        pa.table({"user_id": ["u", "v"], "history": [["a3", "a9", "a2"], ["a1"]]}),
        pa.table({"user_id": ["u", "u", "v", "u"], "item_id": ["a3", "a9", "a1", "a2"]}),
        {"u": ["a3", "a9", "a2"], "v": ["a1"]},
    ],
)
def test_histories_come_in_several_forms(table: Any) -> None:
    found = RECOMMENDER.recommend(table, k=4)
    assert found.lists() == {"u": plain_list(["a3", "a9", "a2"], 4), "v": plain_list(["a1"], 4)}


def test_columns_have_names_of_their_own() -> None:
    table = pa.table({"who": ["u"], "what": ["a3"]})
    columns = Columns(user="who", item="what")
    assert RECOMMENDER.recommend(table, k=2, columns=columns).lists() == {
        "u": plain_list(["a3"], 2)
    }
    with pytest.raises(SeqrecError, match="unknown column 'user_id'"):
        RECOMMENDER.recommend(table)


def test_whole_numbers_are_ids_however_they_are_stored() -> None:
    numbered = Recommender(trained("sasrec", "standard", log_of(2), seed=2), device="cpu")
    expected = numbered.recommend([["3", "5"]], k=4).lists()
    assert numbered.recommend([[3, 5]], k=4).lists() == expected
    assert numbered.recommend([[3.0, 5.0]], k=4).lists() == expected
    assert numbered.recommend([["3.0", " 5"]], k=4).lists() == expected
    texts = pd.DataFrame({"user_id": [0, 0], "item_id": ["3 ", "5.0"]})
    assert numbered.recommend(texts, k=4).lists() == expected
    frame = pd.DataFrame({"user_id": [0, 0], "item_id": [3.0, 5.0]})
    assert numbered.recommend(frame, k=4).lists() == expected
    with pytest.raises(SeqrecError, match=r"3\.5 is no id"):
        numbered.recommend([[3.5]])


def test_users_of_item_lists_are_taken_as_the_log_takes_them() -> None:
    told = pa.table({"user_id": ["12.0", " 7", "8.0"], "item_id": ["a2", "a3", "a4"]})
    found = RECOMMENDER.recommend({"12": ["a1"], "7": ["a1"], "8.0": ["a1"]}, exclude=told, k=30)
    assert found.lists() == {
        "12": plain_list(["a1"], 30, out=["a2"]),
        "7": plain_list(["a1"], 30, out=["a3"]),
        "8.0": plain_list(["a1"], 30, out=["a4"]),
    }
    assert found.unasked_users == {"exclude": 0}
    only = RECOMMENDER.recommend({"12": ["a1"]}, candidates=told, k=30)
    assert only.lists() == {"12": ["a2"]}
    assert only.unasked_users == {"candidates": 2}


def timed(timestamps: list[Any]) -> pa.Table:
    return pa.table({"user_id": ["u", "u"], "item_id": ["a1", "a2"], "timestamp": timestamps})


def twice() -> pa.Table:
    return pa.table([["u"], ["a1"], ["a2"]], names=["user_id", "item_id", "item_id"])


def of_views(values: list[str]) -> pa.Array:
    """Categorical text as polars has it: a dictionary of views."""
    coded = pa.array(values).dictionary_encode()
    views = coded.dictionary.cast(pa.string_view())
    return pa.DictionaryArray.from_arrays(coded.indices.cast(pa.uint32()), views)


def test_categorical_text_is_as_any_other() -> None:
    halves = [of_views(["a1"]), of_views(["a2"])]
    table = pa.table({"user_id": of_views(["u", "u"]), "item_id": pa.chunked_array(halves)})
    found = RECOMMENDER.recommend(table, k=2).lists()["u"]
    assert found == plain_list(["a1", "a2"], 2)


@pytest.mark.parametrize(
    "timestamps",
    [
        pa.array([2_000_000_001, 2_000_000_000], pa.timestamp("ns")),
        ["2024-01-02T00:00:00", "2024-01-01"],
        [dt.date(2024, 1, 2), dt.date(2024, 1, 1)],
        [2.5, 1.5],
        ["2024-07-25T10:00:00.000Z", "2024-07-25T09:59:59Z"],
        ["2024-07-25T10:00:00+02:00", "2024-07-25T09:00:00+02:00"],
        ["2024-07-25T10:00:00-02:00", "2024-07-25T10:30:00+02:00"],
        ["2024-07-25T10:00:00-02:00", "2024-07-25T11:30:00"],
        pa.array(["2024-01-02", "2024-01-01"], pa.string_view()),
        pa.array(["2024-01-02", "2024-01-01"], pa.large_string()).dictionary_encode(),
        pa.array([2, 1]).dictionary_encode(),
        of_views(["2024-01-02", "2024-01-01"]),
    ],
)
def test_instants_of_any_kind_tell_the_order(timestamps: Any) -> None:
    found = RECOMMENDER.recommend(timed(timestamps), k=2).lists()["u"]
    nanoseconds = getattr(timestamps, "type", None) == pa.timestamp(
        "ns"
    )  # which are the order of the file
    assert found == plain_list(["a1", "a2"] if nanoseconds else ["a2", "a1"], 2)


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ({"k": 0}, "k should be a whole number from 1"),
        ({"k": True}, "k should be a whole number from 1"),
        ({"seen_items": "drop"}, "seen_items should be None or exclude or keep"),
        ({"fallback": "random"}, "fallback should be popular or none"),
        ({"candidates": ["x", "y"]}, "knows none of the candidates"),
        ({"candidates": []}, "knows none of the candidates"),
        ({"candidates": {"0": ["x"]}}, "knows none of the candidates"),
        ({"candidates": "a1"}, "candidates should be a list of item ids"),
        ({"exclude": ["x", "y"]}, "knows none of the items of exclude"),
        ({"exclude": {"u": "a1"}}, "exclude of a user should be a list"),
        ({"exclude": pa.table({"item": ["a1"]})}, "unknown column 'item_id'; did you mean 'item'"),
        ({"histories": ["a1", "a2"]}, r"list of lists of item ids; one alone is \[\[…\]\]"),
        ({"histories": "a1"}, "should be lists of item ids"),
        ({"histories": [[None]]}, "None is no id"),
        ({"histories": pa.table({"user_id": ["u", None], "item_id": ["a1", "a2"]})}, "empty in 1"),
        ({"histories": pa.table({"user_id": [None], "history": [["a1"]]})}, "empty in 1 row"),
        ({"histories": pd.Series(["a1", "a2"])}, "list of lists of item ids"),
        ({"histories": timed([1.0, float("nan")])}, "column 'timestamp' is empty in 1 row"),
        ({"histories": timed([dt.timedelta(1), dt.timedelta(2)])}, "holds duration"),
        ({"histories": timed(["soon", "later"])}, "give numbers or ISO dates"),
        ({"histories": timed(["2024-01-01", None])}, "column 'timestamp' is empty in 1 row"),
        ({"histories": twice()}, "column 'item_id' is there 2 times"),
        (
            {"exclude": pa.table({"user_id": ["u", None], "item_id": ["a1", "a2"]})},
            "of an item list is empty in 1 row",
        ),
    ],
)
def test_what_cannot_be_is_one_line(told: Mapping[str, Any], line: str) -> None:
    with pytest.raises(SeqrecError, match=line) as caught:
        RECOMMENDER.recommend(**{"histories": [["a1"]], **told})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "line"),
    [("sasrec", "items of a history have score 0"), ("mqsa_ted", "the last 6 items of a history")],
)
def test_the_authors_rules_are_said(name: str, line: str) -> None:
    model = trained(name, "authors", log_of(2), seed=2)
    recommender = Recommender(model, device="cpu")
    found = recommender.recommend([[1, 2, 3]], k=ITEMS)
    assert line in found.remarks()[-1]
    left_out = recommender.recommend([[1, 2, 3]], k=ITEMS, seen_items="exclude")
    assert left_out.remarks() == []
    assert sorted(map(int, left_out.lists()["0"])) == list(range(4, ITEMS + 1))
    assert left_out.table["rank"].to_pylist() == list(range(1, ITEMS - 2))


def test_similar_items_point_the_same_way() -> None:
    vectors = torch.from_numpy(RECOMMENDER.item_vectors())
    found = RECOMMENDER.similar_items("a4", k=5)
    cosines = torch.cosine_similarity(vectors[3:4], vectors)
    order = sorted(set(range(ITEMS)) - {3}, key=lambda n: (-round(float(cosines[n]), 5), n))[:5]
    assert found["item_id"].to_pylist() == [f"a{n + 1}" for n in order]
    assert found["item_id"].to_pylist()[:2] == ["a3", "a5"]  # its equals
    assert found["score"].to_pylist() == pytest.approx([float(cosines[n]) for n in order])
    assert len(RECOMMENDER.similar_items("a4", k=999)) == ITEMS - 1
    with pytest.raises(SeqrecError, match="knows no item 'x'"):
        RECOMMENDER.similar_items("x")


def test_a_model_that_counts_has_no_item_vectors() -> None:
    counted = trained("cosine", "standard", split_off([1, 2, 3], [2, 3, 1], num_items=3), seed=1)
    with pytest.raises(SeqrecError, match="'cosine' counts and has no item vectors"):
        Recommender(counted, device="cpu").similar_items("1")


def test_an_earlier_folder_has_no_popular_list() -> None:
    old = TrainedModel(MODEL.model, MODEL.items.drop(["interactions"]), **MODEL.facts())
    with pytest.raises(SeqrecError, match=r"earlier version .* choose fallback=none"):
        Recommender(old, device="cpu").recommend([[]])
    assert Recommender(old, device="cpu").recommend([[]], fallback="none").lists() == {"0": []}
