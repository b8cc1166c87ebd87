"""Ranks by hand, against the authors' numbers, and against a sort."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqrec.batches import Sequences, Split, evaluation_examples
from seqrec.errors import SeqrecError
from seqrec.evaluation.metrics import metric_of
from seqrec.evaluation.ranking import (
    SeenItems,
    apply_rules,
    candidate_counts,
    target_ranks,
)
from seqrec.models.mqsa_ted import MQSATED
from seqrec.protocol import RankingRules, ranking_rules
from tests.authors import GOLDEN

NOTHING_SEEN = (torch.tensor([], dtype=torch.long), torch.tensor([], dtype=torch.long))


def rank(scores: list[float], target: int, protocol: str, seen: list[int]) -> float:
    """The rank of one target among one row of scores."""
    rules = ranking_rules(protocol)
    pairs = (torch.zeros(len(seen), dtype=torch.long), torch.tensor(seen, dtype=torch.long))
    ruled = apply_rules(torch.tensor([scores]), pairs, rules)
    return target_ranks(ruled, torch.tensor([target])).item()


@pytest.mark.parametrize("case", ["metrics_bsarec", "metrics_bsarec_neg"])
def test_authors_ranks_and_metrics_equal_theirs(case: str) -> None:
    with np.load(GOLDEN / f"{case}.npz") as arrays:
        scores = torch.from_numpy(arrays["scores"].copy())
        seen, answers = arrays["seen"].nonzero(), torch.from_numpy(arrays["answers"]).long()
        rules = ranking_rules("authors")
        pairs = (torch.from_numpy(seen[0]), torch.from_numpy(seen[1]))
        ranks = target_ranks(apply_rules(scores, pairs, rules), answers).double().numpy()
        np.testing.assert_array_equal(ranks - 1, arrays["ranks"])
        for label, value in zip(json.loads(str(arrays["names"])), arrays["values"], strict=True):
            assert metric_of(label, ranks) == pytest.approx(float(value), abs=1e-12)


def test_negative_scores_tell_the_two_protocols_apart() -> None:
    """With all scores below zero, a seen item at score 0 beats the target, one at -inf does not."""
    scores = [-9.0, -1.0, -2.0, -3.0]
    assert rank(scores, target=1, protocol="authors", seen=[2]) == 2
    assert rank(scores, target=1, protocol="standard", seen=[2]) == 1


def test_padding_competes_under_authors_only() -> None:
    scores = [5.0, 1.0, 2.0, 3.0]
    assert rank(scores, target=3, protocol="authors", seen=[]) == 2
    assert rank(scores, target=3, protocol="standard", seen=[]) == 1


def test_a_constant_model_gets_the_middle_rank() -> None:
    """Seven items, all alike: the expected rank is 4; with padding among them 4.5."""
    assert rank([0.0] * 8, target=5, protocol="standard", seen=[]) == 4
    assert rank([0.0] * 8, target=5, protocol="authors", seen=[]) == 4.5


def test_a_seen_target_is_no_hit_however_few_items_compete() -> None:
    """Items 1, 2 compete; the target 3 and item 4 are seen: it can never be recommended."""
    assert rank([9.0, 1.0, 2.0, 3.0, 4.0], target=3, protocol="standard", seen=[3, 4]) == np.inf
    assert metric_of("HR@20", np.array([np.inf])) == 0
    assert metric_of("NDCG@20", np.array([np.inf])) == 0


def test_a_score_that_is_no_number_never_helps_the_target() -> None:
    nan = float("nan")
    assert rank([0.0, 1.0, nan, nan], target=1, protocol="standard", seen=[]) == 3
    assert np.isnan(rank([0.0, nan, 1.0, 2.0], target=1, protocol="standard", seen=[]))


def test_candidates_count_what_is_ranked() -> None:
    rules = ranking_rules("standard")
    seen = (torch.tensor([0, 0, 1]), torch.tensor([1, 1, 3]))
    ruled = apply_rules(torch.zeros(2, 5), seen, rules)
    assert candidate_counts(ruled).tolist() == [3, 3]


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=12), st.data())
def test_expected_rank_is_the_mean_over_all_orders_of_ties(
    scores: list[int], data: st.DataObject
) -> None:
    target = data.draw(st.integers(1, len(scores)))
    own = scores[target - 1]
    first = 1 + sum(score > own for score in scores)
    last = sum(score >= own for score in scores)
    got = rank([0.0, *map(float, scores)], target, "standard", seen=[])
    assert got == (first + last) / 2


def test_seen_items_are_the_whole_history() -> None:
    """Users (1 2 3 1 | 4) and (5 | 6): also items further back than any model looks."""
    sequences = Sequences(
        items=np.array([1, 2, 3, 1, 4, 5, 6], dtype=np.int32),
        offsets=np.array([0, 5, 7]),
        split=np.array([0, 0, 0, 0, 2, 0, 2], dtype=np.int8),
        num_items=6,
    )
    examples = evaluation_examples(sequences, "test", 2, "standard")
    rows, items = SeenItems(sequences, examples, torch.device("cpu")).pairs(slice(0, 2))
    assert list(zip(rows.tolist(), items.tolist(), strict=True)) == [
        (0, 1), (0, 2), (0, 3), (0, 1), (1, 5),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("split", "window", "expected"),
    [
        ("valid", 2, [(0, 3), (0, 1), (1, 6)]),
        ("test", 2, [(0, 3), (0, 1), (0, 4), (1, 6), (1, 7)]),
        ("test", 3, [(0, 2), (0, 3), (0, 1), (0, 4), (1, 6), (1, 7)]),
    ],
)
def test_a_window_counts_from_the_last_training_item_on(
    split: Split, window: int, expected: list[tuple[int, int]]
) -> None:
    """Users (1 2 3 1 | 4 | 5) and (6 | 7 | 8): the last training items, and all behind them."""
    sequences = Sequences(
        items=np.array([1, 2, 3, 1, 4, 5, 6, 7, 8], dtype=np.int32),
        offsets=np.array([0, 6, 9]),
        split=np.array([0, 0, 0, 0, 1, 2, 0, 1, 2], dtype=np.int8),
        num_items=8,
    )
    examples = evaluation_examples(sequences, split, 50, "authors")
    seen = SeenItems(sequences, examples, torch.device("cpu"), window)
    rows, items = seen.pairs(slice(0, 2))
    assert list(zip(rows.tolist(), items.tolist(), strict=True)) == expected
    # the second user alone, as the first row of a batch
    rows, items = seen.pairs(slice(1, 2))
    alone = [(0, item) for row, item in expected if row == 1]
    assert list(zip(rows.tolist(), items.tolist(), strict=True)) == alone


MQSA_TED = RankingRules(padding_competes=False, seen_score=-torch.inf, seen_in_window=True)


def test_mqsa_teds_metrics_equal_the_authors() -> None:
    """Their seen items fall by 2^32, ours to -inf; a truth among them is a miss either way."""
    with np.load(GOLDEN / "mqsa_ranking.npz") as arrays:
        scores = torch.nn.functional.pad(torch.from_numpy(arrays["scores"]), (1, 0), value=99.0)
        users, items = arrays["seen"].nonzero()
        truth = torch.from_numpy(arrays["truth"])
        pairs = (torch.from_numpy(users), torch.from_numpy(items) + 1)
        ranks = target_ranks(apply_rules(scores, pairs, MQSA_TED), truth + 1)
        among_seen = torch.from_numpy(arrays["seen"])[torch.arange(len(truth)), truth]
        assert among_seen.sum() == 2
        assert torch.equal(torch.isinf(ranks), among_seen)
        lists = torch.from_numpy(arrays["rank_list"])
        places = [row.tolist().index(item) + 1 if item in row else None
                  for row, item in zip(lists, truth.tolist(), strict=True)]  # fmt: skip
        assert places == [int(rank) if rank <= 20 else None for rank in ranks.tolist()]
        for metric in ("hr", "ndcg"):
            for cutoff in (5, 10, 20):
                ours = metric_of(f"{metric.upper()}@{cutoff}", ranks.double().numpy())
                assert ours == pytest.approx(float(arrays[f"{metric}{cutoff}"]), abs=1e-12)


def test_the_rules_of_the_authors_are_those_of_their_model() -> None:
    assert MQSATED.authors_ranking == MQSA_TED
    assert ranking_rules("authors", authors=MQSA_TED) == MQSA_TED
    assert ranking_rules("standard", authors=MQSA_TED) == ranking_rules("standard")


def test_keeping_seen_items_is_no_choice_of_the_authors() -> None:
    assert ranking_rules("standard", "keep").seen_score is None
    with pytest.raises(SeqrecError, match=r"seen_items=keep is a choice of protocol=standard"):
        ranking_rules("authors", "keep")
