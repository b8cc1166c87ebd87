"""The long tables as Plotly figures: one quiet look, one colour a model wherever it appears.

A panel is a data set, or a data set under one protocol. Figures of lines show one panel at a
time, chosen from a menu; figures of dots show all of them side by side. The same table gives the
same JSON.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from seqrec.plotting.colours import FAINT, INK, colour, in_order
from seqrec.plotting.labels import label_positions
from seqrec.plotting.panels import MOST_COLUMNS, Choice, Place, grid

SYMBOLS = {"standard": "circle", "authors": "circle-open"}
PUBLISHED = {
    "published_authors": ("diamond", "published by the authors"),
    "published_independent": ("diamond-open", "published, independent"),
}

ROW = 24
"""Pixels for a model in a panel of dots."""

COST_HEIGHT, USUAL_WIDTH = 340.0, 1100.0
"""Pixels: a panel of quality against time, and a whole figure, for the place of its labels."""


def leaderboard_figure(leaderboard: pd.DataFrame, metric: str = "NDCG@10") -> Any:
    """Return a panel a data set: a dot a model and protocol, what others published as diamonds.

    Args:
        leaderboard: as from ``leaderboard``; bars are one standard error over users either way.
        metric: a label.
    """
    shown = leaderboard[leaderboard["metric"] == metric]
    shown_panels = {str(name): rows for name, rows in shown.groupby("dataset")}
    most = max((rows["model"].nunique() for rows in shown_panels.values()), default=1)
    panels = grid(list(shown_panels), most * ROW + 30)
    for place, rows in zip(panels.places, shown_panels.values(), strict=True):
        models = _by_value(rows)
        panels.axes(place, {}, _names(models, most))
        panels.add(place, *_measured_dots(rows, models), *_published_dots(rows, models))
    panels.figure.add_traces(_keys(shown))
    return panels.finished(
        f"{metric} on the test split", "bars: one standard error over users", keys=4
    )


def significance_figure(significance: pd.DataFrame, metric: str = "NDCG@10") -> Any:
    """Return a panel a data set and protocol: each model's difference to the reference.

    Args:
        significance: as from ``significance``; bars are the 95 % interval, filled dots differ
            after Holm's correction (p below 0.05).
        metric: a label.
    """
    shown = significance[significance["metric"] == metric]
    shown_panels = dict(_by_panel(shown))
    titles = [f"{name} − {rows['reference'].iloc[0]}" for name, rows in shown_panels.items()]
    most = max((len(rows) for rows in shown_panels.values()), default=1)
    panels = grid(titles, most * ROW + 30)
    for place, rows in zip(panels.places, shown_panels.values(), strict=True):
        ordered = rows.sort_values(["difference", "model"])
        panels.axes(place, {}, _names(list(ordered["model"]), most))
        panels.add(place, _forest(ordered))
        line = {"color": FAINT, "width": 1}
        panels.figure.add_vline(0, line=line, row=place.row, col=place.col)
    subtitle = "paired bootstrap over users, 95 % interval; filled: p below 0.05 after Holm"
    return panels.finished(f"Difference of {metric} to the reference", subtitle)


def breakdown_figure(breakdowns: pd.DataFrame, metric: str = "NDCG@10") -> Any:
    """Return a panel a kind of group, a line a model; a menu of data sets and protocols.

    Args:
        breakdowns: as from ``breakdowns``.
        metric: a label.
    """
    shown = breakdowns[breakdowns["metric"] == metric]
    kinds = list(shown["by"].unique())
    panels = grid([f"by {kind}" for kind in kinds], 300, most_columns=2)
    where = dict(zip(kinds, panels.places, strict=True))
    choices = [
        Choice(
            name,
            [
                (_group_line(model, part, in_legend=kind == kinds[0]), where[kind])
                for model in in_order(rows["model"].unique())
                for kind, part in rows[rows["model"] == model].groupby("by", sort=False)
            ],
        )
        for name, rows in _by_panel(shown)
    ]
    panels.figure.update_xaxes(type="category")
    panels.figure.update_yaxes(rangemode="tozero")
    panels.menu(choices)
    models = shown["model"].nunique()
    return panels.finished(f"{metric} by group of targets", "targets below each group", models)


def learning_curve_figure(curves: pd.DataFrame, metric: str = "NDCG@10") -> Any:
    """Return loss and a validation metric by epoch, a line a model and seed.

    Args:
        curves: as from ``learning_curves``; a dot marks the epoch that was kept.
        metric: a label.
    """
    shown = curves[curves["metric"] == metric]
    panels = grid(["training loss", f"{metric} in validation"], 420, most_columns=2)
    choices = [
        Choice(name, [trace for part in _by_model(rows) for trace in _curves_of(*part)])
        for name, rows in _by_panel(shown)
    ]
    panels.figure.update_xaxes(title={"text": "epoch", "standoff": 6})
    panels.menu(choices)
    models = shown["model"].nunique()
    return panels.finished("Learning curves", "dot: the epoch that was kept", models, foot=24)


def cost_figure(cost: pd.DataFrame) -> Any:
    """Return a panel a data set and protocol: quality against seconds of training, log scale.

    Args:
        cost: as from ``quality_against_time``, of one metric.
    """
    shown_panels = dict(_by_panel(cost))
    panels = grid(list(shown_panels), COST_HEIGHT)
    width = USUAL_WIDTH / max(1, min(MOST_COLUMNS, len(shown_panels))) - 80
    for place, rows in zip(panels.places, shown_panels.values(), strict=True):
        across = _room(_logs(rows["seconds"]), least=1.0)
        up = _room(rows["value"], least=float(rows["value"].max()) / 4 or 1.0)
        panels.add(place, _labelled_dots(rows, across, up, width))
        panels.axes(place, {"range": across}, {"range": up})
    panels.figure.update_xaxes(type="log", dtick=1)
    metric = cost["metric"].iloc[0] if len(cost) else "Quality"
    subtitle = (
        "across, log scale: seconds of training up to the best epoch, mean over seeds; without "
        "training seconds of all trials, their validation included"
    )
    return panels.finished(f"{metric} on the test split against time", subtitle)


def _by_panel(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the rows by data set and protocol, under a name of both."""
    return [
        (f"{dataset}, {protocol}", rows)
        for (dataset, protocol), rows in table.groupby(["dataset", "protocol"])
    ]


