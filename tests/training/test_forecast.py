"""What a training says it will take, and what cannot fit."""

import logging
import time

import pytest
import torch

from seqrec.errors import SeqrecError
from seqrec.models import COUNTING_MODELS, MODELS, model_class, unchecked_config
from seqrec.parameters.sections import TrainingOptions
from seqrec.training import forecast
from seqrec.training.forecast import (
    Forecast,
    check_fits,
    copies_of,
    duration,
    usual_epochs,
    weight_bytes,
)
from tests.trainings import LOG, settings

CPU = torch.device("cpu")


class Clock:
    """Every look at it is a tenth of a second later."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        self.now += 0.1
        return self.now


class Ranked:
    """A ranking that takes five seconds."""

    def expected_seconds(self, model: object) -> float:
        return 5.0


@pytest.fixture
def model() -> torch.nn.Module:
    told = settings()
    return model_class("bsarec")(told.config(LOG.num_items, LOG.num_users))


def lines(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    told: Forecast,
    steps: int = 60,
) -> list[str]:
    monkeypatch.setattr(forecast, "time", Clock())
    with caplog.at_level(logging.INFO):
        for _ in range(steps):
            told.after_step()
    return [record.message for record in caplog.records]


def test_it_is_told_once_after_the_first_steps(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, model: torch.nn.Module
) -> None:
    """A clock that is looked at once a step: after the tenth of them, to the twentieth second."""
    told = Forecast(100, 50, 20, Ranked(), model, CPU)  # type: ignore[arg-type]
    (line,) = lines(monkeypatch, caplog, told)
    # one look at the start, one after each of the steps 10 to 20, one at the end
    assert line.startswith("an epoch takes about ")
    assert "(5.0 s of it validation), all 50 that may come " in line
    assert ", the 20 that usually do " in line


def test_the_numbers_are_those_of_the_clock(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, model: torch.nn.Module
) -> None:
    """Ten steps of two seconds by a clock of its own: 100 steps and 5 s are 205 s an epoch."""
    told = Forecast(100, 50, 20, Ranked(), model, CPU)  # type: ignore[arg-type]
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    with caplog.at_level(logging.INFO):
        for _ in range(30):
            now[0] += 2.0
            told.after_step()
    (line,) = [record.message for record in caplog.records]
    assert line.startswith(
        "an epoch takes about 3.4 min (5.0 s of it validation), all 50 that may come 2 h 50 min, "
        "the 20 that usually do 1 h 08 min; memory "
    )


def test_what_was_trained_before_is_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, model: torch.nn.Module
) -> None:
    told = Forecast(100, 50, 20, Ranked(), model, CPU)  # type: ignore[arg-type]
    told.go_on_after(30)
    (line,) = lines(monkeypatch, caplog, told)
    assert "all 20 that may come" in line
    assert "usually" not in line


def test_short_trainings_say_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, model: torch.nn.Module
) -> None:
    told = Forecast(5, 2, None, None, model, CPU)  # type: ignore[arg-type]
    assert lines(monkeypatch, caplog, told) == []


def test_patience_comes_on_top_of_the_usual_best_epoch(model: torch.nn.Module) -> None:
    patient, endless = (TrainingOptions(patience=patience) for patience in (10, None))
    assert usual_epochs(model, patient) == 43  # type: ignore[arg-type]
    assert usual_epochs(model, endless) is None  # type: ignore[arg-type]


def test_copies_of_the_weights() -> None:
    """Weights and moments; gradients where they are dense; the best where one validates."""
    dense, sparse = TrainingOptions(), TrainingOptions(loss="sampled_softmax")
    assert [copies_of(dense, validated=True), copies_of(dense, validated=False)] == [5, 4]
    assert [copies_of(sparse, validated=True), copies_of(sparse, validated=False)] == [4, 3]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1.23, "1.2 s"), (42.4, "42 s"), (150, "2.5 min"), (1500, "25 min"), (7260, "2 h 01 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize("name", sorted(set(MODELS) - set(COUNTING_MODELS)))
def test_what_cannot_fit_is_refused_with_what_would(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exactly what weights, their gradients and moments, and the data take is enough."""
    kind = model_class(name)
    config = unchecked_config(name, {"max_len": 5, "dim": 16}, "standard", LOG.num_items, 40)
    count = len(LOG.items)
    needed = 5 * weight_bytes(kind(config)) + forecast.A_INTERACTION * count
    monkeypatch.setattr(forecast, "free_memory", lambda device: needed)
    check_fits(kind, config, count, CPU, copies=5)
    monkeypatch.setattr(forecast, "free_memory", lambda device: needed - 1)
    with pytest.raises(SeqrecError, match=r"cpu has .* left; model_options\.dim=8 would fit"):
        check_fits(kind, config, count, CPU, copies=5)
    monkeypatch.setattr(forecast, "free_memory", lambda device: 2 * needed - 1)
    with pytest.raises(SeqrecError, match="in each of 2 processes"):
        check_fits(kind, config, count, CPU, copies=5, processes=2)
    monkeypatch.setattr(forecast, "free_memory", lambda device: None)
    check_fits(kind, config, count, CPU, copies=5)
