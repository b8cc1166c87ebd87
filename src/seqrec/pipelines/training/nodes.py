"""Train the model of the run."""

from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa

from seqrec.configuration import (
    EvaluationOptions,
    TedOptions,
    TrainingOptions,
    TransitionOptions,
)
from seqrec.model_folder import TrainedModel
from seqrec.training import train
from seqrec.training.ted import Ted


def train_model(
    sequences: ir.Table,
    items: ir.Table,
    transition_graph: ir.Table,
    dataset: str,
    model: str,
    protocol: str,
    seed: int,
    model_options: dict[str, Any],
    options: TrainingOptions,
    evaluation: EvaluationOptions,
    ted: TedOptions,
    transitions: TransitionOptions,
) -> tuple[pa.Table, TrainedModel]:
    """Train a model; a run that was cut off goes on from its last whole epoch.

    Args:
        sequences: every user's interactions, split.
        items: which number stands for which item.
        transition_graph: which item follows which; it must be there, its rows are read only if
            it is distilled.
        dataset: the data set's name.
        model: the model's name.
        protocol: ``standard`` or ``authors``.
        seed: of everything random.
        model_options: the model's own parameters.
        options: the training loop.
        evaluation: by which rules the validation that stops it ranks.
        ted: the distillation of the transition graph.
        transitions: how that graph was counted.

    Returns:
        training_history and the trained model. The model comes last, for once it is saved the
        checkpoint is removed.
    """
    result = train(
        sequences.to_pyarrow(),
        items.to_pyarrow(),
        dataset=dataset,
        model=model,
        protocol=protocol,
        seed=seed,
        model_options=model_options,
        options=options,
        evaluation=evaluation,
        ted=_ted(transition_graph, ted, transitions) if ted.weight else None,
        checkpoint=checkpoint_path(dataset, model),
    )
    return result.history, result.trained


def _ted(graph: ir.Table, ted: TedOptions, transitions: TransitionOptions) -> Ted:
    return Ted(
        graph.order_by("source_item", "target_item").to_pyarrow(),
        weight=ted.weight,
        tau=ted.tau,
        time_span=transitions.time_span,
        last_items=transitions.last_items,
    )


def checkpoint_path(dataset: str, model: str) -> Path:
    """Return where a training that was cut off left its state."""
    return Path("data/06_models", dataset, model, "checkpoint.safetensors")
