"""One training run: build the model, fit it, and write down what it is."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch

from seqrec import __version__
from seqrec.errors import SeqrecError
from seqrec.machine.devices import resolve_device
from seqrec.machine.processes import ALONE, Processes, count_of, joined_by_torchrun
from seqrec.models import model_class
from seqrec.models.folder import TrainedModel
from seqrec.models.parts.counting import CountingModel
from seqrec.models.parts.face import SequentialModel
from seqrec.training.counted import count, tune
from seqrec.training.data import TrainingData
from seqrec.training.fitted import Fitted
from seqrec.training.forecast import check_fits, copies_of
from seqrec.training.in_processes import Task, train_in_processes
from seqrec.training.initial_weights import draw_weights
from seqrec.training.loop import Checkpointing, fit
from seqrec.training.settings import Settings
from seqrec.training.ted import Ted
from seqrec.training.warm_start import START_FROM, load_start, start_from

AfterEpoch = Callable[[dict[str, float]], None]
"""Is given the history row of an epoch; what it raises ends the training."""
Told = dict[str, Any]
"""The settings as plain values."""
TIMES = ("seconds", "validation_seconds", "examples_per_second")
"""What differs between two runs of the same."""
RECORDED = ("training", "ted", "seen_items")
"""What of the settings goes with the model, besides its name, protocol and options."""
HOW_FAR = ("max_epochs", "patience")
"""What of the section ``training`` a run that goes on may be told anew."""


@dataclass(frozen=True)
class TrainingResult:
    """The model with its best weights, and the history of the run."""

    trained: TrainedModel
    history: pa.Table
    """seed, epoch, losses, validation metrics; of a model without training seed, trial, its
    parameters, validation metrics. The same for the same run."""
    progress: pa.Table
    """seed, epoch or trial, loss, the monitored metric, seconds, validation_seconds,
    examples_per_second: what the log says while it runs."""


def train(
    data: TrainingData,
    settings: Settings,
    seed: int,
    *,
    checkpoint: Path | None = None,
    after_epoch: AfterEpoch | None = None,
    report_trials: bool = True,
    epochs: int | None = None,
    processes: Processes | None = None,
) -> TrainingResult:
    """Train a model, or count one and choose its parameters on validation.

    Args:
        data: what it learns from.
        settings: what it is told; checked.
        seed: decides the initial weights, the order of the examples and dropout, or which
            parameters are tried.
        checkpoint: where the run keeps its state after every epoch; None keeps none.
        after_epoch: called after each epoch; a model without training has none.
        report_trials: whether a model without training says which parameters it tries; a search
            says so itself.
        epochs: train for so many, or count with the parameters as they are; nothing is validated.
        processes: this one and those that train with it; None: those of torchrun, or else as many
            are started as ``training.processes`` says, one where ``after_epoch`` wants to be told.

    Returns:
        The trained model and its history.

    Raises:
        SeqrecError: no usable data, no such device, or a diverged training.
    """
    fitted: Fitted[Any]
    if processes is None and not settings.counted:
        training = settings.training
        processes = joined_by_torchrun(training.device)
        asked = 1 if processes else count_of(training.processes, training.device)
        count = asked if after_epoch is None else 1
        _check_memory(data, settings, count, epochs)
        if count > 1:
            task = Task(data, settings, seed, checkpoint, epochs)
            return TrainingResult(*train_in_processes(count, task, train))
    if settings.counted:
        fitted = _count(data, settings, seed, report_trials, epochs)
        told = settings.plain()
    else:
        start = load_start(settings)
        told = settings.plain()  # where it starts from may be gone at the end
        fitted = _fit(
            data, settings, seed, start, told, checkpoint, after_epoch, epochs, processes or ALONE
        )
    rows = [{"seed": seed, **row} for row in fitted.history]
    return TrainingResult(
        _trained_model(data, settings, told, seed, fitted),
        *history_and_progress(rows, settings.training.monitor),
    )


def _check_memory(
    data: TrainingData, settings: Settings, processes: int, epochs: int | None
) -> None:
    """Raise a SeqrecError where the training cannot fit into the memory of this machine."""
    sequences = data.sequences
    check_fits(
        model_class(settings.model),
        settings.config(sequences.num_items, sequences.num_users),
        len(sequences.items),
        resolve_device(settings.training.device),
        copies=copies_of(settings.training, validated=epochs is None),
        processes=processes,
    )


def _count(
    data: TrainingData, settings: Settings, seed: int, report_trials: bool, epochs: int | None
) -> Fitted[CountingModel]:
    useless = {"ted.weight": settings.ted.weight, START_FROM: settings.training.start_from}
    for name in (name for name, value in useless.items() if value):
        raise SeqrecError(f"model '{settings.model}' is counted, not trained; leave {name} out")
    if epochs is not None:
        return count(data.sequences, settings)
    return tune(data.sequences, settings, seed, report_trials=report_trials)


def _fit(
    data: TrainingData,
    settings: Settings,
    seed: int,
    start: TrainedModel | None,
    told: Told,
    checkpoint: Path | None,
    after_epoch: AfterEpoch | None,
    epochs: int | None,
    processes: Processes,
) -> Fitted[SequentialModel]:
    device = resolve_device(settings.training.device)
    sequences, ted = data.sequences, data.ted(settings.ted)
    torch.manual_seed(seed)
    model = model_class(settings.model)(settings.config(sequences.num_items, sequences.num_users))
    if settings.training.initialisation:
        draw_weights(model, settings.training.initialisation)
    if start:
        start_from(start, model, data.items)
    run = _fingerprint(data, told, seed, ted, device)
    return fit(
        model,
        sequences,
        options=settings.training,
        seed=seed,
        device=device,
        evaluation=settings.ranking,
        distillation=ted.distillation(sequences, device) if ted else None,
        checkpointing=Checkpointing(checkpoint, run) if checkpoint else None,
        after_epoch=after_epoch,
        epochs=epochs,
        processes=processes,
    )


def _trained_model(
    data: TrainingData, settings: Settings, told: Told, seed: int, fitted: Fitted[Any]
) -> TrainedModel:
    return TrainedModel(
        model=fitted.model,
        items=data.items_with_counts(),
        model_name=settings.model,
        options=dict(settings.model_options if fitted.options is None else fitted.options),
        protocol=settings.protocol,
        dataset=data.dataset,
        num_items=data.sequences.num_items,
        num_users=data.sequences.num_users,
        data_fingerprint=data.fingerprint,
        seed=seed,
        best_epoch=fitted.best_epoch,
        monitor=settings.training.monitor,
        best_value=None if math.isnan(fitted.best_value) else fitted.best_value,
        settings={name: told[name] for name in RECORDED} | data.told_of_graph(settings.ted),
    )


def history_and_progress(rows: list[dict[str, Any]], monitor: str) -> tuple[pa.Table, pa.Table]:
    """Part what a run always gives from how long it took this time.

    Args:
        rows: one an epoch or trial, with its times.
        monitor: the metric that is watched.

    Returns:
        The tables ``history`` and ``progress`` of ``TrainingResult``.
    """
    count = "epoch" if "epoch" in rows[0] else "trial"
    shown = ("seed", count, "loss", monitor, *TIMES)
    history = [{key: row[key] for key in row if key not in TIMES} for row in rows]
    progress = [{key: row[key] for key in shown if key in row} for row in rows]
    return pa.Table.from_pylist(history), pa.Table.from_pylist(progress)


def _fingerprint(
    data: TrainingData, told: Told, seed: int, ted: Ted | None, device: torch.device
) -> str:
    """A hash of everything a run depends on but how far it goes, by which it finds its state."""
    training = {name: told["training"][name] for name in told["training"] if name not in HOW_FAR}
    decided = {**told, "training": training}
    parts: list[Any] = [data.fingerprint, seed, decided, ted.fingerprint() if ted else None]
    parts += [device.type, torch.__version__, __version__]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
