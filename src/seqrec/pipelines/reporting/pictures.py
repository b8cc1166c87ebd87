"""The papers' own pictures, of trained models."""

import logging
from collections.abc import Callable
from typing import Any

import ibis.expr.types as ir
import pandas as pd
from torch import Tensor

from seqrec.batches import Sequences
from seqrec.errors import SeqrecError
from seqrec.models.bsarec import BSARec
from seqrec.models.folder import TrainedModel
from seqrec.parameters.sections import ReportingOptions
from seqrec.pipelines.reporting.nodes import Loaders, sequences_of
from seqrec.plotting.look import nothing_to_show
from seqrec.reporting.pictures import figures, spectrum
from seqrec.reporting.pictures.depth import Stack, stacks
from seqrec.reporting.pictures.histories import longest_histories
from seqrec.reporting.pictures.oversmoothing import similarity_by_depth, singular_values_by_depth

Stacked = dict[str, tuple[Any, list[Stack]]]
"""Models by their names, with their states and attention weights."""

logger = logging.getLogger(__name__)


def look_into_models(
    all_models: Loaders,
    all_sequences: Loaders,
    dataset: str,
    protocol: str,
    options: ReportingOptions,
) -> tuple[Any, Any, Any, Any]:
    """Draw what the blocks of trained models let through, and how alike states become.

    Args:
        all_models: of all cells; the first seed of each is shown.
        all_sequences: of all data sets.
        dataset: whose models, and histories.
        protocol: under which they were trained.
        options: which models, and how many histories.

    Returns:
        Four figures: attention_spectrum, learned_filter, singular_values, similarity. One that has
        nothing to show says so.
    """
    try:
        trained = _trained(all_models, dataset, protocol, options.pictures)
        histories = _histories(trained, sequences_of(dataset, all_sequences), options.histories)
    except SeqrecError as error:  # no reason to go without the rest of the book
        logger.warning("no pictures: %s", error)
        empty = nothing_to_show(str(error))
        return empty, empty, empty, empty
    stacked = {name: (cell.model, stacks(cell.model, histories)) for name, cell in trained.items()}
    return (
        figures.attention_spectrum(
            _of_stacks(stacked, _responses), spectrum.mean_of_the_past(histories.shape[1])
        ),
        _filters(stacked),
        figures.singular_values(
            _of_stacks(stacked, lambda _, stack: singular_values_by_depth(stack))
        ),
        figures.similarity(_of_stacks(stacked, lambda _, stack: similarity_by_depth(stack))),
    )


def _trained(
    all_models: Loaders, dataset: str, protocol: str, names: tuple[str, ...]
) -> dict[str, TrainedModel]:
    """Return the models by their names, the first seed of each; a warning names those missing."""
    loaders = {name: all_models.get(f"{dataset}/{name}/{protocol}") for name in names}
    if missing := [name for name, load in loaders.items() if load is None]:
        reason = f"{', '.join(missing)}: not trained on {dataset} under {protocol}"
        if len(missing) == len(names):
            raise SeqrecError(f"{reason} (reporting.pictures)")
        logger.warning("no pictures of %s (reporting.pictures)", reason)
    return {name: next(iter(load().values())) for name, load in loaders.items() if load}


def _histories(trained: dict[str, TrainedModel], sequences: ir.Table, users: int) -> Tensor:
    """Return the histories that all the models can take."""
    models = list(trained.values())
    data = Sequences.from_table(sequences.to_pyarrow(), models[0].num_items)
    for model in models:
        model.check_data(data)
    max_len = min(model.model.config.max_len for model in models)
    # BSARec's filter under authors takes no shorter ones: padding is part of what it filters.
    full = any(model.model_name == "bsarec" and model.protocol == "authors" for model in models)
    return longest_histories(data, max_len, users=users, full=full)


def _of_stacks(stacked: Stacked, table_of: Callable[[Any, Stack], pd.DataFrame]) -> pd.DataFrame:
    tables = [
        table_of(model, stack).assign(model=name)
        for name, (model, of_model) in stacked.items()
        for stack in of_model
    ]
    return pd.concat(tables, ignore_index=True)


def _responses(model: Any, stack: Stack) -> pd.DataFrame:
    tables = [spectrum.attention_response(stack)]
    if isinstance(model, BSARec):
        tables.append(spectrum.mixed_response(model, stack))
    return pd.concat(tables, ignore_index=True)


def _filters(stacked: Stacked) -> Any:
    tables = [
        spectrum.learned_filter(model).assign(model=name)
        for name, (model, _) in stacked.items()
        if isinstance(model, BSARec)
    ]
    if not tables:
        return nothing_to_show("none of the models has a frequency filter; bsarec has")
    return figures.learned_filter(pd.concat(tables, ignore_index=True))
