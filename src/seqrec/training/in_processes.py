"""Training in several processes: what they are given, and how the result comes back.

It comes back by files, as a trained model is saved: nothing is unpickled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from seqrec.machine.devices import resolve_device
from seqrec.machine.processes import Processes
from seqrec.machine.together import run_together
from seqrec.models.folder import TrainedModel, load_model, save_model
from seqrec.training.data import TrainingData
from seqrec.training.settings import Settings

MODEL, HISTORY, PROGRESS = "model", "history.parquet", "progress.parquet"


@dataclass(frozen=True)
class Task:
    """One training."""

    data: TrainingData
    settings: Settings
    seed: int
    checkpoint: Path | None
    epochs: int | None


def train_in_processes(
    count: int, task: Task, train: Callable[..., Any]
) -> tuple[TrainedModel, pa.Table, pa.Table]:
    """Train a model in several processes of this machine.

    Args:
        count: how many.
        task: what to train.
        train: how one of them trains; gives ``trained``, ``history`` and ``progress``.

    Returns:
        The trained model, its history and its progress.

    Raises:
        SeqrecError: as ``train``; or a process was killed.
    """
    with TemporaryDirectory(prefix="seqrec-") as folder:
        place = Path(folder)
        run_together(count, task.settings.training.device, _train, place, task, train)
        history, progress = (pq.read_table(place / name) for name in (HISTORY, PROGRESS))
        trained = load_model(place / MODEL)
        trained.model.to(resolve_device(task.settings.training.device))
        return trained, history, progress


def _train(processes: Processes, place: Path, task: Task, train: Callable[..., Any]) -> None:
    """Train as one of the processes; the first one leaves the result."""
    result = train(
        task.data,
        task.settings,
        task.seed,
        checkpoint=task.checkpoint,
        epochs=task.epochs,
        processes=processes,
    )
    if processes.first:
        save_model(place / MODEL, result.trained)
        pq.write_table(result.history, place / HISTORY)
        pq.write_table(result.progress, place / PROGRESS)
