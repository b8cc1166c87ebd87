"""A batch of requests gets what each would get alone."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

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
    return answer


def items_in(answer: Answer) -> list[str]:
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
    (answer,) = answer_batch(bare, [ListRequest(history=["i3"], k=1)])
    assert isinstance(answer, dict)
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
    for fields, answer in zip(several, together, strict=True):
        alone = answered(**fields)
        if isinstance(alone, WrongRequest):
            assert isinstance(answer, WrongRequest)
            assert (answer.status, answer.line) == (alone.status, alone.line)
        else:
            assert isinstance(answer, dict)
            assert items_in(answer) == items_in(alone)
            assert {key: answer[key] for key in ("known", "unknown", "fallback")} == {
                key: alone[key] for key in ("known", "unknown", "fallback")
            }


def test_candidates_without_a_known_item_are_an_error_of_their_request_alone() -> None:
    several = [{"candidates": ["i1"]}, {"candidates": ["nothing"]}, {}]
    fine, wrong, other = answer_batch(
        served(), [ListRequest(history=["i2"], **fields) for fields in several]
    )
    assert isinstance(wrong, WrongRequest)
    assert wrong.status == 422
    assert "none of the candidates" in wrong.line
    assert isinstance(fine, dict)
    assert items_in(fine) == ["i1"]
    assert isinstance(other, dict)
