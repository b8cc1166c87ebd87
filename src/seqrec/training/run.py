"""One training run: build the model, fit it, and write down what it is."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import torch

from seqrec import __version__
from seqrec.batches import Sequences
from seqrec.errors import SeqrecError
from seqrec.evaluation.ranker import default_evaluation
from seqrec.machine.devices import resolve_device
from seqrec.models import COUNTING_MODELS, build_model
from seqrec.models.folder import TrainedModel
from seqrec.training.counted import Tuned, tune
from seqrec.training.loop import Checkpointing, Fitted, fit
from seqrec.training.ted import Ted

if TYPE_CHECKING:
    from seqrec.parameters.sections import EvaluationOptions, TrainingOptions


TIMES = ("seconds", "validation_seconds", "examples_per_second")
"""What differs between two runs of the same."""


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
    sequences: pa.Table,
    items: pa.Table,
    *,
    dataset: str,
    model: str,
    protocol: str,
    seed: int,
    model_options: dict[str, Any],
    options: TrainingOptions,
    evaluation: EvaluationOptions | None = None,
    ted: Ted | None = None,
    checkpoint: Path | None = None,
) -> TrainingResult:
    """Train a model on the ``sequences`` table.

    Args:
        sequences: user_index, position, item_index, timestamp, split.
        items: item_index, item_id; kept with the model.
        dataset: the name of the data set, for the record.
        model: as in ``seqrec.models.MODELS`` or ``COUNTING_MODELS``.
        protocol: ``standard`` or ``authors``.
        seed: decides the initial weights, the order of the examples and dropout, or which
            parameters are tried.
        model_options: the model's own parameters.
        options: the section ``training``.
        evaluation: by which rules, and in batches of which size, validation ranks.
        ted: the transition graph to distil, and how; None trains without it.
        checkpoint: where the run keeps its state after every epoch; None keeps none.

    Returns:
        The trained model and its history.

    Raises:
        SeqrecError: bad options, no usable data, no such device, or a diverged training.
    """
    if len(items) < 2:
        raise SeqrecError(f"data set '{dataset}' has {len(items)} item; a ranking needs at least 2")
    data = Sequences.from_table(sequences, len(items))
    device = resolve_device(options.device)
    fingerprint = data.fingerprint()
    evaluation = evaluation or default_evaluation()
    given: dict[str, Any] = {"evaluation": evaluation, "seed": seed, "device": device}
    fitted: Fitted | Tuned
    if model in COUNTING_MODELS:
        if ted is not None:
            raise SeqrecError(f"model '{model}' is counted, not trained; leave ted.weight out")
        fitted = tune(model, model_options, protocol, data, options=options, **given)
        model_options = fitted.options
    else:
        torch.manual_seed(seed)
        net = build_model(model, model_options, protocol, data.num_items, data.num_users)
        what = [fingerprint, model, protocol, seed, model_options, options.model_dump()]
        what += [evaluation.seen_items, ted.fingerprint() if ted else None]
        run = _fingerprint(*what, device.type, torch.__version__, __version__)
        fitted = fit(
            net,
            data,
            options=options,
            **given,
            distillation=ted.distillation(data, device) if ted else None,
            checkpointing=Checkpointing(checkpoint, run) if checkpoint else None,
        )
    trained = TrainedModel(
        model=fitted.model,
        items=items.sort_by("item_index"),
        model_name=model,
        options=dict(model_options),
        protocol=protocol,
        dataset=dataset,
        num_items=data.num_items,
        num_users=data.num_users,
        data_fingerprint=fingerprint,
        seed=seed,
        best_epoch=fitted.best_epoch,
        monitor=options.monitor,
        best_value=fitted.best_value,
    )
    rows = [{"seed": seed, **row} for row in fitted.history]
    return TrainingResult(trained, *history_and_progress(rows, options.monitor))


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


def _fingerprint(*parts: object) -> str:
    """A hash of everything a run depends on, by which it finds its own checkpoint again."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
