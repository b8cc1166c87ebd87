"""Search the settings that reach most on validation."""

import logging
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import plotly.graph_objects as go
import pyarrow as pa

from seqrec.parameters.sections import (
    EvaluationOptions,
    TedOptions,
    TrainingOptions,
    TransitionOptions,
    TuningOptions,
)
from seqrec.tuning.figures import tuning_figure
from seqrec.tuning.fitting import search_data
from seqrec.tuning.parameter_file import parameter_file
from seqrec.tuning.space import Settings
from seqrec.tuning.study import make_search, run_search

logger = logging.getLogger(__name__)


def search_parameters(
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
    tuning: TuningOptions,
) -> pa.Table:
    """Try settings on validation; a search that was cut off goes on where it stood.

    Args:
        sequences: every user's interactions, split; the test part is not looked at.
        items: which number stands for which item.
        transition_graph: which item follows which.
        dataset: the data set's name.
        model: the model's name.
        protocol: ``standard`` or ``authors``.
        seeds: the first one decides.
        model_options: the model's own parameters, as they are at present.
        options: the training loop, at present.
        evaluation: by which rules validation ranks.
        ted: the distillation of the transition graph, at present.
        transitions: how that graph was counted.
        tuning: how many trials, and in which space.

    Returns:
        tuning_history, one row a trial.
    """
    data = search_data(sequences, items, transition_graph, transitions, options.device)
    present = Settings(model, protocol, model_options, options, ted, evaluation)
    search = make_search(data, present, tuning, seed=seeds[0])
    return run_search(search, tuning, study_path(dataset, model, protocol))


def plot_tuning(tuning_history: ir.Table, options: TrainingOptions) -> go.Figure:
    """Draw how the trials went, and what each parameter did."""
    return tuning_figure(tuning_history.order_by("trial").to_pyarrow(), options.monitor)


def write_parameters(
    tuning_history: ir.Table, dataset: str, model: str, protocol: str, options: TrainingOptions
) -> str:
    """Write the best trial as a parameter file, and say how to put it to use."""
    cell = (dataset, model, protocol)
    copy = f"cp {parameters_path(*cell)} {in_use_path(*cell)}"
    logger.info("to run with the best trial: %s", copy)
    history = tuning_history.order_by("trial").to_pyarrow()
    return parameter_file(
        history,
        dataset=dataset,
        model=model,
        protocol=protocol,
        monitor=options.monitor,
        copy=copy,
    )


def study_path(dataset: str, model: str, protocol: str) -> Path:
    """Return where the trials are kept, also those of a search that was cut off."""
    return Path("data/06_models", dataset, model, protocol, "tuning.sqlite")


def parameters_path(dataset: str, model: str, protocol: str) -> Path:
    """Return where the catalog saves the best trial."""
    return Path("data/08_reporting/tuning", dataset, model, protocol, "parameters.yml")


def in_use_path(dataset: str, model: str, protocol: str) -> Path:
    """Return a place from which a run takes parameters."""
    return Path("conf/local", f"parameters_{model}_{dataset}_{protocol}.yml")
