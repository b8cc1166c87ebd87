"""The tables of the results book, of all cells present."""

from collections.abc import Callable, Mapping
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from seqrec.cell import Cell
from seqrec.errors import SeqrecError
from seqrec.parameters.sections import ReportingOptions, TransitionOptions
from seqrec.preparation.transitions import count_transitions
from seqrec.reporting import tables
from seqrec.reporting.breakdowns import breakdowns, target_facts
from seqrec.reporting.curves import learning_curves, quality_against_time
from seqrec.reporting.leaderboard import leaderboard, of_as_many_targets, published_table
from seqrec.reporting.pages import PrintedTable, printed
from seqrec.reporting.significance import significance

Loaders = Mapping[str, Callable[[], Any]]
"""What loads a cell, by the cell's name."""


def rank_models(all_metrics: Loaders, published: dict[str, Any]) -> PrintedTable:
    """Put all models of a data set beside each other, and beside published figures.

    Args:
        all_metrics: of all cells.
        published: what others report.

    Returns:
        leaderboard.
    """
    metrics = _contents(all_metrics)
    elsewhere = of_as_many_targets(
        published_table(published["published"]), published.get("targets") or {}, metrics
    )
    table = leaderboard(metrics, elsewhere)
    return printed("Leaderboard", table, tables.leaderboard_views(table, elsewhere))


def compare_models(all_ranks: Loaders, options: ReportingOptions) -> PrintedTable:
    """Say which differences to a reference are more than chance.

    Args:
        all_ranks: of all cells.
        options: the reference, the metrics and how often users are drawn anew.

    Returns:
        significance.
    """
    table = significance(
        _tables(all_ranks),
        metrics=options.metrics,
        reference=options.reference,
        resamples=options.resamples,
    )
    return printed("Significance", table, tables.significance_views(table))


def break_down(
    all_ranks: Loaders, all_sequences: Loaders, options: ReportingOptions
) -> PrintedTable:
    """Measure the models on groups of targets: by history, popularity, transition, repeat.

    Args:
        all_ranks: of all cells.
        all_sequences: of all data sets.
        options: which metrics.

    Returns:
        breakdowns.
    """
    ranks = _tables(all_ranks)
    names = sorted({cell.dataset for cell in ranks})
    facts = {name: _facts(sequences_of(name, all_sequences)) for name in names}
    table = breakdowns(ranks, facts, metrics=options.metrics)
    views = tables.breakdown_views(table, options.metrics[-1])
    return printed("By groups of targets", table, views)


def follow_training(all_histories: Loaders, all_metrics: Loaders) -> pd.DataFrame:
    """Put the epochs of all trainings one after the other.

    Args:
        all_histories: of all cells.
        all_metrics: likewise, for the epochs that were kept.

    Returns:
        learning_curves.
    """
    metrics = _contents(all_metrics)
    histories = {cell: table for cell, table in _tables(all_histories).items() if cell in metrics}
    return learning_curves(histories, metrics)


def weigh_cost(
    all_progress: Loaders, all_metrics: Loaders, options: ReportingOptions
) -> pd.DataFrame:
    """Set what each model reaches against the time that its training took.

    Args:
        all_progress: of all cells.
        all_metrics: likewise.
        options: the metric, the last of its metrics.

    Returns:
        cost.
    """
    metrics = _contents(all_metrics)
    progress = {cell: table for cell, table in _contents(all_progress).items() if cell in metrics}
    return quality_against_time(progress, metrics, options.metrics[-1])


def sequences_of(dataset: str, all_sequences: Loaders) -> ir.Table:
    """Return the sequences of a data set.

    Raises:
        SeqrecError: they are gone.
    """
    if dataset not in all_sequences:
        raise SeqrecError(
            f"there are results on {dataset}, but no sequences; run `kedro run --pipelines "
            f"ingestion,filtering,sequences --params dataset={dataset}`, or remove the results"
        )
    sequences: ir.Table = all_sequences[dataset]()
    return sequences


def _facts(sequences: ir.Table) -> pd.DataFrame:
    """Return the facts of a data set's targets; its transitions are those of all training items."""
    ordered = sequences.order_by("user_index", "position")
    graph = count_transitions(sequences, TransitionOptions())
    return target_facts(ordered.to_pyarrow(), graph.to_pyarrow())


def _contents(loaders: Loaders) -> dict[Cell, Any]:
    return {Cell.from_id(name): load() for name, load in loaders.items()}


def _tables(loaders: Loaders) -> dict[Cell, Any]:
    return {cell: table.to_pyarrow() for cell, table in _contents(loaders).items()}