def _by_model(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    models = in_order(table["model"].unique())
    return [(model, table[table["model"] == model]) for model in models]


def _by_value(rows: pd.DataFrame) -> list[str]:
    """Return the models, the highest value last: at the top of an axis."""
    best = rows.groupby("model")["value"].max()
    return sorted(best.index, key=lambda model: (best[model], model))


def _names(models: Sequence[str], most: int) -> dict[str, Any]:
    """Return an axis with the models' names on its rows, the last at its top; rows as in the
    panel that has most of them."""
    return {
        "tickvals": list(range(len(models))),
        "ticktext": list(models),
        "range": [len(models) - most - 0.7, len(models) - 0.3],
    }


def _measured_dots(rows: pd.DataFrame, models: Sequence[str]) -> list[Any]:
    protocols = sorted(rows["protocol"].unique(), reverse=True)
    steps = [0.0] if len(protocols) == 1 else [0.16, -0.16]
    return [
        _dots(rows[rows["protocol"] == protocol], models, str(protocol), step)
        for protocol, step in zip(protocols, steps, strict=True)
    ]


def _dots(rows: pd.DataFrame, models: Sequence[str], protocol: str, step: float) -> Any:
    colours = [colour(model) for model in rows["model"]]
    return go.Scatter(
        x=rows["value"].tolist(),
        y=[models.index(model) + step for model in rows["model"]],
        error_x={
            "array": _blanks(rows["standard_error"]),
            "thickness": 1,
            "width": 0,
            "color": FAINT,
        },
        mode="markers",
        marker={"color": colours, "size": 8, "symbol": SYMBOLS[protocol]} | _rim(colours),
        text=rows["model"].tolist(),
        name=protocol,
        showlegend=False,
        hovertemplate=f"%{{text}}, {protocol}: %{{x:.4f}}<extra></extra>",
    )


def _rim(colours: Sequence[str]) -> dict[str, Any]:
    """Return a rim that makes open and filled dots of one size."""
    return {"line": {"width": 1.6, "color": list(colours)}}


def _published_dots(rows: pd.DataFrame, models: Sequence[str]) -> list[Any]:
    traces = []
    for column, (symbol, name) in PUBLISHED.items():
        published = rows[rows[column].notna()].drop_duplicates("model")
        if len(published):
            traces.append(
                go.Scatter(
                    x=published[column].tolist(),
                    y=[models.index(model) for model in published["model"]],
                    mode="markers",
                    marker={"color": INK, "size": 7, "symbol": symbol, "opacity": 0.75},
                    text=published["model"].tolist(),
                    showlegend=False,
                    hovertemplate=f"%{{text}}, {name}: %{{x:.4f}}<extra></extra>",
                )
            )
    return traces


def _keys(rows: pd.DataFrame) -> list[Any]:
    """Say what the symbols mean, in no model's colour."""
    keys = [(SYMBOLS[name], name) for name in sorted(rows["protocol"].unique(), reverse=True)]
    keys += [key for column, key in PUBLISHED.items() if rows[column].notna().any()]
    return [
        go.Scatter(
            x=[None],
            y=[None],
            mode="markers",
            marker={"color": INK, "size": 8, "symbol": symbol},
            name=name,
        )
        for symbol, name in keys
    ]


def _forest(rows: pd.DataFrame) -> Any:
    symbols = ["circle" if p < 0.05 else "circle-open" for p in rows["p_holm"]]
    colours = [colour(model) for model in rows["model"]]
    return go.Scatter(
        x=rows["difference"].tolist(),
        y=list(range(len(rows))),
        error_x={
            "array": (rows["high"] - rows["difference"]).tolist(),
            "arrayminus": (rows["difference"] - rows["low"]).tolist(),
            "thickness": 1.2,
            "width": 3,
            "color": FAINT,
        },
        mode="markers",
        marker={"color": colours, "size": 9, "symbol": symbols} | _rim(colours),
        customdata=rows[["model", "p", "p_holm"]].to_numpy().tolist(),
        showlegend=False,
        hovertemplate="%{customdata[0]}: %{x:+.4f}<br>p %{customdata[1]:.4f}, "
        "after Holm %{customdata[2]:.4f}<extra></extra>",
    )


def _group_line(model: str, rows: pd.DataFrame, in_legend: bool) -> Any:
    """Return one model's quality over the groups of one kind."""
    ordered = rows.sort_values("order")
    labels = zip(ordered["group"], ordered["targets"], strict=True)
    return go.Scatter(
        x=[f"{group}<br>{targets:,}" for group, targets in labels],
        y=ordered["value"].tolist(),
        customdata=_blanks(ordered["standard_error"]),
        mode="lines+markers" if len(ordered) > 2 else "markers",
        line={"color": colour(model), "width": 1.6},
        marker={"color": colour(model), "size": 6},
        name=model,
        legendgroup=model,
        showlegend=in_legend,
        hovertemplate=f"{model}: %{{y:.4f}} ± %{{customdata:.4f}}<extra></extra>",
    )


def _curves_of(model: str, rows: pd.DataFrame) -> list[tuple[Any, Place]]:
    """Return a model's curves, a line a seed, in the panels of loss and metric."""
    traces = []
    for number, (seed, part) in enumerate(rows.groupby("seed")):
        for column, place in (("loss", Place(1, 1)), ("value", Place(1, 2))):
            shown = number == 0 and column == "loss"
            traces.append((_curve(model, int(str(seed)), part, column, shown), place))
    return traces


def _curve(model: str, seed: int, rows: pd.DataFrame, column: str, in_legend: bool) -> Any:
    sizes = [7 if best else 0 for best in rows["best"]]
    return go.Scatter(
        x=rows["epoch"].tolist(),
        y=_blanks(rows[column]),
        mode="lines+markers",
        line={"color": colour(model), "width": 1.4},
        marker={"color": colour(model), "size": sizes, "opacity": 1, "line": {"width": 0}},
        name=model,
        legendgroup=model,
        showlegend=in_legend,
        hovertemplate=f"{model}, seed {seed}, epoch %{{x}}: %{{y:.4f}}<extra></extra>",
    )


def _blanks(values: pd.Series[float]) -> list[float | None]:
    """Return numbers with None for what is missing, as JSON wants it."""
    return [None if math.isnan(value) else value for value in values.astype(float)]


def _labelled_dots(rows: pd.DataFrame, across: list[float], up: list[float], width: float) -> Any:
    """Return a panel's dots, their labels where they hide least."""
    ordered = rows.sort_values(["seconds", "model"])
    models = list(ordered["model"])
    colours = [colour(model) for model in models]
    x = _pixels(_logs(ordered["seconds"]), across, width)
    y = _pixels(ordered["value"], up, COST_HEIGHT)
    points = list(zip(x, y, strict=True))
    return go.Scatter(
        x=[10**power for power in _logs(ordered["seconds"])],
        y=ordered["value"].tolist(),
        mode="markers+text",
        marker={"color": colours, "size": 9},
        text=models,
        textposition=label_positions(points, models, width, COST_HEIGHT),
        textfont={"size": 11, "color": colours},
        cliponaxis=False,
        showlegend=False,
        hovertemplate="%{text}: %{y:.4f} after %{x:,.1f} s<extra></extra>",
    )


def _logs(seconds: pd.Series[float]) -> pd.Series[float]:
    """Return powers of ten; less than a millisecond is shown as one, for 0 has none."""
    return seconds.clip(lower=1e-3).map(math.log10)


def _room(values: pd.Series[float], least: float) -> list[float]:
    """Return an axis' range: all values, some room beside them, and at least so much in all."""
    low, high = float(values.min()), float(values.max())
    room = 0.12 * (high - low) + max(0.0, least - (high - low)) / 2
    return [low - room, high + room]


def _pixels(values: pd.Series[float], span: list[float], size: float) -> list[float]:
    return [size * (float(value) - span[0]) / (span[1] - span[0]) for value in values]
