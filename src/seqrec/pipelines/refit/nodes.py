"""Train the model that goes live, on all interactions."""

from pathlib import Path

import ibis
import ibis.expr.types as ir

from seqrec.cell import Cell
from seqrec.models.folder import TrainedModel, check_seeds
from seqrec.parameters.sections import TransitionOptions
from seqrec.preparation.transitions import count_transitions
from seqrec.training import Settings, TrainingData
from seqrec.training.checkpoint import checkpoint_of
from seqrec.training.refit import refit


def refit_models(
    models: dict[str, TrainedModel],
    sequences: ir.Table,
    items: ir.Table,
    cell: Cell,
    seeds: tuple[int, ...],
    settings: Settings,
    transitions: TransitionOptions,
) -> dict[str, TrainedModel]:
    """Train each model anew on all interactions, for as many epochs as were best.

    Args:
        models: the evaluated models by their seeds.
        sequences: every user's interactions; the split is not looked at, for all are learned from.
        items: which number stands for which item.
        cell: data set, model and protocol, as the models must have been trained.
        seeds: likewise.
        settings: likewise.
        transitions: how the graph of all interactions is counted, if it is distilled.

    Returns:
        final_models, by their seeds.
    """
    check_seeds(models, seeds)
    data = TrainingData.from_tables(cell.dataset, sequences, items, None, transitions)
    graph = None
    if settings.ted.weight:
        everything = sequences.mutate(split=ibis.literal("train"))
        graph = count_transitions(everything, transitions).to_pyarrow()
    folder = final_models_path(cell)
    refitted = {}
    for seed in seeds:
        models[str(seed)].check_run(seed=seed)
        state = checkpoint_of(folder, seed)
        evaluated = models[str(seed)]
        refitted[str(seed)] = refit(data, settings, evaluated, graph=graph, checkpoint=state)
    return refitted


def final_models_path(cell: Cell) -> Path:
    """Return where the catalog saves the models."""
    return Path("data/06_models", cell.id, "final")
