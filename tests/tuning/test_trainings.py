"""One training of a search."""

from pathlib import Path

import pytest

from seqrec.batches import evaluation_examples
from seqrec.errors import SeqrecError
from seqrec.evaluation.metrics import metric_of
from seqrec.evaluation.ranker import Ranker
from seqrec.training import train
from tests.trainings import CPU, LOG, data_of, settings, trained_on


def test_every_epoch_is_shown_and_what_is_raised_ends_the_training() -> None:
    rows: list[dict[str, float]] = []
    result = train(data_of(), settings(), 1, after_epoch=rows.append)
    assert [row["epoch"] for row in rows] == [1, 2]
    assert result.trained.best_value == max(row["NDCG@20"] for row in rows)

    def stop(row: dict[str, float]) -> None:
        raise SeqrecError(f"enough after {row['epoch']}")

    with pytest.raises(SeqrecError, match="enough after 1"):
        train(data_of(), settings(), 1, after_epoch=stop)


def test_the_model_has_its_best_weights() -> None:
    result = train(data_of(), settings(), 1)
    targets = evaluation_examples(LOG, "valid", 5, "standard")
    ranks = Ranker(LOG, targets, result.trained.model, CPU).ranks(result.trained.model)
    assert metric_of("NDCG@20", ranks) == result.trained.best_value


def test_the_graph_is_distilled_where_the_settings_say_so() -> None:
    rows: list[dict[str, float]] = []
    train(data_of(), settings(ted={"weight": 0.1}), 1, after_epoch=rows.append)
    assert "distillation" in rows[0]
    without: list[dict[str, float]] = []
    train(data_of(), settings(), 1, after_epoch=without.append)
    assert "distillation" not in without[0]


def test_a_counted_model_is_counted_once() -> None:
    result = train(data_of(), settings("cosine", decay=0.5, trials=1), 1)
    assert result.trained.model.config.decay == 0.5
    assert result.trained.model.config.source_exponent == 0.3
    same = trained_on(LOG, "cosine", seed=1, decay=0.5, source_exponent=0.3, target_exponent=0.1)
    assert result.trained.best_value == same.trained.best_value


def test_a_training_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    whole = train(data_of(), settings(), 1).trained.best_value
    state = tmp_path / "state.safetensors"

    def cut(row: dict[str, float]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(data_of(), settings(), 1, checkpoint=state, after_epoch=cut)
    rows: list[dict[str, float]] = []
    result = train(data_of(), settings(), 1, checkpoint=state, after_epoch=rows.append)
    assert [row["epoch"] for row in rows] == [2]
    assert result.trained.best_value == whole
