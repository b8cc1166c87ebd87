"""A batch of requests gets what each would get alone."""

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec.recommendation.item_ids import ItemIds
from seqrec.recommendation.recommender import Recommender
from seqrec.service import answers
from seqrec.service.answers import Answer, answer_batch
from seqrec.service.bodies import ListRequest, WrongRequest
from seqrec.service.live_model import ServedModel, load_served_model
from tests.service.small import ITEMS, saved

IDS = [*ITEMS["item_id"].to_pylist(), "unknown"]


@cache
def served() -> ServedModel:
    with TemporaryDirectory() as folder:
        return load_served_model(saved(Path(folder) / "model"), "cpu")


def answered(**fields: Any) -> Any:
    (answer,) = answer_batch(served(), [ListRequest(**fields)])
    return read(answer)


def read(answer: Answer | Exception) -> Any:
    """What an answer says, or the error."""
    return json.loads(answer.body) if isinstance(answer, Answer) else answer


def items_in(answer: Any) -> list[str]:
    return [row["item_id"] for row in answer["items"]]


def test_a_list_is_that_of_the_recommender_with_titles() -> None:
    answer = answered(history=["i3", "nobody", "i7"], k=4)
    found = served().recommender.recommend([["i3", "nobody", "i7"]], k=4)

    titles = dict(zip(IDS, ITEMS["title"].to_pylist(), strict=False))
    rows = found.table.select(["rank", "item_id", "score"]).to_pylist()
    assert answer["items"] == [row | {"title": titles[row["item_id"]]} for row in rows]
    assert (answer["known"], answer["unknown"], answer["fallback"]) == (2, 1, False)


def test_without_titles_there_are_none(tmp_path: Path) -> None:
    bare = load_served_model(saved(tmp_path / "model", titles=False), "cpu")
    answer = read(*answer_batch(bare, [ListRequest(history=["i3"], k=1)]))
    assert set(answer["items"][0]) == {"rank", "item_id", "score"}
    assert bare.recommender.trained.titles is None


def test_an_empty_history_gets_the_popular_list_or_none() -> None:
    counts = served().recommender.trained.items["interactions"].to_pylist()
    most = max(range(len(counts)), key=lambda place: (counts[place], -place))

    popular = answered(history=[], k=3)
    assert popular["fallback"] is True
    assert items_in(popular)[0] == IDS[most]
    assert answered(history=["unknown"], fallback="none")["items"] == []


def test_several_users_each_by_name_an_empty_name_too() -> None:
    answer = answered(histories={"u": ["i1"], "": ["i2", "i3"]}, k=2, exclude={"": ["i4"]})
    one, other = answer["lists"]
    assert (one["user_id"], other["user_id"]) == ("u", "")
    assert items_in(one) == items_in(answered(history=["i1"], k=2))
    assert items_in(other) == items_in(answered(history=["i2", "i3"], k=2, exclude=["i4"]))


ids = st.lists(st.sampled_from(IDS), max_size=4)
requests: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    history=ids,
    k=st.integers(1, 15),
    seen_items=st.sampled_from([None, "exclude", "keep"]),
    candidates=st.none() | ids,
    exclude=st.none() | ids,
    fallback=st.sampled_from(["popular", "none"]),
)


@settings(max_examples=25)
@given(st.lists(requests, min_size=2, max_size=6))
def test_a_batch_gets_what_each_would_get_alone(several: list[dict[str, Any]]) -> None:
    together = answer_batch(served(), [ListRequest(**fields) for fields in several])
    for fields, answer in zip(several, map(read, together), strict=True):
        alone = answered(**fields)
        if isinstance(alone, WrongRequest):
            assert isinstance(answer, WrongRequest)
            assert (answer.status, answer.line) == (alone.status, alone.line)
        else:
            assert items_in(answer) == items_in(alone)
            assert {key: answer[key] for key in ("known", "unknown", "fallback")} == {
                key: alone[key] for key in ("known", "unknown", "fallback")
            }


