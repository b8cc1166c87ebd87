"""The model that goes live: on everything, for as long as was best, with no figures of its own."""

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from seqrec.batches import Sequences
from seqrec.errors import SeqrecError
from seqrec.evaluation.evaluate import evaluate
from seqrec.models import COUNTING_MODELS, counting_class, model_config
from seqrec.models.folder import TrainedModel, load_model, save_model
from seqrec.models.parts.counting import Counts
from seqrec.parameters.sections import EvaluationOptions
from seqrec.training import Settings, train
from seqrec.training.checkpoint import save_checkpoint, set_aside
from seqrec.training.counted import count
from seqrec.training.refit import check_settings, refit
from tests.counted import table_of
from tests.trainings import LOG, data_of, graph_of, settings

WHOLE = replace(LOG, split=np.zeros_like(LOG.split))
WATCHED = Sequences(
    np.insert(WHOLE.items, WHOLE.offsets[1:], 1),
    WHOLE.offsets + np.arange(len(WHOLE.offsets)),
    np.insert(WHOLE.split, WHOLE.offsets[1:], 1),
    WHOLE.num_items,
)
"""All of the log for training, and one more interaction of each user to validate on."""


def told(model: str, **training: Any) -> Settings:
    small = {} if model == "bsarec" else {"max_len": 5, "dim": 8}
    loss = {"loss": "bce"} if model == "caser" else {}
    ted = {"weight": 0.1} if model == "mqsa_ted" else {}
    return settings(model, "standard", {"max_epochs": 2, **loss, **training}, ted, **small)


def evaluated(settings: Settings, **facts: Any) -> TrainedModel:
    return replace(train(data_of(), settings, 5).trained, **facts)


def same(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[n], second[n]) for n in first)


@pytest.mark.parametrize("model", ["bsarec", "mqsa_ted", "caser", "gru4rec"])
def test_it_has_the_last_weights_of_a_run_that_learns_from_everything(
    model: str, tmp_path: Path
) -> None:
    """Of a run that does validate, on what stands behind all the log; it leaves its last state."""
    chosen = told(model)
    graph = graph_of(WHOLE) if model == "mqsa_ted" else None
    final = refit(data_of(), chosen, evaluated(chosen, best_epoch=3), graph=graph)
    longer = told(model, max_epochs=3, patience=None)
    train(data_of(WATCHED), longer, 5, checkpoint=tmp_path / "state.safetensors")
    state = load_file(tmp_path / "state.safetensors")
    last = {n.removeprefix("model/"): w for n, w in state.items() if n.startswith("model/")}
    assert same(final.model.state_dict(), last)


def test_its_facts_say_what_it_is_and_claim_nothing(tmp_path: Path) -> None:
    best = evaluated(told("bsarec"), best_epoch=1)
    final = refit(data_of(), told("bsarec"), best)
    save_model(tmp_path / "final", final)
    loaded = load_model(tmp_path / "final")
    assert loaded.facts() == final.facts()
    assert (loaded.refit, loaded.best_epoch, loaded.best_value) == (True, 1, None)
    differing = {name for name, fact in final.facts().items() if fact != best.facts()[name]}
    assert differing == {"refit", "evaluated", "best_value", "data_fingerprint"}
    assert loaded.evaluated == best.fingerprint() != loaded.fingerprint()
    final.check_data(WHOLE)
    counts = np.bincount(LOG.items, minlength=LOG.num_items + 1)
    assert loaded.items["interactions"].to_pylist() == counts[1:].tolist()
    assert not final.model.training
    with pytest.raises(SeqrecError, match="is a refit, which learned from validation and test too"):
        evaluate(final, table_of(LOG), options=EvaluationOptions(), device="cpu")


@pytest.mark.parametrize("model", COUNTING_MODELS)
def test_a_counted_model_counts_everything_with_the_parameters_that_were_chosen(
    model: str,
) -> None:
    trials: dict[str, Any] = (
        {"trials": 3} if getattr(counting_class(model).Config, "trials", 1) > 1 else {}
    )
    best = evaluated(settings(model, **trials))
    final = refit(data_of(), settings(model, **trials), best)
    assert final.options == best.options
    counts = np.bincount(LOG.items, minlength=LOG.num_items + 1)
    assert final.model.state_dict()["popularity"].tolist() == counts.tolist()
    config = model_config(model, best.options, "standard", LOG.num_items)
    plain = counting_class(model)(config)
    plain.fit(Counts(WHOLE, config))
    assert same(final.model.state_dict(), plain.state_dict())


def test_counting_with_chosen_parameters_is_what_the_best_trial_counted() -> None:
    best = evaluated(settings("hybrid", trials=4))
    again = count(LOG, settings("hybrid", **best.options))
    assert same(best.model.state_dict(), again.model.state_dict())


def test_the_graph_must_be_that_of_everything() -> None:
    best = evaluated(told("mqsa_ted"))
    with pytest.raises(SeqrecError, match="transition_graph does not hold the transitions"):
        refit(data_of(), told("mqsa_ted"), best, graph=graph_of(LOG))


