"""Measure how much single settings matter."""

from pathlib import Path

import ibis.expr.types as ir
import pyarrow as pa

from seqrec.cell import Cell
from seqrec.parameters.sections import SensitivityOptions, TransitionOptions
from seqrec.training import Settings, TrainingData
from seqrec.tuning.sensitivity import measure_points, sweep_points


def measure_sensitivity(
    sequences: ir.Table,
    items: ir.Table,
    transition_graph: ir.Table,
    cell: Cell,
    seeds: tuple[int, ...],
    settings: Settings,
    transitions: TransitionOptions,
    sensitivity: SensitivityOptions,
) -> pa.Table:
    """Train at each value of each declared parameter, the others as they are.

    Args:
        sequences: every user's interactions, split.
        items: which number stands for which item.
        transition_graph: which item follows which.
        cell: data set, model and protocol.
        seeds: every value is trained with each of them.
        settings: what a training is told at present.
        transitions: how the graph was counted.
        sensitivity: which parameters, and their values.

    Returns:
        sensitivity, one row a value, seed, split and metric.
    """
    points = sweep_points(settings, sensitivity)
    data = TrainingData.from_tables(cell.dataset, sequences, items, transition_graph, transitions)
    return measure_points(data, points, seeds, record_path(cell))


def record_path(cell: Cell) -> Path:
    """Return where the trainings that are done leave their scores."""
    return Path("data/06_models", cell.id, "sensitivity.jsonl")
