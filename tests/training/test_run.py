"""What a training run writes down: what it always gives, and how long it took this time."""

from typing import Any

import pytest

from seqrec.errors import SeqrecError
from seqrec.training import train
from seqrec.training.run import TIMES, TrainingResult, history_and_progress
from tests.counted import random_users, split_off
from tests.trainings import data_of, settings, trained_on

SEQUENCES = split_off(*([*items, 1, 2] for items in random_users()), num_items=12)
TINY: dict[str, Any] = {"max_len": 4, "c": 1, "dim": 8, "num_heads": 1, "num_blocks": 1}


def trained(seed: int = 7, monitor: str = "NDCG@20") -> TrainingResult:
    """Two tiny epochs of BSARec."""
    options = {"max_epochs": 2, "batch_size": 256, "monitor": monitor}
    return train(data_of(SEQUENCES), settings(training=options, **TINY), seed)


def test_epochs_are_parted_from_their_times() -> None:
    rows = [
        {
            **{"seed": 7, "epoch": epoch, "loss": 2.0, "l2": 0.5, "NDCG@20": 0.25, "HR@10": 0.5},
            **{"seconds": 1.5, "validation_seconds": 0.5, "examples_per_second": 100.0},
        }
        for epoch in (1, 2)
    ]
    history, progress = history_and_progress(rows, "NDCG@20")
    assert history.column_names == ["seed", "epoch", "loss", "l2", "NDCG@20", "HR@10"]
    assert progress.column_names == ["seed", "epoch", "loss", "NDCG@20", *TIMES]
    assert progress.to_pylist()[1] == {
        **{"seed": 7, "epoch": 2, "loss": 2.0, "NDCG@20": 0.25},
        **{"seconds": 1.5, "validation_seconds": 0.5, "examples_per_second": 100.0},
    }


def test_trials_are_parted_from_their_times() -> None:
    rows = [{"seed": 7, "trial": 1, "decay": 0.5, "MRR@5": 0.2, "HR@10": 0.5, "seconds": 1.5}]
    history, progress = history_and_progress(rows, "MRR@5")
    assert history.to_pylist() == [
        {"seed": 7, "trial": 1, "decay": 0.5, "MRR@5": 0.2, "HR@10": 0.5}
    ]
    assert progress.to_pylist() == [{"seed": 7, "trial": 1, "MRR@5": 0.2, "seconds": 1.5}]


def test_a_training_has_its_times_in_the_progress_alone() -> None:
    result = trained(monitor="MRR@5")
    assert result.history["seed"].to_pylist() == [7, 7]
    assert result.history["epoch"].to_pylist() == [1, 2]
    assert not set(TIMES) & set(result.history.column_names)
    assert {"loss", "MRR@5", "HR@10", "NDCG@10"} <= set(result.history.column_names)
    assert result.progress.column_names == ["seed", "epoch", "loss", "MRR@5", *TIMES]
    assert all(seconds > 0 for seconds in result.progress["seconds"].to_pylist())
    for name in ("epoch", "loss", "MRR@5"):
        assert result.progress[name] == result.history[name]


def test_a_count_has_its_times_in_the_progress_alone() -> None:
    result = trained_on(SEQUENCES, "hybrid", trials=2)
    assert result.history["trial"].to_pylist() == [1, 2]
    assert not set(TIMES) & set(result.history.column_names)
    assert {"seed", "gamma", "NDCG@20", "HR@10", "NDCG@10"} <= set(result.history.column_names)
    assert result.progress.column_names == ["seed", "trial", "NDCG@20", "seconds"]


def test_the_same_run_has_the_same_history_and_another_seed_another() -> None:
    first = trained()
    assert trained().history.equals(first.history)
    assert not trained(seed=8).history["loss"].equals(first.history["loss"])


def test_the_best_epoch_and_its_value_stand_in_the_history() -> None:
    result = trained()
    values = result.history["NDCG@20"].to_pylist()
    assert result.trained.best_value == max(values)
    assert result.trained.best_epoch == 1 + values.index(max(values))


def test_one_item_is_too_few() -> None:
    sequences = split_off([1, 1, 1], num_items=1)
    with pytest.raises(SeqrecError, match="'by-hand' has 1 item; a ranking needs at least 2"):
        trained_on(sequences, "popularity")
