"""Measure how much single settings matter."""

from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa

from seqrec.parameters.sections import (
    EvaluationOptions,
    SensitivityOptions,
    TedOptions,
    TrainingOptions,
    TransitionOptions,
)
from seqrec.tuning.fitting import search_data
from seqrec.tuning.sensitivity import measure_points, sweep_points
from seqrec.tuning.space import Settings


def measure_sensitivity(
    sequences: ir.Table,
    items: ir.Table,
    transition_graph: ir.Table,
    dataset: str,
    model: str,
    protocol: str,
    seeds: tuple[int, ...],
    model_options: dict[str, Any],
    options: TrainingOptions,
    evaluation: EvaluationOptions,
    ted: TedOptions,
    transitions: TransitionOptions,
    sensitivity: SensitivityOptions,
) -> pa.Table:
    """Train at each value of each declared parameter, the others as they are.

    Args:
        sequences: every user's interactions, split.
        items: which number stands for which item.
        transition_graph: which item follows which.
        dataset: the data set's name.
        model: the model's name.
        protocol: ``standard`` or ``authors``.
        seeds: every value is trained with each of them.
        model_options: the model's own parameters, as they are at present.
        options: the training loop, at present.
        evaluation: by which rules targets are ranked.
        ted: the distillation of the transition graph, at present.
        transitions: how that graph was counted.
        sensitivity: which parameters, and their values.

    Returns:
        sensitivity, one row a value, seed, split and metric.
    """
    present = Settings(model, protocol, model_options, options, ted, evaluation)
    points = sweep_points(present, sensitivity)
    data = search_data(sequences, items, transition_graph, transitions, options.device)
    kept = kept_path(dataset, model, protocol)
    return measure_points(data, points, seeds, dataset=dataset, kept=kept)


def kept_path(dataset: str, model: str, protocol: str) -> Path:
    """Return where the trainings that are done leave their scores."""
    return Path("data/06_models", dataset, model, protocol, "sensitivity.jsonl")
