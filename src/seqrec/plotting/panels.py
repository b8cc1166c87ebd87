"""Figures of several panels: where they stand, what is drawn in them, the legend and a menu."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from plotly import graph_objects as go
from plotly.subplots import make_subplots

from seqrec.plotting.colours import GRID
from seqrec.plotting.look import TEMPLATE, titled

MOST_COLUMNS = 3
GAP, ROW = 78, 320
"""Pixels between rows of a grid; a row of a matrix, with what is between it and the next."""
KEYS_A_ROW, KEY = 10, 22
"""Entries of a legend below the panels, and pixels for a row of them."""


class Place(NamedTuple):
    """Row and column of a panel, from 1."""

    row: int
    col: int


class Frame(NamedTuple):
    """Pixels left of the panels, above the first and below the last."""

    left: int
    head: int
    foot: int


BELOW, BESIDE = Frame(60, 96, 40), Frame(70, 116, 60)
"""Where the legend stands below the panels, and where beside them."""


@dataclass(frozen=True)
class Choice:
    """An entry of a figure's menu, and the traces it shows."""

    name: str
    traces: list[tuple[Any, Place]]


class Panels:
    """A figure of rows and columns of panels.

    Args:
        rows: how many.
        columns: how many.
        height: of the whole figure without a legend below it, in pixels.
        frame: around the panels.
        subplots: what else ``plotly.subplots.make_subplots`` takes.
    """

    def __init__(
        self, rows: int, columns: int, height: float, frame: Frame = BELOW, **subplots: Any
    ) -> None:
        self.figure = make_subplots(rows=rows, cols=columns, **subplots)
        self.rows, self.height, self.frame = rows, height, frame
        if frame is BELOW:  # here and not at the end: figures keep the order of their JSON's keys
            self.figure.update_layout(height=height)
        self.places = [Place(row + 1, col + 1) for row in range(rows) for col in range(columns)]
        self.in_legend: set[str] = set()

    def add(self, place: Place, *traces: Any) -> None:
        """Draw traces in a panel."""
        for trace in traces:
            self.figure.add_trace(trace, row=place.row, col=place.col)

    def line(self, place: Place, name: str, x: Any, y: Any, **style: Any) -> None:
        """Draw a line; lines of one name have one entry in the legend.

        Args:
            place: the panel.
            name: what the line is.
            x: its places.
            y: its values.
            style: what else ``plotly.graph_objects.Scatter`` takes.
        """
        style = {"mode": "lines", "showlegend": name not in self.in_legend} | style
        if style["showlegend"]:
            self.in_legend.add(name)
        self.add(place, go.Scatter(x=x, y=y, name=name, legendgroup=name, **style))

    def axes(self, place: Place, x: dict[str, Any], y: dict[str, Any]) -> None:
        """Style the axes of one panel."""
        self.figure.update_xaxes(x, row=place.row, col=place.col)
        self.figure.update_yaxes(y, row=place.row, col=place.col)

    def x_axes(self, title: str, **style: Any) -> None:
        """Style all x axes; the title stands below the last row."""
        self.figure.update_xaxes(**style)
        self.figure.update_xaxes(title=title, row=self.rows)

    def y_axes(self, titles: Sequence[str], **style: Any) -> None:
        """Style all y axes; a title for each row stands left of the first column."""
        self.figure.update_yaxes(**style)
        for row, title in enumerate(titles, start=1):
            self.figure.update_yaxes(title=title, row=row, col=1)

    def menu(self, choices: Sequence[Choice]) -> None:
        """Add the traces of every choice, show the first, and offer the others in a menu."""
        for number, choice in enumerate(choices):
            for trace, place in choice.traces:
                self.add(place, trace.update(visible=number == 0))
        if len(choices) < 2:
            return
        sizes = [len(choice.traces) for choice in choices]
        buttons = [
            {"label": choice.name, "method": "update", "args": [{"visible": _only(sizes, number)}]}
            for number, choice in enumerate(choices)
        ]
        menu = {"buttons": buttons, "x": 1, "xanchor": "right", "y": 1, "yanchor": "bottom"}
        look = {"pad": {"b": 30}, "bgcolor": "white", "bordercolor": GRID, "font": {"size": 12}}
        self.figure.update_layout(updatemenus=[menu | look])

    def finished(self, title: str, subtitle: str, keys: int = 0, foot: int = 0) -> go.Figure:
        """Return the figure with its title and its look.

        Args:
            title: what it shows.
            subtitle: how to read it.
            keys: entries of a legend below the panels.
            foot: pixels more below the panels.
        """
        legend = KEY * math.ceil(keys / KEYS_A_ROW) + 20 if keys else 0
        left, head, below = self.frame
        self.figure.update_layout(
            template=TEMPLATE,
            height=self.height + legend + foot,
            margin={"l": left, "r": 30, "t": head, "b": below + legend + foot},
        )
        if self.frame is BELOW:
            bottom = {"yref": "container", "y": 0.01, "yanchor": "bottom", "x": 0}
            self.figure.update_layout(legend={"orientation": "h", **bottom})
        return titled(self.figure, title, subtitle)


def _only(sizes: Sequence[int], chosen: int) -> list[bool]:
    """Return which traces are shown: those of one choice."""
    return [number == chosen for number, size in enumerate(sizes) for _ in range(size)]


def grid(titles: Sequence[str], height: float, most_columns: int = MOST_COLUMNS) -> Panels:
    """Return a panel a title, each so many pixels high, side by side as far as there is room."""
    columns = max(1, min(most_columns, len(titles)))
    rows = max(1, math.ceil(len(titles) / columns))
    inner = rows * height + (rows - 1) * GAP
    panels = Panels(
        rows,
        columns,
        inner + BELOW.head + BELOW.foot,
        subplot_titles=list(titles) or None,
        horizontal_spacing=0.08 if columns < MOST_COLUMNS else 0.09,
        vertical_spacing=GAP / inner if rows > 1 else 0.0,
    )
    for unused in panels.places[len(titles) :]:
        panels.axes(unused, {"visible": False}, {"visible": False})
    del panels.places[len(titles) :]
    return panels


def matrix(rows: int, columns: int, titles: Sequence[str] = ()) -> Panels:
    """Return rows and columns of panels; those of a row share their y axis.

    Args:
        rows: how many.
        columns: how many.
        titles: of the panels, row by row; none for none.
    """
    return Panels(
        rows,
        columns,
        rows * ROW + BESIDE.head + BESIDE.foot,
        BESIDE,
        subplot_titles=list(titles) or None,
        shared_yaxes=True,
        horizontal_spacing=0.15 / columns,
        vertical_spacing=0.25 / rows,
    )
