"""More epochs for a run that is over: it goes on, and ends as one that was never interrupted."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

import seqrec.training.loop
import seqrec.training.step
from seqrec.machine import products
from seqrec.training import TrainingResult, train
from seqrec.training.checkpoint import Progress, Run, save_checkpoint, set_aside
from tests.trainings import data_of, settings

STILL: dict[str, Any] = {"learning_rate": 1e-12}
"""Nothing improves after the first epoch."""


def trained(state: Path | None, model: str = "bsarec", **training: Any) -> TrainingResult:
    ted = {"weight": 0.1} if model == "mqsa_ted" else {}
    options = {"max_len": 5, "dim": 8} if model == "mqsa_ted" else {}
    return train(
        data_of(), settings(model, "standard", training, ted, **options), 1, checkpoint=state
    )


def finished(state: Path, **training: Any) -> TrainingResult:
    """A run whose model was saved."""
    result = trained(state, **training)
    set_aside(state)
    return result


def same(first: TrainingResult, second: TrainingResult) -> bool:
    """Whether histories and weights are equal to the last digit."""
    weights, others = (result.trained.model.state_dict() for result in (first, second))
    # a value that was not measured is NaN, which equals nothing
    histories = [result.history.to_pandas() for result in (first, second)]
    return histories[0].equals(histories[1]) and all(
        torch.equal(weights[name], others[name]) for name in weights
    )


def metadata_of(state: Path) -> dict[str, str]:
    with safe_open(state, framework="pt") as file:
        return dict(file.metadata())


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint-models-1.safetensors"


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "seqrec")
    return caplog


@pytest.mark.parametrize("model", ["bsarec", "mqsa_ted"])
def test_more_epochs_end_as_if_they_had_been_asked_for_at_once(
    model: str, state: Path, said: pytest.LogCaptureFixture
) -> None:
    finished(state, model=model, max_epochs=2)
    longer = trained(state, model=model, max_epochs=5)
    assert "training goes on after epoch 2" in said.messages
    assert longer.history["epoch"].to_pylist() == [1, 2, 3, 4, 5]
    assert same(longer, trained(None, model=model, max_epochs=5))


def test_more_patience_goes_on_where_it_ran_out(
    state: Path, said: pytest.LogCaptureFixture
) -> None:
    assert len(finished(state, max_epochs=9, patience=2, **STILL).history) == 3
    longer = trained(state, max_epochs=9, patience=4, **STILL)
    assert "training goes on after epoch 3" in said.messages
    assert same(longer, trained(None, max_epochs=9, patience=4, **STILL))
    set_aside(state)
    assert len(trained(state, max_epochs=9, patience=None, **STILL).history) == 9
    assert "training goes on after epoch 5" in said.messages


@pytest.mark.parametrize(
    "again",
    [
        {"max_epochs": 2},  # the same: the code may have changed
        {"max_epochs": 1},
        {"max_epochs": 4, "patience": 9},  # patience was 10
        {"max_epochs": 4, "learning_rate": 0.1},
    ],
)
def test_a_finished_run_stands_in_for_no_other(
    again: dict[str, Any], state: Path, said: pytest.LogCaptureFixture
) -> None:
    finished(state, max_epochs=2)
    result = trained(state, **again)
    assert not [line for line in said.messages if "goes on" in line]
    assert same(result, trained(None, **again))


@pytest.mark.parametrize(("fewer", "goes_on"), [(4, True), (3, True), (2, False)])
def test_a_run_that_was_broken_off_may_end_sooner(
    fewer: int,
    goes_on: bool,
    state: Path,
    said: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def save_and_stop(*args: Any) -> None:
        save_checkpoint(*args)
        if json.loads(metadata_of(state)["progress"])["epoch"] == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(seqrec.training.loop, "save_checkpoint", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        trained(state, max_epochs=9)
    monkeypatch.undo()

    sooner = trained(state, max_epochs=fewer)
    assert ("training goes on after epoch 3" in said.messages) == goes_on
    assert same(sooner, trained(None, max_epochs=fewer))


def test_nothing_goes_on_where_no_epoch_is_left(
    state: Path, said: pytest.LogCaptureFixture
) -> None:
    """Patience ended it, so more epochs change nothing."""
    first = finished(state, max_epochs=9, patience=2, **STILL)
    again = trained(state, max_epochs=12, patience=2, **STILL)
    line = "the finished run ended after epoch 3, and would now; training starts anew"
    assert line in said.messages
    assert not [line for line in said.messages if "goes on" in line]
    assert same(first, again)


@pytest.mark.parametrize("saved", [True, False])
@pytest.mark.parametrize(
    ("first", "goes_on"), [({"max_epochs": 2}, False), ({"max_epochs": 3}, True)]
)
def test_a_last_epoch_that_a_longer_run_would_not_validate(
    first: dict[str, Any],
    goes_on: bool,
    saved: bool,
    state: Path,
    said: pytest.LogCaptureFixture,
) -> None:
    """Every third is validated, and the last one in any case."""
    every: dict[str, Any] = {"validate_every": 3, "patience": None}
    trained(state, **first, **every)
    if saved:
        set_aside(state)
    longer = trained(state, max_epochs=5, **every)
    assert any("training goes on after" in line for line in said.messages) is goes_on
    line = "epoch 2 was validated as the last one, with training.validate_every=3 it would not be"
    assert any(line in said for said in said.messages) is not goes_on
    assert same(longer, trained(None, max_epochs=5, **every))


def test_patience_that_ran_out_between_two_validations_goes_on(
    state: Path, said: pytest.LogCaptureFixture
) -> None:
    """The epoch after which it ended was not validated, and is not in a longer run."""
    every: dict[str, Any] = {"max_epochs": 9, "validate_every": 2, **STILL}
    assert len(finished(state, patience=3, **every).history) == 5
    longer = trained(state, patience=5, **every)
    assert "training goes on after epoch 5" in said.messages
    assert same(longer, trained(None, patience=5, **every))


def test_a_run_that_goes_on_and_is_cut_off_goes_on_again(state: Path) -> None:
    finished(state, max_epochs=2)

    def cut(row: dict[str, float]) -> None:
        if row["epoch"] == 3:
            raise KeyboardInterrupt

    longer = settings(training={"max_epochs": 5})
    with pytest.raises(KeyboardInterrupt):
        train(data_of(), longer, 1, checkpoint=state, after_epoch=cut)
    rows: list[dict[str, float]] = []
    result = train(data_of(), longer, 1, checkpoint=state, after_epoch=rows.append)
    assert [row["epoch"] for row in rows] == [4, 5]
    assert same(result, trained(None, max_epochs=5))


def test_a_run_that_ended_but_was_not_saved_is_not_done_twice(state: Path) -> None:
    """Of several seeds one is done, the next is cut off: nothing is saved yet."""
    first = trained(state, max_epochs=2)
    rows: list[dict[str, float]] = []
    again = train(
        data_of(),
        settings(training={"max_epochs": 2}),
        1,
        checkpoint=state,
        after_epoch=rows.append,
    )
    assert rows == []
    assert same(first, again)


def test_what_is_compiled_goes_on_from_no_run_that_was_not(
    state: Path, monkeypatch: pytest.MonkeyPatch, said: pytest.LogCaptureFixture
) -> None:
    """compile=auto depends on how many steps there are; compiled, the last digits may differ."""
    monkeypatch.setattr(products, "ONEDNN", False)
    monkeypatch.setattr(seqrec.training.step, "_compiled", lambda losses, device: losses)
    monkeypatch.setattr(seqrec.training.step, "REPAID_AFTER", 10)
    finished(state, max_epochs=1, compile="auto")
    with safe_open(state.with_stem(f"{state.stem}-finished"), framework="np") as file:
        assert json.loads(file.metadata()["run"])["compiled"] is False
    trained(state, max_epochs=30, compile="auto", patience=1, **STILL)
    assert not [line for line in said.messages if "goes on" in line]
    with safe_open(state, framework="np") as file:
        assert json.loads(file.metadata()["run"])["compiled"] is True


@pytest.mark.parametrize(
    ("epoch", "best", "max_epochs", "patience", "over"),
    [
        (0, 0, 1, 1, False),
        (3, 3, 4, 1, False),
        (4, 4, 4, 1, True),
        (3, 1, 9, 2, True),
        (3, 1, 9, 3, False),
        (8, 1, 9, None, False),
    ],
)
def test_when_a_run_is_over(
    epoch: int, best: int, max_epochs: int, patience: int | None, over: bool
) -> None:
    progress = Progress(epoch=epoch, best_epoch=best)
    assert Run("", max_epochs, patience).is_over(progress) is over
