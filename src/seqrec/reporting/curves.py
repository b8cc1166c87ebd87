"""How training went: how long, learning curves, and what quality cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from seqrec.cell import Cell
from seqrec.errors import SeqrecError
from seqrec.reporting.cells import Histories, Metrics, Progress

CURVE_COLUMNS = (
    "dataset",
    "protocol",
    "model",
    "seed",
    "epoch",
    "loss",
    "metric",
    "value",
    "best",
)
TRAINING_COLUMNS = ("dataset", "protocol", "model", "seed", "best", "length", "unit")
COST_COLUMNS = ("dataset", "protocol", "model", "seconds", "metric", "value")


def learning_curves(histories: Histories, metrics: Metrics) -> pd.DataFrame:
    """Return loss and validation metrics of every epoch.

    Args:
        histories: training_history by cell; models without training have no epochs, and no row.
        metrics: the content of metrics.json by cell, for the best epochs.

    Returns:
        dataset, protocol, model, seed, epoch, loss (mean over the epoch), metric, value (on the
        validation split), best (whether the epoch is the one that was kept).
    """
    curves = [
        _curve(cell, histories[cell].to_pandas(), metrics[cell])
        for cell in _in_order(histories)
        if "epoch" in histories[cell].column_names
    ]
    if not curves:
        return pd.DataFrame(columns=list(CURVE_COLUMNS))
    return pd.concat(curves, ignore_index=True)


def trainings(histories: Histories, metrics: Metrics) -> pd.DataFrame:
    """Return how long each training went, and which epoch or trial was kept.

    Args:
        histories: training_history by cell.
        metrics: the content of metrics.json by cell, for the best epochs.

    Returns:
        dataset, protocol, model, seed, best, length, unit (epochs, or trials of a model without
        training).
    """
    rows: list[tuple[Any, ...]] = []
    for cell in _in_order(histories):
        history = histories[cell].to_pandas()
        unit = "epoch" if "epoch" in history.columns else "trial"
        best = _best_epochs(metrics[cell])
        for seed, last in history.groupby("seed")[unit].max().items():
            number = int(str(seed))
            place = (cell.dataset, cell.protocol, cell.model, number)
            rows.append((*place, best[number], int(last), f"{unit}s"))
    return pd.DataFrame(rows, columns=list(TRAINING_COLUMNS))


def quality_against_time(
    progress: Progress, metrics: Metrics, metric: str = "NDCG@10"
) -> pd.DataFrame:
    """Return what each model reaches on the test split, and how long its training took.

    Args:
        progress: by cell.
        metrics: the content of metrics.json by cell.
        metric: a label.

    Returns:
        dataset, protocol, model, seconds (training without validation up to the best epoch, all
        trials of a model without training; the mean over seeds), metric, value.

    Raises:
        SeqrecError: the metric was not measured.
    """
    rows = [
        (
            cell.dataset,
            cell.protocol,
            cell.model,
            _seconds(progress[cell], metrics[cell]),
            metric,
            _value(cell, metrics[cell], metric),
        )
        for cell in _in_order(progress)
    ]
    return pd.DataFrame(rows, columns=list(COST_COLUMNS))


def _in_order(cells: Mapping[Cell, Any]) -> list[Cell]:
    return sorted(cells, key=lambda cell: (cell.dataset, cell.protocol, cell.model))


def _curve(cell: Cell, history: pd.DataFrame, metrics: Mapping[str, Any]) -> pd.DataFrame:
    """Return one cell's epochs, a row a metric."""
    labels = [str(name) for name in history.columns if "@" in str(name)]
    keys = ["seed", "epoch", "loss"]
    curve = history.melt(keys, labels, "metric", "value")
    curve = curve.sort_values(["seed", "epoch"], kind="stable", ignore_index=True)
    curve["best"] = curve["epoch"] == curve["seed"].map(_best_epochs(metrics))
    for place, name in enumerate(CURVE_COLUMNS[:3]):
        curve.insert(place, name, getattr(cell, name))
    return curve


def _best_epochs(metrics: Mapping[str, Any]) -> dict[int, int]:
    return {int(seed): result["best_epoch"] for seed, result in metrics["by_seed"].items()}


def _seconds(progress: pd.DataFrame, metrics: Mapping[str, Any]) -> float:
    """Return the seconds up to the best epoch, or of all trials; the mean over seeds."""
    counted = progress
    if "epoch" in progress.columns:
        counted = progress[progress["epoch"] <= progress["seed"].map(_best_epochs(metrics))]
    return float(counted.groupby("seed")["seconds"].sum().mean())


def _value(cell: Cell, metrics: Mapping[str, Any], metric: str) -> float:
    measured = metrics["splits"]["test"]["metrics"]
    if metric not in measured:
        raise SeqrecError(
            f"{cell.id} has no {metric}; add its cutoff to evaluation.cutoffs and evaluate again"
        )
    return float(measured[metric]["value"])
