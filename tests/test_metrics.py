"""Metrics worked out by hand."""

import math

import numpy as np
import pytest

from seqrec.errors import SeqrecError
from seqrec.metrics import metric_of, parse_label, ranking_metrics


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
    ("label", "said"), [("NDGC@20", "did you mean 'NDCG'"), ("NDCG", "NAME@k"), ("HR@0", "NAME@k")]
)
def test_unknown_labels(label: str, said: str) -> None:
    with pytest.raises(SeqrecError, match=said):
        parse_label(label)
