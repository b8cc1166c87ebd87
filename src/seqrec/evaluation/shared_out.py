"""The evaluation of a model in several processes, each with its share of the targets."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from seqrec.evaluation.evaluate import EvaluationResult, evaluate
from seqrec.machine.processes import ALONE, Processes, count_of, joined_by_torchrun
from seqrec.machine.together import run_together
from seqrec.models.folder import TrainedModel, load_model, save_model

if TYPE_CHECKING:
    from seqrec.parameters.sections import EvaluationOptions

MODEL, RANKS, METRICS = "model", "ranks.parquet", "metrics.json"


def evaluate_shared(
    trained: TrainedModel,
    sequences: pa.Table,
    *,
    options: EvaluationOptions,
    device: str,
    processes: int | Literal["auto"],
) -> EvaluationResult:
    """Do what ``evaluate`` does, in the processes of torchrun or in as many as are asked for.

    Args:
        trained: the model and the facts of its training.
        sequences: the table it was trained on.
        options: the section ``evaluation``.
        device: as in ``training.device``.
        processes: as in ``training.processes``.

    Raises:
        SeqrecError: as ``evaluate``; or a process was killed.
    """
    joined = joined_by_torchrun(device)
    count = count_of(processes, device)
    if joined or count == 1:
        return evaluate(
            trained, sequences, options=options, device=device, processes=joined or ALONE
        )
    with TemporaryDirectory(prefix="seqrec-") as folder:
        place = Path(folder)
        save_model(place / MODEL, trained)  # weights between processes would need shared memory
        run_together(count, device, _evaluate, place, sequences, options, device)
        metrics = json.loads((place / METRICS).read_text(encoding="utf-8"))
        return EvaluationResult(pq.read_table(place / RANKS), metrics)


def _evaluate(
    processes: Processes,
    place: Path,
    sequences: pa.Table,
    options: EvaluationOptions,
    device: str,
) -> None:
    """Evaluate as one of the processes; the first one leaves the result."""
    trained = load_model(place / MODEL)
    result = evaluate(trained, sequences, options=options, device=device, processes=processes)
    if processes.first:
        pq.write_table(result.ranks, place / RANKS)
        (place / METRICS).write_text(json.dumps(result.metrics), encoding="utf-8")
