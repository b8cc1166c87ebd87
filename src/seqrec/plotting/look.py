"""How all figures of the results look: colours, panels, titles and menus."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from zlib import crc32

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from seqrec.models import COUNTING_MODELS, MODELS

INK, FAINT, GRID = "#263238", "#78909c", "#e6eaed"
FONT = "Inter, Helvetica, Arial, sans-serif"
COLOURS = dict(
    zip(
        (*MODELS, *COUNTING_MODELS),
        (
            *("#1f5fa8", "#d1495b", "#2e8b57", "#e08e0b", "#7b4fa3", "#0097a7", "#8d5524"),
            *("#d6589f", "#7a9a01", "#3d3b8e", "#9e9e9e", "#5d4037", "#546e7a", "#111111"),
        ),
        strict=False,
    )
)
"""A model more than these takes one of the others."""

OTHER_COLOURS = ("#b0413e", "#4a7c59", "#5e60ce", "#bc6c25", "#8a5a83", "#33658a")
MOST_COLUMNS = 3
GAP, HEAD, FOOT = 78, 96, 40
"""Pixels between rows of panels, above the first and below the last."""

TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 12, "color": INK},
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "hoverlabel": {"font": {"family": FONT}},
        "xaxis": {"gridcolor": GRID, "linecolor": FAINT, "zeroline": False, "automargin": True},
        "yaxis": {"gridcolor": GRID, "linecolor": FAINT, "zeroline": False, "automargin": True},
        "annotationdefaults": {"font": {"size": 13, "color": INK}},
    }
)


class Panel(NamedTuple):
    """Where a trace goes, from 1."""

    row: int
    col: int


@dataclass(frozen=True)
class Choice:
    """An entry of a figure's menu, and the traces it shows."""

    name: str
    traces: list[tuple[Any, Panel]]


def colour(model: str) -> str:
    """Return a model's colour: fixed for the project's own, by its name for others."""
    return COLOURS.get(model) or OTHER_COLOURS[crc32(model.encode()) % len(OTHER_COLOURS)]


def in_order(models: Iterable[str]) -> list[str]:
    """Return models as the project lists them, others after them by name."""
    places = {model: place for place, model in enumerate(COLOURS)}
    return sorted(models, key=lambda model: (places.get(model, len(places)), model))


def panels(
    titles: Sequence[str], height: float, most_columns: int = MOST_COLUMNS
) -> tuple[Any, list[Panel]]:
    """Return a figure with a panel a title, each so many pixels high, and where they are."""
    columns = max(1, min(most_columns, len(titles)))
    rows = max(1, math.ceil(len(titles) / columns))
    inner = rows * height + (rows - 1) * GAP
    figure = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=list(titles) or None,
        horizontal_spacing=0.08 if columns < 3 else 0.09,
        vertical_spacing=GAP / inner if rows > 1 else 0.0,
    )
    figure.update_layout(height=inner + HEAD + FOOT)
    places = [Panel(number // columns + 1, number % columns + 1) for number in range(len(titles))]
    _hide_unused(figure, rows, columns, places)
    return figure, places


def _hide_unused(figure: Any, rows: int, columns: int, used: Sequence[Panel]) -> None:
    for number in range(rows * columns):
        place = Panel(number // columns + 1, number % columns + 1)
        if place not in used:
            figure.update_xaxes(visible=False, row=place.row, col=place.col)
            figure.update_yaxes(visible=False, row=place.row, col=place.col)


def finished(figure: Any, title: str, subtitle: str, keys: int = 0, foot: int = 0) -> Any:
    """Give a figure its title, its look, and room for so many keys below it."""
    legend = 22 * math.ceil(keys / 10) + 20 if keys else 0
    total = figure.layout.height + legend + foot
    figure.update_layout(
        template=TEMPLATE,
        height=total,
        margin={"l": 60, "r": 30, "t": HEAD, "b": FOOT + legend + foot},
        legend={"orientation": "h", "yref": "container", "y": 0.01, "yanchor": "bottom", "x": 0},
    )
    return titled(figure, title, subtitle)


def titled(figure: Any, title: str, subtitle: str) -> Any:
    """Write a title and a line below it above the panels.

    As annotations: Kedro-Viz puts a figure's own title at a place of its choice, over the data.
    """
    place = {"xref": "paper", "yref": "paper", "x": 0, "y": 1, "showarrow": False}
    for text, size, colour_of, shift in ((title, 17, INK, 54), (subtitle, 12, FAINT, 36)):
        figure.add_annotation(
            text=text,
            **place,
            xanchor="left",
            yanchor="bottom",
            xshift=-40,
            yshift=shift,
            font={"size": size, "color": colour_of},
        )
    return figure


def add_menu(figure: Any, choices: Sequence[Choice]) -> None:
    """Add the traces of every choice, show the first, and offer the others in a menu."""
    for number, choice in enumerate(choices):
        traces = [trace.update(visible=number == 0) for trace, _ in choice.traces]
        rows, columns = zip(*(place for _, place in choice.traces), strict=True)
        figure.add_traces(traces, rows, columns)
    if len(choices) < 2:
        return
    sizes = [len(choice.traces) for choice in choices]
    buttons = [
        {
            "label": choice.name,
            "method": "update",
            "args": [{"visible": _visible(sizes, number)}],
        }
        for number, choice in enumerate(choices)
    ]
    menu = {"buttons": buttons, "x": 1, "xanchor": "right", "y": 1, "yanchor": "bottom"}
    look = {"pad": {"b": 30}, "bgcolor": "white", "bordercolor": GRID, "font": {"size": 12}}
    figure.update_layout(updatemenus=[menu | look])


def _visible(sizes: Sequence[int], chosen: int) -> list[bool]:
    return [number == chosen for number, size in enumerate(sizes) for _ in range(size)]


def nothing_to_show(reason: str) -> Any:
    """Return a figure that says why it is empty."""
    figure = go.Figure()
    figure.add_annotation(text=reason, showarrow=False, font={"size": 14, "color": FAINT})
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.update_layout(template=TEMPLATE, height=200)
    return figure
