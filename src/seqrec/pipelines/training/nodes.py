"""Train the model of the run."""

import logging
from pathlib import Path

import ibis.expr.types as ir
import pyarrow as pa

from seqrec.cell import Cell
from seqrec.models.folder import TrainedModel
from seqrec.parameters.sections import TransitionOptions
from seqrec.training import Settings, TrainingData, train
from seqrec.training.checkpoint import checkpoint_of

logger = logging.getLogger(__name__)


def train_model(
    sequences: ir.Table,
    items: ir.Table,
    transition_graph: ir.Table,
    cell: Cell,
    seeds: tuple[int, ...],
    settings: Settings,
    transitions: TransitionOptions,
) -> tuple[pa.Table, pa.Table, dict[str, TrainedModel]]:
    """Train a model once a seed; a run that was cut off goes on from its last whole epoch.

    So does one that is over, where it is told to go further.

    Args:
        sequences: every user's interactions, split.
        items: which number stands for which item.
        transition_graph: which item follows which; it must be there, its rows are read only if
            it is distilled.
        cell: data set, model and protocol.
        seeds: of everything random.
        settings: what the training is told.
        transitions: how the graph was counted.

    Returns:
        training_history, progress and the trained models by their seeds. The models come last,
        for the data set that saves them sets the checkpoints aside.
    """
    graph = transition_graph if settings.ted.weight else None
    data = TrainingData.from_tables(cell.dataset, sequences, items, graph, transitions)
    results = {}
    for seed in seeds:
        if len(seeds) > 1:
            logger.info("seed %d", seed)
        checkpoint = checkpoint_of(models_path(cell), seed)
        results[str(seed)] = train(data, settings, seed, checkpoint=checkpoint)
    return (
        pa.concat_tables([result.history for result in results.values()]),
        pa.concat_tables([result.progress for result in results.values()]),
        {seed: result.trained for seed, result in results.items()},
    )


def models_path(cell: Cell) -> Path:
    """Return where the catalog saves the models."""
    return Path("data/06_models", cell.id, "models")
