"""Rank all items for every user and measure the ranking."""

from typing import Any, Literal

import ibis.expr.types as ir
import pyarrow as pa

from seqrec.cell import Cell
from seqrec.evaluation.evaluate import evaluate
from seqrec.evaluation.over_seeds import over_seeds, scores_of
from seqrec.models.folder import TrainedModel, check_seeds
from seqrec.parameters.sections import EvaluationOptions


def rank_and_measure(
    models: dict[str, TrainedModel],
    sequences: ir.Table,
    options: EvaluationOptions,
    device: Literal["auto", "cpu", "cuda", "mps"],
    cell: Cell,
    seeds: tuple[int, ...],
) -> tuple[pa.Table, dict[str, Any], dict[str, Any]]:
    """Evaluate the trained models on the validation and the test targets.

    Args:
        models: the trained models by their seeds.
        sequences: every user's interactions, split.
        options: cutoffs and what competes.
        device: where to rank.
        cell: data set, model and protocol, as the models must have been trained.
        seeds: likewise; each also draws its sampled negatives, where they are asked for.

    Returns:
        ranks, one a target and seed; metrics; and scores, the few of them one compares.
    """
    check_seeds(models, seeds)
    data = sequences.to_pyarrow()
    results = {}
    for seed in seeds:
        model = models[str(seed)]
        model.check_run(protocol=cell.protocol, seed=seed)
        results[seed] = evaluate(model, data, options=options, device=device)
    ranks, metrics = over_seeds(results)
    return ranks, metrics, scores_of(metrics)
