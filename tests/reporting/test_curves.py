"""Learning curves, and quality against time."""

import pandas as pd
import pyarrow as pa
import pytest

from seqrec.errors import SeqrecError
from seqrec.reporting.curves import learning_curves, quality_against_time
from tests.reporting.examples import A, B, metrics_file

HISTORY = pa.table(
    {
        "seed": [1, 1, 1, 2, 2],
        "epoch": [1, 2, 3, 1, 2],
        "loss": [3.0, 2.0, 1.0, 3.5, 2.5],
        "items": [0.0] * 5,  # a part of the loss
        "NDCG@20": [0.1, 0.3, 0.2, 0.1, 0.4],
        "HR@10": [0.2] * 5,
    }
)
TRIALS = pa.table({"seed": [1, 1], "trial": [0, 1], "gamma": [0.5, 0.7], "NDCG@20": [0.1, 0.2]})
METRICS = {
    A: metrics_file(A, {"NDCG@10": 0.25}, seeds=(1, 2)),
    B: metrics_file(B, {"NDCG@10": 0.15}),
}


def test_a_row_an_epoch_and_metric() -> None:
    table = learning_curves({A: HISTORY, B: TRIALS}, METRICS)
    assert set(table["model"]) == {"a"}  # trials are no epochs
    monitored = table[table["metric"] == "NDCG@20"]
    assert monitored["value"].tolist() == [0.1, 0.3, 0.2, 0.1, 0.4]
    assert monitored["best"].tolist() == [False, True, False, False, True]
    assert monitored["loss"].tolist() == [3.0, 2.0, 1.0, 3.5, 2.5]
    assert set(table["metric"]) == {"NDCG@20", "HR@10"}


def test_models_without_training_have_no_curves() -> None:
    table = learning_curves({B: TRIALS}, METRICS)
    assert len(table) == 0
    assert "best" in table.columns


def test_time_is_counted_to_the_best_epoch() -> None:
    """Seed 1: 1 + 2 of three epochs; seed 2: 4 + 5. The trials of b: all."""
    epochs = HISTORY.select(["seed", "epoch"]).to_pandas().assign(seconds=[1.0, 2.0, 8.0, 4.0, 5.0])
    trials = TRIALS.select(["seed", "trial"]).to_pandas().assign(seconds=[0.5, 0.25])
    table = quality_against_time({A: epochs, B: trials}, METRICS)
    assert table[["model", "seconds", "metric", "value"]].to_numpy().tolist() == [
        ["a", 6.0, "NDCG@10", 0.25],
        ["b", 0.75, "NDCG@10", 0.15],
    ]


def test_a_metric_that_was_not_measured_is_refused() -> None:
    progress = pd.DataFrame({"seed": [1], "trial": [0], "seconds": [1.0]})
    with pytest.raises(SeqrecError, match="tiny/b/standard has no HR@3; add its cutoff"):
        quality_against_time({B: progress}, METRICS, "HR@3")
