"""Several seeds together, by hand: two seeds, three test targets and two validation targets."""

from math import sqrt
from typing import Any

import pyarrow as pa
import pytest

from seqrec.evaluation.evaluate import EvaluationResult
from seqrec.evaluation.metrics import parse_label, ranking_metrics
from seqrec.evaluation.over_seeds import over_seeds, scores_of

VALID = {7: [1.0, 9.0], 8: [9.0, 9.0]}
TEST = {7: [1.0, 3.0, 30.0], 8: [2.0, 3.0, 1.0]}
"""HR@2 is 1, 0, 0 of seed 7 and 1, 0, 1 of seed 8."""
COUNTS: dict[str, Any] = {"targets": 3, "users": 3, "repeat_targets": 1}


def result(seed: int, **more: Any) -> EvaluationResult:
    """What ``evaluate`` returns for one seed; more numbers of the test split."""
    ranks = {"valid": VALID[seed], "test": TEST[seed]}
    splits = {
        split: {"metrics": measured(found), **COUNTS, "targets": len(found)}
        for split, found in ranks.items()
    }
    splits["test"] |= more
    facts = {"dataset": "tiny", "model": "bsarec", "protocol": "standard", "seen_items": "exclude"}
    metrics = facts | {"seed": seed, "best_epoch": seed + 1, "splits": splits}
    return EvaluationResult(rank_table(ranks), metrics)


def measured(ranks: list[float]) -> dict[str, Any]:
    return ranking_metrics(pa.array(ranks).to_numpy(), [2])


def rank_table(ranks: dict[str, list[float]]) -> pa.Table:
    return pa.table(
        {
            "split": [split for split, found in ranks.items() for _ in found],
            "user_index": [user for found in ranks.values() for user, _ in enumerate(found, 1)],
            "rank": [rank for found in ranks.values() for rank in found],
        }
    )


def together(**more: list[Any]) -> tuple[pa.Table, dict[str, Any]]:
    """Both seeds; of further numbers, the first of each list is seed 7's."""
    first, second = ({name: pair[place] for name, pair in more.items()} for place in (0, 1))
    return over_seeds({7: result(7, **first), 8: result(8, **second)})


def test_a_metric_is_the_mean_over_seeds_with_both_spreads() -> None:
    """Means of the seeds 1/3 and 2/3; means of the targets 1, 0 and 1/2, with deviation 1/2."""
    _, metrics = together()
    assert metrics["splits"]["test"]["metrics"]["HR@2"] == {
        "value": pytest.approx(1 / 2),
        "standard_error": pytest.approx(1 / 2 / sqrt(3)),
        "deviation": pytest.approx(1 / 3 / sqrt(2)),
    }
    assert metrics["splits"]["valid"]["metrics"]["HR@2"] == {
        "value": pytest.approx(1 / 4),
        "standard_error": pytest.approx(1 / 4),
        "deviation": pytest.approx(1 / 2 / sqrt(2)),
    }


def test_every_metric_of_the_seeds_has_its_mean() -> None:
    _, metrics = together()
    by_seed = [metrics["by_seed"][seed]["splits"]["test"]["metrics"] for seed in "78"]
    joined = metrics["splits"]["test"]["metrics"]
    assert set(joined) == {"HR@2", "NDCG@2", "MRR@2"}
    for label, found in joined.items():
        both = [of_seed[label]["value"] for of_seed in by_seed]
        assert found["value"] == pytest.approx(sum(both) / 2), parse_label(label)


def test_each_seed_keeps_what_it_reached_itself() -> None:
    _, metrics = together()
    assert metrics["seeds"] == [7, 8]
    assert list(metrics["by_seed"]) == ["7", "8"]
    for seed in (7, 8):
        of_seed = metrics["by_seed"][str(seed)]
        assert of_seed["best_epoch"] == seed + 1
        assert of_seed["splits"] == {
            "valid": {"metrics": measured(VALID[seed])},
            "test": {"metrics": measured(TEST[seed])},
        }


def test_facts_of_the_cell_stand_once_and_those_of_a_seed_only_with_it() -> None:
    _, metrics = together()
    assert {name: metrics[name] for name in ("dataset", "model", "protocol", "seen_items")} == {
        "dataset": "tiny",
        "model": "bsarec",
        "protocol": "standard",
        "seen_items": "exclude",
    }
    assert not {"seed", "best_epoch"} & set(metrics)


def test_other_numbers_are_means_and_equal_counts_stay_whole() -> None:
    more: dict[str, list[Any]] = {"coverage@2": [0.25, 0.75], "repeat_targets": [1, 2]}
    _, metrics = together(**more)
    test = metrics["splits"]["test"]
    assert test["coverage@2"] == 0.5
    assert test["repeat_targets"] == 1.5
    assert test["targets"] == 3
    assert isinstance(test["targets"], int)


def test_sampled_metrics_are_means_too() -> None:
    def sampled(value: float, error: float) -> dict[str, Any]:
        found = {"HR@2": {"value": value, "standard_error": error}}
        return {"negatives": 99, "note": "among sampled items", "metrics": found}

    _, metrics = together(sampled=[sampled(0.2, 0.1), sampled(0.6, 0.3)])
    found = metrics["splits"]["test"]["sampled"]
    assert (found["negatives"], found["note"]) == (99, "among sampled items")
    assert found["metrics"]["HR@2"] == pytest.approx({"value": 0.4, "standard_error": 0.2})


def test_one_seed_has_no_deviation_and_is_what_it_is_alone() -> None:
    alone = result(7)
    ranks, metrics = over_seeds({7: alone})
    assert metrics["seeds"] == [7]
    for split in ("valid", "test"):
        for label, found in alone.metrics["splits"][split]["metrics"].items():
            assert metrics["splits"][split]["metrics"][label] == {**found, "deviation": None}
    assert ranks["seed"].to_pylist() == [7] * 5


def test_the_ranks_say_which_seed_they_are_of() -> None:
    ranks, _ = together()
    assert ranks.column_names == ["seed", "split", "user_index", "rank"]
    assert ranks["seed"].type == pa.int64()
    assert ranks["seed"].to_pylist() == [7] * 5 + [8] * 5
    assert ranks["rank"].to_pylist() == [*VALID[7], *TEST[7], *VALID[8], *TEST[8]]


def test_the_scores_are_hit_rate_and_ndcg_of_the_test_split() -> None:
    _, metrics = together()
    test = metrics["splits"]["test"]["metrics"]
    assert scores_of(metrics) == {
        "test": {label: test[label]["value"] for label in ("HR@2", "NDCG@2")},
        "deviation": {label: test[label]["deviation"] for label in ("HR@2", "NDCG@2")},
    }
    _, alone = over_seeds({7: result(7)})
    assert list(scores_of(alone)) == ["test"]