def test_transitions_counted_otherwise_than_the_model_distilled_are_refused() -> None:
    model = evaluated(told("mqsa_ted"))
    assert model.settings["transitions"] == {"time_span": 1, "last_items": None}
    wider = replace(data_of(), time_span=2)
    with pytest.raises(SeqrecError, match=r"with transitions\.time_span=1, not 2; run with"):
        refit(wider, told("mqsa_ted"), model, graph=graph_of(WHOLE))
    # what distils nothing was told nothing of them
    assert "transitions" not in evaluated(told("bsarec")).settings


def test_a_refit_that_was_cut_off_goes_on_to_the_same_digits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "seqrec")
    state, best = tmp_path / "checkpoint-final-5.safetensors", evaluated(told("bsarec"))
    best = replace(best, best_epoch=3)
    whole = refit(data_of(), told("bsarec"), best)

    def cut(*arguments: Any) -> None:
        save_checkpoint(*arguments)
        if arguments[4].epoch == 2:  # the progress
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("seqrec.training.loop.save_checkpoint", cut)
        with pytest.raises(KeyboardInterrupt):
            refit(data_of(), told("bsarec"), best, checkpoint=state)
    resumed = refit(data_of(), told("bsarec"), best, checkpoint=state)
    assert "training goes on after epoch 2" in caplog.messages
    assert same(resumed.model.state_dict(), whole.model.state_dict())

    # Once it is saved nothing is left: its epochs are not the user's to raise.
    set_aside(state)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings_now", "said"),
    [
        (told("sasrec"), "was trained with model=bsarec, not sasrec"),
        (settings(protocol="authors"), "was trained with protocol=standard, not authors"),
        (settings(alpha=0.7), "with model_options.alpha=0.5, not 0.7; run with model_options.al"),
        (told("bsarec", learning_rate=0.1), "with training.learning_rate=0.001, not 0.1; run"),
        (told("bsarec", max_epochs=9), "with training.max_epochs=2, not 9; run with"),
        (settings(ted={"weight": 0.5}), "was trained with ted.weight=0.0, not 0.5"),
    ],
)
def test_a_model_that_was_told_something_else_is_refused(settings_now: Settings, said: str) -> None:
    best = evaluated(told("bsarec"))
    with pytest.raises(SeqrecError) as caught:
        refit(data_of(), settings_now, best)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_was_given_to_a_counted_model_must_be_the_same() -> None:
    best = evaluated(settings("cosine", trials=2, decay=0.5))
    refit(data_of(), settings("cosine", trials=2), best)
    with pytest.raises(SeqrecError, match=r"with model_options\.decay=0\.5, not 0\.25"):
        refit(data_of(), settings("cosine", trials=2, decay=0.25), best)


def test_other_sequences_and_another_data_set_are_refused() -> None:
    best = evaluated(told("bsarec"))
    with pytest.raises(SeqrecError, match="trained on other data"):
        refit(data_of(WATCHED), told("bsarec"), best)
    with pytest.raises(SeqrecError, match="with dataset=by-hand, not another"):
        refit(replace(data_of(), dataset="another"), told("bsarec"), best)


def test_a_refit_of_a_warm_start_starts_there_too(tmp_path: Path) -> None:
    save_model(tmp_path / "old", evaluated(told("bsarec")))
    warm = told("bsarec", start_from=str(tmp_path / "old"), learning_rate=1e-12)
    best = evaluated(warm)
    final = refit(data_of(), warm, best)
    old = load_file(tmp_path / "old" / "model.safetensors")
    for name, weight in final.model.state_dict().items():
        torch.testing.assert_close(weight, old[name], rtol=0, atol=1e-9)
    save_model(tmp_path / "old", evaluated(told("bsarec", learning_rate=0.1)))
    with pytest.raises(SeqrecError, match="started from other weights than lie in"):
        refit(data_of(), warm, best)


def test_a_folder_of_before_there_were_refits_can_be_loaded(tmp_path: Path) -> None:
    best = evaluated(told("bsarec"))
    save_model(tmp_path, best)
    config = json.loads((tmp_path / "config.json").read_text())
    del config["refit"], config["settings"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    loaded = load_model(tmp_path)
    assert loaded.facts() == best.facts() | {"settings": {}}
    assert refit(data_of(), told("bsarec"), loaded).refit
    del config["seed"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(SeqrecError, match="is broken"):
        load_model(tmp_path)


def test_without_validation_no_metric_is_measured() -> None:
    result = train(data_of(WHOLE), told("bsarec"), 5, epochs=2)
    assert result.history.column_names == ["seed", "epoch", "loss"]
    assert result.history["epoch"].to_pylist() == [1, 2]
    assert isinstance(result.progress, pa.Table)
    assert (result.trained.best_epoch, result.trained.best_value) == (2, None)


def test_a_model_that_is_measured_may_have_taken_the_place_of_what_it_started_from(
    tmp_path: Path,
) -> None:
    save_model(tmp_path / "old", evaluated(told("bsarec")))
    warm = told("bsarec", start_from=str(tmp_path / "old"))
    best = evaluated(warm)
    save_model(tmp_path / "old", best)
    check_settings(warm, best, measuring=True)
    with pytest.raises(SeqrecError, match=r"with training\.start_from=a model's folder, not null"):
        check_settings(told("bsarec"), best, measuring=True)
    with pytest.raises(SeqrecError, match=r"training\.start_from=null, not a model's folder"):
        check_settings(warm, evaluated(told("bsarec")), measuring=True)
