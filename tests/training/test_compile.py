"""Compiling the step: where it is done, that it changes nothing, and what happens without it."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
import torch

from seqrec.machine import products
from seqrec.parameters.sections import TrainingOptions
from seqrec.training import step as steps
from seqrec.training.step import TrainingStep, compiles
from tests.training.test_step import CPU, batch_of, circle_graph, model_of

CUDA = torch.device("cuda")


def test_auto_compiles_where_it_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    long, short = steps.REPAID_AFTER, steps.REPAID_AFTER - 1
    assert compiles("auto", CUDA, 1)
    assert not compiles("off", CUDA, long)
    assert compiles("on", CPU, 1)
    monkeypatch.setattr(products, "ONEDNN", False)
    assert compiles("auto", CPU, long)
    assert not compiles("auto", CPU, short)
    monkeypatch.setattr(products, "ONEDNN", True)
    assert not compiles("auto", CPU, long)


def test_the_compilers_view_of_a_step_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Traced and differentiated ahead of time, as for the compiler, but run by torch itself."""
    compile_ = torch.compile

    def traced(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
        return compile_(function, backend="aot_eager", dynamic=options["dynamic"])

    monkeypatch.setattr(torch, "compile", traced)
    weights = []
    for choice in ("on", "off"):
        model = model_of("bsarec", dropout=False)
        step = TrainingStep(model, TrainingOptions(compile=choice), CPU)
        assert (step._compiled is not None) == (choice == "on")
        for _ in range(2):
            step(batch_of(model))
        weights.append(model.state_dict())
    for key, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][key], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "losses"),
    [
        ("mqsa_ted", {}),
        ("bsarec", {"distillation": circle_graph(0.1)}),
        ("bsarec", {"sparse_items": True}),
    ],
)
def test_what_cannot_be_compiled_well_is_not(
    name: str, losses: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Packed rows and heads come in many shapes on a CPU; sparse gradients it cannot take."""
    with caplog.at_level(logging.WARNING):
        step = TrainingStep(model_of(name), TrainingOptions(compile="on"), CPU, **losses)
    assert step._compiled is None
    (line,) = caplog.messages
    assert line.startswith("training.compile=on: not here, for ")


def test_without_a_compiler_training_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_compiler(*_: Any, **__: Any) -> Callable[..., Any]:
        def fails(*_: Any) -> None:
            torch.rand(5)
            raise RuntimeError("No working C++ compiler found\nand much more")

        return fails

    monkeypatch.setattr(torch, "compile", no_compiler)
    losses = []
    for choice in ("on", "off"):
        model = model_of("bsarec")
        step = TrainingStep(model, TrainingOptions(compile=choice), CPU)
        torch.manual_seed(3)
        with caplog.at_level(logging.WARNING):
            losses.append([step(batch_of(model))["loss"].item() for _ in range(2)])
    assert losses[0] == losses[1]  # the same draws, as if nothing had been tried
    (line,) = caplog.messages
    assert "No working C++ compiler found" in line
    assert "\n" not in line


def test_an_error_of_a_step_that_has_worked_is_not_the_compilers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    model = model_of("bsarec")
    step = TrainingStep(model, TrainingOptions(compile="on"), CPU)
    step(batch_of(model))
    with pytest.raises(AttributeError):
        step(None)  # type: ignore[arg-type]
