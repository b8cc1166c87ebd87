"""Metrics worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqrec.errors import SeqrecError
from seqrec.evaluation.metrics import (
    METRICS,
    gains,
    mean_and_error,
    metric_of,
    parse_label,
    ranking_metrics,
)

BY_HAND: dict[str, list[float]] = {
    # of ranks 1, 1.5 and 4, the cutoff being 3
    "HR": [1, 1, 0],
    "NDCG": [1, 1 / math.log2(2.5), 0],
    "MRR": [1, 2 / 3, 0],
}


def test_every_metric_is_worked_out_by_hand() -> None:
    assert BY_HAND.keys() == METRICS.keys()
    for name, expected in BY_HAND.items():
        np.testing.assert_allclose(gains(name, np.array([1.0, 1.5, 4.0]), 3), expected)


def test_no_metric_takes_the_place_of_an_unknown_one() -> None:
    with pytest.raises(SeqrecError, match="unknown metric 'NDGC'; did you mean 'NDCG'"):
        gains("NDGC", np.array([1.0]), 10)


def test_a_new_metric_is_measured_and_may_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METRICS, "HALF", lambda ranks: 0.5 * np.ones_like(ranks))
    assert metric_of("HALF@2", np.array([1.0, 3.0])) == 0.25
    assert ranking_metrics(np.array([1.0]), [2])["HALF@2"]["value"] == 0.5


def test_metrics_by_hand() -> None:
    """Ranks 1, 3, 11: at 10, two of three hit."""
    metrics = ranking_metrics(np.array([1.0, 3.0, 11.0]), [2, 10])
    assert metrics["HR@2"]["value"] == pytest.approx(1 / 3)
    assert metrics["HR@10"]["value"] == pytest.approx(2 / 3)
    assert metrics["NDCG@10"]["value"] == pytest.approx((1 + 1 / math.log2(4)) / 3)
    assert metrics["MRR@10"]["value"] == pytest.approx((1 + 1 / 3) / 3)
    # values 1, 1, 0: sample deviation sqrt(1/3), divided by sqrt(3)
    assert metrics["HR@10"]["standard_error"] == pytest.approx(1 / 3)


def test_a_rank_between_two_places_misses_the_upper_one() -> None:
    assert metric_of("HR@1", np.array([1.5])) == 0
    assert metric_of("HR@2", np.array([1.5])) == 1


def test_one_target_has_no_standard_error() -> None:
    assert ranking_metrics(np.array([1.0]), [1])["HR@1"]["standard_error"] is None


@pytest.mark.parametrize(
    ("label", "message"),
    [("NDGC@20", "did you mean 'NDCG'"), ("NDCG", "NAME@k"), ("HR@0", "NAME@k")],
)
def test_unknown_labels(label: str, message: str) -> None:
    with pytest.raises(SeqrecError, match=message):
        parse_label(label)


def test_the_error_of_users_with_several_targets_by_hand() -> None:
    """User 1 has 1 and 1, user 2 has 0: the mean is 2/3, the residuals are 2/3 and -2/3."""
    measured = mean_and_error(np.array([1.0, 1.0, 0.0]), np.array([1, 1, 2]))
    assert measured["value"] == pytest.approx(2 / 3)
    assert measured["standard_error"] == pytest.approx(np.sqrt(2 * (4 / 9 + 4 / 9)) / 3)
    metrics = ranking_metrics(np.array([1.0, 2.0, 9.0]), [5], np.array([1, 1, 2]))
    assert metrics["HR@5"] == measured


def test_one_user_has_no_error() -> None:
    alone = mean_and_error(np.array([1.0, 0.0]), np.array([3, 3]))
    assert alone == {"value": 0.5, "standard_error": None}


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_with_a_target_a_user_the_error_is_the_usual_one(values: list[float]) -> None:
    array = np.array(values)
    measured = mean_and_error(array, np.arange(len(values)))
    assert measured["value"] == pytest.approx(array.mean())
    usual = array.std(ddof=1) / math.sqrt(len(values))
    assert measured["standard_error"] == pytest.approx(usual, abs=1e-12)
