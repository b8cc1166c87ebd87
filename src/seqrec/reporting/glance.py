"""All models on all data sets in one picture: how far each is from the best of its column."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from seqrec.plotting.colours import INK
from seqrec.plotting.look import TEMPLATE, nothing_to_show, titled

SCALE = ((0.0, "#f4f6f8"), (0.5, "#cfe0f1"), (0.85, "#7fb0dd"), (1.0, "#2f74b5"))
"""Of the share of the best; above ``DARK`` the text is white."""
DARK = 0.93
ROW, COLUMN = 46, 180
HEAD, LEFT, FOOT = 110, 110, 24
"""Pixels: a cell; the title with the data sets, the models' names, the other sides."""


def glance_figure(
    leaderboard: pd.DataFrame, metric: str = "NDCG@10", protocol: str = "standard"
) -> Any:
    """Return models × data sets: the value, its error, the seeds, coloured by share of the best.

    Args:
        leaderboard: as from ``leaderboard``.
        metric: a label.
        protocol: whose cells; where there are none of it the figure says so.

    Returns:
        A figure. Models stand in order of their shares of the best, added up over the data sets
        that they were run on; data sets by size. A cell that was not run is blank.
    """
    rows = leaderboard[(leaderboard["metric"] == metric) & (leaderboard["protocol"] == protocol)]
    if rows.empty:
        return nothing_to_show(f"nothing was measured at {metric} under protocol {protocol}")
    best = rows.groupby("dataset")["value"].transform("max")
    rows = rows.assign(share=(rows["value"] / best.where(best > 0, 1)).astype(float))
    datasets = list(rows.groupby("dataset")["targets"].max().sort_values(kind="stable").index)
    order = rows.groupby("model")["share"].sum()
    models = sorted(order.index, key=lambda model: (order[model], model))
    figure = go.Figure(_cells(rows, models, datasets))
    for row in rows.itertuples():
        figure.add_annotation(**_text(row))
    return _laid_out(figure, models, datasets, f"{metric} on the test split, protocol {protocol}")


def _cells(rows: pd.DataFrame, models: list[str], datasets: list[str]) -> Any:
    shares = rows.pivot(index="model", columns="dataset", values="share")
    shares = shares.reindex(index=models, columns=datasets)
    return go.Heatmap(
        z=[[None if pd.isna(share) else share for share in line] for line in shares.to_numpy()],
        x=datasets,
        y=models,
        zmin=0,
        zmax=1,
        colorscale=[list(step) for step in SCALE],
        showscale=False,
        xgap=3,
        ygap=3,
        hovertemplate="%{y} on %{x}: %{z:.1%} of the best<extra></extra>",
    )


def _text(row: Any) -> dict[str, Any]:
    """Return what stands in a cell: value ± standard error, share of the best, seeds."""
    spread = "" if pd.isna(row.standard_error) else f" ± {row.standard_error:.4f}"
    value = f"<b>{row.value:.4f}</b>" if row.best else f"{row.value:.4f}"
    seeds = f"{row.seeds} seed{'' if row.seeds == 1 else 's'}"
    return {
        "x": row.dataset,
        "y": row.model,
        "text": f"{value}{spread}<br><span style='font-size:11px'>{row.share:.0%} · {seeds}</span>",
        "showarrow": False,
        "font": {"size": 13, "color": "white" if row.share >= DARK else INK},
    }


def _laid_out(figure: Any, models: list[str], datasets: list[str], title: str) -> Any:
    figure.update_xaxes(side="top", showgrid=False, tickfont={"size": 14})
    figure.update_yaxes(showgrid=False, tickfont={"size": 14}, ticksuffix="  ")
    figure.update_layout(
        template=TEMPLATE,
        height=HEAD + FOOT + ROW * len(models),
        width=LEFT + COLUMN * len(datasets) + FOOT,
        margin={"t": HEAD, "b": FOOT, "l": LEFT, "r": FOOT},
    )
    below = "± standard error over users; share of the best of the data set; seeds; bold the best"
    return titled(figure, title, below)
