"""Train the model of the run."""

import logging
from pathlib import Path
from typing import Any, Literal

import ibis.expr.types as ir
import pyarrow as pa

from seqrec.models.folder import TrainedModel
from seqrec.parameters.sections import (
    EvaluationOptions,
    TedOptions,
    TrainingOptions,
    TransitionOptions,
)
from seqrec.training import train
from seqrec.training.ted import Ted

logger = logging.getLogger(__name__)


def train_model(
    sequences: ir.Table,
    items: ir.Table,
    transition_graph: ir.Table,
    dataset: str,
    model: str,
    protocol: str,
    seeds: tuple[int, ...],
    model_options: dict[str, Any],
    options: TrainingOptions,
    seen_items: Literal["exclude", "keep"],
    batch_size: int,
    ted: TedOptions,
    transitions: TransitionOptions,
) -> tuple[pa.Table, pa.Table, dict[str, TrainedModel]]:
    """Train a model once a seed; a run that was cut off goes on from its last whole epoch.

    Args:
        sequences: every user's interactions, split.
        items: which number stands for which item.
        transition_graph: which item follows which; it must be there, its rows are read only if
            it is distilled.
        dataset: the data set's name.
        model: the model's name.
        protocol: ``standard`` or ``authors``.
        seeds: of everything random.
        model_options: the model's own parameters.
        options: the training loop.
        seen_items: whether items of a user's history compete in the validation that stops it.
        batch_size: how many targets that ranks at a time.
        ted: the distillation of the transition graph.
        transitions: how that graph was counted.

    Returns:
        training_history, progress and the trained models by their seeds. The models come last,
        for once they are saved the checkpoints are removed.
    """
    data, known = sequences.to_pyarrow(), items.to_pyarrow()
    graph = _ted(transition_graph, ted, transitions) if ted.weight else None
    results = {}
    for seed in seeds:
        if len(seeds) > 1:
            logger.info("seed %d", seed)
        results[str(seed)] = train(
            data,
            known,
            dataset=dataset,
            model=model,
            protocol=protocol,
            seed=seed,
            model_options=model_options,
            options=options,
            evaluation=EvaluationOptions(seen_items=seen_items, batch_size=batch_size),
            ted=graph,
            checkpoint=checkpoint_path(dataset, model, protocol, seed),
        )
    return (
        pa.concat_tables([result.history for result in results.values()]),
        pa.concat_tables([result.progress for result in results.values()]),
        {seed: result.trained for seed, result in results.items()},
    )


def _ted(graph: ir.Table, ted: TedOptions, transitions: TransitionOptions) -> Ted:
    return Ted(
        graph.order_by("source_item", "target_item").to_pyarrow(),
        weight=ted.weight,
        tau=ted.tau,
        time_span=transitions.time_span,
        last_items=transitions.last_items,
    )


def checkpoint_path(dataset: str, model: str, protocol: str, seed: int) -> Path:
    """Return where a training that was cut off left its state."""
    return Path("data/06_models", dataset, model, protocol, f"checkpoint-{seed}.safetensors")
