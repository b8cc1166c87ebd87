"""One training of a search."""

from pathlib import Path

import pytest

from seqrec.batches import evaluation_examples
from seqrec.errors import SeqrecError
from seqrec.evaluation.metrics import metric_of
from seqrec.evaluation.ranker import Ranker
from seqrec.training.loop import Checkpointing
from seqrec.tuning.fitting import fit_once
from tests.counted import trained_on
from tests.tuning.log import CPU, LOG, data_of, settings


def test_every_epoch_is_shown_and_what_is_raised_ends_the_training() -> None:
    rows: list[dict[str, float]] = []
    outcome = fit_once(data_of(), settings(), 1, after_epoch=rows.append)
    assert [row["epoch"] for row in rows] == [1, 2]
    assert outcome.value == max(row["NDCG@20"] for row in rows)

    def stop(row: dict[str, float]) -> None:
        raise SeqrecError(f"enough after {row['epoch']}")

    with pytest.raises(SeqrecError, match="enough after 1"):
        fit_once(data_of(), settings(), 1, after_epoch=stop)


def test_the_model_has_its_best_weights() -> None:
    outcome = fit_once(data_of(), settings(), 1)
    targets = evaluation_examples(LOG, "valid", 5, "standard")
    ranks = Ranker(LOG, targets, outcome.model, CPU).ranks(outcome.model)
    assert metric_of("NDCG@20", ranks) == outcome.value


def test_the_graph_is_distilled_where_the_settings_say_so() -> None:
    rows: list[dict[str, float]] = []
    fit_once(data_of(), settings(ted={"weight": 0.1}), 1, after_epoch=rows.append)
    assert "distillation" in rows[0]
    without: list[dict[str, float]] = []
    fit_once(data_of(), settings(), 1, after_epoch=without.append)
    assert "distillation" not in without[0]


def test_a_counted_model_is_counted_once() -> None:
    outcome = fit_once(data_of(), settings("cosine", decay=0.5), 1)
    assert outcome.model.config.decay == 0.5
    assert outcome.model.config.source_exponent == 0.3
    same = trained_on(LOG, "cosine", seed=1, decay=0.5, source_exponent=0.3, target_exponent=0.1)
    assert outcome.value == same.trained.best_value


def test_a_training_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    whole = fit_once(data_of(), settings(), 1).value
    kept = Checkpointing(tmp_path / "state.safetensors", "run")

    def cut(row: dict[str, float]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_once(data_of(), settings(), 1, checkpointing=kept, after_epoch=cut)
    rows: list[dict[str, float]] = []
    outcome = fit_once(data_of(), settings(), 1, checkpointing=kept, after_epoch=rows.append)
    assert [row["epoch"] for row in rows] == [2]
    assert outcome.value == whole
