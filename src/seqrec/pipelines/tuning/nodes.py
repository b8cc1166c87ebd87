"""Search the settings that reach most on validation."""

import logging
from pathlib import Path

import ibis.expr.types as ir
import plotly.graph_objects as go
import pyarrow as pa

from seqrec.cell import Cell
from seqrec.parameters.sections import TrainingOptions, TransitionOptions, TuningOptions
from seqrec.training import Settings, TrainingData
from seqrec.tuning.figures import tuning_figure
from seqrec.tuning.parameter_file import parameter_file
from seqrec.tuning.study import make_search, run_search

logger = logging.getLogger(__name__)


def search_parameters(
    sequences: ir.Table,
    items: ir.Table,
    transition_graph: ir.Table,
    cell: Cell,
    seeds: tuple[int, ...],
    settings: Settings,
    transitions: TransitionOptions,
    tuning: TuningOptions,
) -> pa.Table:
    """Try settings on validation; a search that was cut off goes on where it stood.

    Args:
        sequences: every user's interactions, split; the test part is not looked at.
        items: which number stands for which item.
        transition_graph: which item follows which.
        cell: data set, model and protocol.
        seeds: the first one decides.
        settings: what a training is told at present.
        transitions: how the graph was counted.
        tuning: how many trials, and in which space.

    Returns:
        tuning_history, one row a trial.
    """
    data = TrainingData.from_tables(cell.dataset, sequences, items, transition_graph, transitions)
    search = make_search(data, settings, tuning, seed=seeds[0])
    return run_search(search, tuning, study_path(cell))


def plot_tuning(tuning_history: ir.Table, options: TrainingOptions) -> go.Figure:
    """Draw how the trials went, and what each parameter did."""
    return tuning_figure(tuning_history.order_by("trial").to_pyarrow(), options.monitor)


def write_parameters(tuning_history: ir.Table, cell: Cell, options: TrainingOptions) -> str:
    """Write the best trial as a parameter file, and say how to put it to use."""
    copy = f"cp {parameters_path(cell)} {in_use_path(cell)}"
    logger.info("to run with the best trial: %s", copy)
    history = tuning_history.order_by("trial").to_pyarrow()
    return parameter_file(history, cell, monitor=options.monitor, copy=copy)


def study_path(cell: Cell) -> Path:
    """Return where the trials are kept, also those of a search that was cut off."""
    return Path("data/06_models", cell.id, "tuning.sqlite")


def parameters_path(cell: Cell) -> Path:
    """Return where the catalog saves the best trial."""
    return Path("data/08_reporting/tuning", cell.id, "parameters.yml")


def in_use_path(cell: Cell) -> Path:
    """Return a place from which a run takes parameters."""
    name = f"parameters_{cell.model}_{cell.dataset}_{cell.protocol}.yml"
    return Path("conf/local", name)
