"""The list of a user is the one the evaluation ranked, for every model under both protocols."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch

from seqrec.batches import Sequences
from seqrec.evaluation.evaluate import EVALUATED, evaluate
from seqrec.evaluation.ranker import split_targets
from seqrec.models import COUNTING_MODELS, MODELS, build_model
from seqrec.models.folder import TrainedModel
from seqrec.models.parts.face import SequentialModel
from seqrec.parameters.sections import EvaluationOptions
from seqrec.recommendation import lists as module
from seqrec.recommendation.lists import Lists
from seqrec.recommendation.recommender import Recommender
from tests.counted import random_users, split_off, table_of
from tests.trainings import trained_on

ITEMS = 24
SMALL = {"max_len": 6, "dim": 8}
EQUAL = ([3, 4, 5], [9, 10])
"""Items with one and the same vector."""


def log_of(seed: int) -> Sequences:
    return split_off(*random_users(seed, users=25, num_items=ITEMS), num_items=ITEMS)


def trained(name: str, protocol: str, log: Sequences, seed: int) -> TrainedModel:
    """A model of weights far from where it would start, some items equal; or one that counts."""
    if name in COUNTING_MODELS:
        only_one = {} if name == "popularity" else {"trials": 1}
        return trained_on(log, name, protocol, **only_one).trained
    torch.manual_seed(seed)
    options: dict[str, Any] = SMALL | ({"c": 3} if name == "bsarec" else {})
    model = build_model(name, options, protocol, log.num_items, log.num_users)
    for vectors in model.distilled():
        torch.nn.init.normal_(vectors)
        with torch.no_grad():
            for items in EQUAL:
                vectors[items] = vectors[items[0]].clone()
    facts: dict[str, Any] = {"dataset": "by-hand", "seed": 1, "best_epoch": 1, "monitor": "NDCG@20"}
    return TrainedModel(
        model=model.eval(),
        items=pa.table({"item_index": range(1, ITEMS + 1), "item_id": range(1, ITEMS + 1)}),
        model_name=name,
        options=options,
        protocol=protocol,
        num_items=log.num_items,
        num_users=log.num_users,
        data_fingerprint=log.fingerprint(),
        best_value=0.0,
        **facts,
    )


def padding_of(ranks: np.ndarray[Any, Any]) -> list[int]:
    """The one place that is left out."""
    return list(set(range(1, len(ranks) + 2)) - set(ranks.tolist()))


def one_by_one(lists: Lists) -> Iterator[dict[str, np.ndarray[Any, Any]]]:
    for first, stop in zip(lists.offsets[:-1], lists.offsets[1:], strict=True):
        rows = slice(first, stop)
        yield {"item": lists.items[rows], "rank": lists.ranks[rows], "score": lists.scores[rows]}


@pytest.mark.parametrize("item_block", [7, 10_000])
@pytest.mark.parametrize("protocol", ["standard", "authors"])
@pytest.mark.parametrize("name", [*MODELS, *COUNTING_MODELS])
def test_the_rank_of_a_target_is_its_place_in_the_list(
    name: str, protocol: str, item_block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rank is the mean of the places of all that are equal to the target, which is one of them.

    A target that is out of the ranking is not in the list.
    """
    monkeypatch.setattr(module, "ITEM_BLOCK", item_block)
    log = log_of(seed=len(name))
    model = trained(name, protocol, log, seed=3)
    ranks = evaluate(model, table_of(log), options=EvaluationOptions(batch_size=5), device="cpu")
    recommender = Recommender(model, device="cpu", batch_size=7)
    tied = 0
    for split in EVALUATED:
        targets = split_targets(log, split, model.model.config.max_len, protocol)
        found = ranks.ranks.filter(pc.equal(ranks.ranks["split"], split)).to_pylist()
        lists = recommender.of_known_users(log, targets, k=ITEMS)
        for row, made in zip(found, one_by_one(lists), strict=True):
            place = np.flatnonzero(made["item"] == row["item_index"])
            if not len(place):
                assert row["rank"] == float("inf")
                continue
            equals = made["rank"][made["score"] == made["score"][place]].tolist()
            if protocol == "authors" and name in COUNTING_MODELS and made["score"][place] == 0:
                equals += padding_of(made["rank"])  # which has score 0 too
            assert row["rank"] == np.mean(equals)
            assert np.all(np.diff(made["score"]) <= 0)
            assert np.all(np.diff(made["item"])[np.diff(made["score"]) == 0] > 0)
            tied += len(equals) > 1
    assert tied or name in ("cosine", "hybrid")  # whose scores hardly ever are equal


@pytest.mark.parametrize("protocol", ["standard", "authors"])
@pytest.mark.parametrize("name", [*MODELS, *COUNTING_MODELS])
def test_a_history_alone_gets_the_list_it_gets_among_others(name: str, protocol: str) -> None:
    """Scores may differ in their last digit; what is not equal within it comes in one order."""
    log = log_of(seed=1)
    model = trained(name, protocol, log, seed=5)
    recommender = Recommender(model, device="cpu")
    users = [log.items[a:b].tolist() for a, b in zip(log.offsets, log.offsets[1:], strict=False)]
    together = recommender.recommend(users, k=5).table.to_pylist()
    alone = [
        {**row, "user_id": str(user)}
        for user, history in enumerate(users)
        for row in recommender.recommend([history], k=5).table.to_pylist()
    ]
    for row, other in zip(together, alone, strict=True):
        assert row["score"] == pytest.approx(other["score"], abs=1e-5)
        assert {**row, "score": 0} == {**other, "score": 0}


@pytest.mark.parametrize("protocol", ["standard", "authors"])
@pytest.mark.parametrize("name", [*MODELS, *COUNTING_MODELS])
def test_a_given_history_gets_the_evaluated_list(name: str, protocol: str) -> None:
    """What a user had before the target, in ids; with two exceptions, which the lists tell of."""
    log = log_of(seed=7)
    model = trained(name, protocol, log, seed=2)
    recommender = Recommender(model, device="cpu")
    targets = split_targets(log, "test", model.model.config.max_len, protocol)
    begins = log.offsets[targets.users - 1]
    histories = [log.items[a:b].tolist() for a, b in zip(begins, targets.ends, strict=True)]
    given = recommender.recommend(histories, k=ITEMS)
    evaluated = recommender.of_known_users(log, targets, k=ITEMS)
    same = given.table["item_id"].to_pylist() == recommender.ids.take(evaluated.items).to_pylist()
    knows_users = name == "caser"
    counts_from_training = name == "mqsa_ted" and protocol == "authors"
    assert same != (knows_users or counts_from_training)
    if knows_users:
        assert "has a vector for each user" in given.remarks()[-1]
    if counts_from_training:
        assert "the last 6 items of a history alone are left out" in given.remarks()[-1]


def test_padding_keeps_its_place_under_authors() -> None:
    log = log_of(seed=2)
    model = trained("sasrec", "authors", log, seed=4)
    assert isinstance(model.model, SequentialModel)
    targets = split_targets(log, "test", 6, "authors")
    lists = Recommender(model, device="cpu").of_known_users(log, targets, k=ITEMS)
    gaps = [padding_of(made["rank"]) for made in one_by_one(lists)]
    assert all(len(gap) == 1 for gap in gaps)
    assert len({gap for (gap,) in gaps}) > 1
