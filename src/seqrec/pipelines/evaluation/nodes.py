"""Rank all items for every user and measure the ranking."""

from typing import Any

import ibis.expr.types as ir
import pyarrow as pa

from seqrec.configuration import EvaluationOptions, TrainingOptions
from seqrec.evaluation import evaluate
from seqrec.model_folder import TrainedModel


def rank_and_measure(
    model: TrainedModel,
    sequences: ir.Table,
    options: EvaluationOptions,
    training: TrainingOptions,
    protocol: str,
    seed: int,
) -> tuple[pa.Table, dict[str, Any]]:
    """Evaluate the trained model on the validation and the test targets.

    Args:
        model: the trained model.
        sequences: every user's interactions, split.
        options: cutoffs and what competes.
        training: names the device.
        protocol: as the model must have been trained.
        seed: likewise; it also draws the sampled negatives, where they are asked for.

    Returns:
        ranks, one a target, and metrics.
    """
    model.check_run(protocol=protocol, seed=seed)
    result = evaluate(model, sequences.to_pyarrow(), options=options, device=training.device)
    return result.ranks, result.metrics