def test_candidates_without_a_known_item_are_an_error_of_their_request_alone() -> None:
    several = [{"candidates": ["i1"]}, {"candidates": ["nothing"]}, {}]
    fine, wrong, other = map(
        read,
        answer_batch(served(), [ListRequest(history=["i2"], **fields) for fields in several]),
    )
    assert isinstance(wrong, WrongRequest)
    assert wrong.status == 422
    assert "none of the candidates" in wrong.line
    assert items_in(fine) == ["i1"]
    assert len(items_in(other)) == 10


users = st.sampled_from(["u", "v", "w"])
by_user = st.dictionaries(users, ids, min_size=1)


@settings(max_examples=25)
@given(histories=by_user, exclude=ids | by_user, k=st.integers(1, 15))
def test_several_users_get_what_the_recommender_gives(
    histories: dict[str, list[str]], exclude: Any, k: int
) -> None:
    if isinstance(exclude, dict):  # whoever has no history is refused
        exclude = {user: items for user, items in exclude.items() if user in histories}
    own = exclude if isinstance(exclude, dict) else dict.fromkeys(histories, exclude)
    found = served().recommender.recommend(histories, k=k, exclude=own).table
    expected: dict[str, list[Any]] = {user: [] for user in histories}
    for user, item in zip(
        *(found[name].to_pylist() for name in ("user_id", "item_id")), strict=True
    ):
        expected[user].append(item)

    answer = answered(histories=histories, exclude=exclude, k=k)
    assert [(one["user_id"], items_in(one)) for one in answer["lists"]] == list(expected.items())


def test_a_choice_for_all_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read_ids = []
    numbers = ItemIds.numbers

    def counted(self: ItemIds, given: Any) -> Any:
        read_ids.extend(given := list(given))
        return numbers(self, given)

    histories = {str(user): ["i1"] for user in range(50)}
    served()  # it reads an id of its own
    monkeypatch.setattr(ItemIds, "numbers", counted)
    answer = answered(histories=histories, candidates=IDS[:7], exclude=["i2", "i3", "nobody"], k=9)
    assert len(read_ids) == 50 + 7 + 3
    assert [sorted(items_in(one)) for one in answer["lists"]] == [["i4", "i5", "i6", "i7"]] * 50


def test_calls_are_of_so_many_rows_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    lists = Recommender.lists

    def noted(self: Recommender, histories: Any, k: int, *others: Any) -> Any:
        calls.append((len(histories), k))
        return lists(self, histories, k, *others)

    monkeypatch.setattr(Recommender, "lists", noted)
    monkeypatch.setattr(answers, "MOST_ROWS", 6)
    four = {str(user): ["i1"] for user in range(4)}
    several = [ListRequest(histories=four, k=1)]
    several += [ListRequest(history=["i2"], k=k) for k in (3, 1, 2)]
    found = [read(answer) for answer in answer_batch(served(), several)]
    assert calls == [(2, 3), (5, 1)]  # with all four users it would be 6 x 3
    assert [len(items_in(one)) for one in found[0]["lists"]] == [1] * 4
    assert [len(items_in(answer)) for answer in found[1:]] == [3, 1, 2]


def test_lists_for_all_that_differ_do_not_mix() -> None:
    several: list[dict[str, Any]] = [
        {"histories": {"u": ["i1"], "v": ["i2"]}, "exclude": ["i3"]},
        {"histories": {"u": ["i1"]}, "exclude": ["i4", "i5"]},
        {"history": ["i1"], "exclude": ["i6"]},
    ]
    found = answer_batch(served(), [ListRequest(**fields, k=len(ITEMS)) for fields in several])
    first, second, third = map(read, found)
    every = set(ITEMS["item_id"].to_pylist())
    assert [set(items_in(one)) for one in first["lists"]] == [
        every - {"i1", "i3"},
        every - {"i2", "i3"},
    ]
    assert set(items_in(second["lists"][0])) == every - {"i1", "i4", "i5"}
    assert set(items_in(third)) == every - {"i1", "i6"}
