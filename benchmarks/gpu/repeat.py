"""Whether a run repeats, and whether a cut-off run goes on, to the last digit."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks.case import Case
from benchmarks.gpu.made_up import case_of
from benchmarks.gpu.section import Failed, Figures, Task
from benchmarks.real import Evaluation, build, distillation, read, training_of
from seqrec.models import MODELS
from seqrec.models.parts.face import SequentialModel
from seqrec.training.fitted import Fitted
from seqrec.training.loop import Checkpointing, fit

Run = Fitted[SequentialModel]


def tasks(device: torch.device) -> Iterator[Task]:
    """Return two checks for each model."""
    for model in MODELS:
        yield f"repeats: {model}", partial(repeats, model, device)
        yield f"resumes: {model}", partial(resumes, model, device)


def repeats(model: str, device: torch.device) -> Figures:
    """Train twice with the same seed."""
    case = case_of(model, device)
    return equal(trained(case, 2), trained(case, 2), "a second run with the same seed")


def resumes(model: str, device: torch.device) -> Figures:
    """Train two epochs at once, and one after the other."""
    case = case_of(model, device)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "checkpoint.safetensors"
        trained(case, 1, file)
        resumed = trained(case, 2, file)
    return equal(trained(case, 2), resumed, "a run that was cut off after an epoch")


def trained(case: Case, epochs: int, checkpoint: Path | None = None) -> Run:
    """Train the model from the same start."""
    torch.manual_seed(0)
    sequences, options, evaluation = read(case), training_of(case, epochs), Evaluation()
    sections: dict[str, Any] = {"options": options, "evaluation": evaluation}
    return fit(
        build(case),
        sequences,
        **sections,
        distillation=distillation(case, sequences),
        seed=0,
        device=case.where,
        checkpointing=Checkpointing(checkpoint, "run") if checkpoint else None,
    )


def equal(first: Run, second: Run, name: str) -> Figures:
    """Return how far two runs are apart, 0 in all weights and losses.

    Raises:
        Failed: they differ.
    """
    weights = second.model.state_dict()
    pairs = [(value, weights[key]) for key, value in first.model.state_dict().items()]
    different = sum(not torch.equal(value, second_value) for value, second_value in pairs)
    losses = [[row["loss"] for row in run.history] for run in (first, second)]
    figures = {"weights that differ": different, "losses": losses}
    if different or losses[0] != losses[1]:
        apart = max((value - second_value).abs().max().item() for value, second_value in pairs)
        raise Failed(f"{name} has other digits: weights are up to {apart:.2g} apart", figures)
    return figures
