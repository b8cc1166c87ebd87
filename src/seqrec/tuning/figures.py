"""How a search went, as a picture."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import plotly.graph_objects as go
import pyarrow as pa

from seqrec.plotting.panels import Panels, Place
from seqrec.tuning.parameter_file import best_trial, parameters_of

COLUMNS = 3
"""Facets a row."""
ROW_HEIGHT, MARGIN = 240, 130
"""In pixels."""
LOOKS = {
    "finished": {"color": "#31688e", "symbol": "circle", "size": 8},
    "pruned": {"symbol": "x-thin", "size": 8, "line": {"color": "#7f7f7f", "width": 1.5}},
}
"""By state; a trial that failed has no value to draw."""
BEST = {"color": "#d1495b", "symbol": "star", "size": 14}
LOGARITHMIC = 20.0
"""A parameter whose values span more than this factor gets a logarithmic axis."""
FEW = 10
"""So many whole numbers at most are all written at their axis."""


def tuning_figure(history: pa.Table, monitor: str) -> go.Figure:
    """Return the trials in their order, and below each parameter against the value reached.

    Args:
        history: one row a trial (``seqrec.tuning.study.run_search``).
        monitor: the metric, on the vertical axis.
    """
    rows = [row for row in history.to_pylist() if row["value"] is not None]
    best = best_trial(history)
    names = list(parameters_of(best))
    panels = _facets(names)
    panels.add(Place(1, 1), *_traces(rows, best, "trial", legend=True), _best_so_far(rows))
    for place, name in zip(panels.places[COLUMNS:], names, strict=False):
        panels.add(place, *_traces(rows, best, name, legend=False))
        panels.axes(place, _axis([row[name] for row in rows]), {})
    panels.figure.update_yaxes(title_text=monitor, col=1)
    subtitle = "a dot a trial, the first one with the settings at the start"
    return panels.finished(f"{monitor} on the validation split", subtitle, keys=4)


def _facets(names: list[str]) -> Panels:
    """Return one wide facet, and below it one a parameter."""
    rows = 1 + -(-len(names) // COLUMNS)
    wide: list[dict[str, int] | None] = [{"colspan": COLUMNS}, *[None] * (COLUMNS - 1)]
    cells: list[dict[str, int] | None] = [
        {} if place < len(names) else None for place in range((rows - 1) * COLUMNS)
    ]
    below = [cells[first : first + COLUMNS] for first in range(0, len(cells), COLUMNS)]
    return Panels(
        rows,
        COLUMNS,
        MARGIN + ROW_HEIGHT * rows,
        specs=[wide, *below],
        subplot_titles=["trial", *names],
        shared_yaxes="rows",
        vertical_spacing=0.3 / rows,
        horizontal_spacing=0.04,
    )


def _traces(
    rows: list[dict[str, Any]], best: dict[str, Any], across: str, *, legend: bool
) -> Iterator[go.Scatter]:
    groups = {state: [row for row in rows if row["state"] == state] for state in LOOKS}
    for name, group, marker in (
        *((state, groups[state], LOOKS[state]) for state in LOOKS),
        ("best", [best], BEST),
    ):
        if group:
            yield go.Scatter(
                x=[_shown(row[across]) for row in group],
                y=[row["value"] for row in group],
                mode="markers",
                marker=marker,
                name=name,
                legendgroup=name,
                showlegend=legend,
                text=[f"trial {row['trial']}" for row in group],
                hovertemplate="%{text}: %{x}, %{y:.4f}<extra></extra>",
            )


def _best_so_far(rows: list[dict[str, Any]]) -> go.Scatter:
    finished = [row for row in rows if row["state"] == "finished"]
    return go.Scatter(
        x=[row["trial"] for row in finished],
        y=list(accumulate((row["value"] for row in finished), max)),
        mode="lines",
        line={"color": BEST["color"], "width": 1.5, "shape": "hv"},
        name="best so far",
        hoverinfo="skip",
    )


def _shown(value: Any) -> Any:
    """Return a value as an axis takes it; what is no number is a category."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _axis(values: list[Any]) -> dict[str, Any]:
    numbers = [value for value in map(_shown, values) if not isinstance(value, str)]
    if len(numbers) < len(values):
        return {"type": "category"}
    if all(isinstance(value, int) for value in numbers) and len(set(numbers)) <= FEW:
        return {"type": "linear", "tickvals": sorted(set(numbers))}
    low, high = min(numbers), max(numbers)
    return {"type": "log"} if low > 0 and high / low > LOGARITHMIC else {"type": "linear"}
