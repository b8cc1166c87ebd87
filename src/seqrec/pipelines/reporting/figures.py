"""The tables of the book as figures."""

from typing import Any

import pandas as pd

from seqrec.errors import SeqrecError
from seqrec.parameters.sections import ReportingOptions
from seqrec.pipelines.reporting.nodes import Loaders
from seqrec.plotting.look import nothing_to_show
from seqrec.reporting import figures
from seqrec.reporting.glance import glance_figure
from seqrec.reporting.pictures import figures as papers


def draw_leaderboard(leaderboard: pd.DataFrame, options: ReportingOptions) -> Any:
    """Draw the last of the metrics, all models of a data set beside each other."""
    return figures.leaderboard_figure(leaderboard, options.metrics[-1])


def draw_glance(leaderboard: pd.DataFrame, protocol: str, options: ReportingOptions) -> Any:
    """Draw all models on all data sets, relative to the best, of the last of the metrics."""
    return glance_figure(leaderboard, options.metrics[-1], protocol)


def draw_significance(significance: pd.DataFrame, options: ReportingOptions) -> Any:
    """Draw the differences to the reference with their intervals, of the last of the metrics."""
    return figures.significance_figure(significance, options.metrics[-1])


def draw_breakdowns(breakdowns: pd.DataFrame, options: ReportingOptions) -> Any:
    """Draw the last of the metrics by groups of targets."""
    return figures.breakdown_figure(breakdowns, options.metrics[-1])


def draw_transition_frequency(
    breakdowns: pd.DataFrame, protocol: str, options: ReportingOptions
) -> Any:
    """Draw quality by how often training saw the transition to the target.

    Args:
        breakdowns: of all cells.
        protocol: whose cells.
        options: which models.

    Returns:
        A figure; where none of the models has a cell it says so.
    """
    rows = breakdowns[
        (breakdowns["protocol"] == protocol) & breakdowns["model"].isin(options.pictures)
    ]
    if rows.empty:
        models = ", ".join(options.pictures)
        return nothing_to_show(f"{models}: not evaluated under {protocol} (reporting.pictures)")
    return papers.transition_frequency(rows)


def draw_sensitivity(all_sensitivities: Loaders) -> Any:
    """Draw what single parameters do to the models, where that was measured.

    Args:
        all_sensitivities: what the pipeline ``sensitivity`` left, of any cells.

    Returns:
        A figure; where nothing was measured it says how to.

    Raises:
        SeqrecError: a table is of a version that did not write which setting was in use.
    """
    tables = {name: load().to_pandas() for name, load in all_sensitivities.items()}
    if not tables:
        return nothing_to_show("nothing was varied yet: kedro run --pipeline sensitivity")
    for name, table in tables.items():
        if "in_use" not in table:
            raise SeqrecError(
                f"{name} does not say which setting was in use, as an earlier version wrote it; "
                "run the pipeline 'sensitivity' for it again (what it has trained is kept)"
            )
    table = pd.concat(tables.values(), ignore_index=True)
    return papers.sensitivity(table[table["split"] == "test"])
