"""Figures of several panels whose lines share one legend, and what tells lines apart."""

from collections import Counter
from typing import Any, NamedTuple

import pandas as pd
from plotly import graph_objects as go
from plotly.subplots import make_subplots

from seqrec.errors import SeqrecError
from seqrec.plotting.look import TEMPLATE, colour, titled

DIFFERENCES = ("dataset", "model", "branch", "protocol")
"""The columns that tell lines apart."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
"""Of lines of the same model, which have its one colour."""
PANEL_HEIGHT, HEAD, FOOT = 320, 116, 60
"""Pixels: a row of panels, above the first and below the last."""

Place = tuple[int, int]
"""Row and column of a panel, from 1."""


class Panels:
    """A figure of rows and columns of panels; the panels of a row share their y axis.

    Args:
        rows: how many.
        columns: how many.
        titles: of the panels, row by row.
    """

    def __init__(self, rows: int, columns: int, titles: list[str]) -> None:
        self.rows = rows
        self.figure = make_subplots(
            rows=rows,
            cols=columns,
            subplot_titles=titles or None,
            shared_yaxes=True,
            horizontal_spacing=0.15 / columns,
            vertical_spacing=0.25 / rows,
        )
        self.in_legend: set[str] = set()

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
        trace = go.Scatter(x=x, y=y, name=name, legendgroup=name, **style)
        self.figure.add_trace(trace, row=place[0], col=place[1])

    def x_axes(self, title: str, **style: Any) -> None:
        """Style all x axes; the title stands below the last row."""
        self.figure.update_xaxes(**style)
        self.figure.update_xaxes(title=title, row=self.rows)

    def y_axes(self, titles: list[str], **style: Any) -> None:
        """Style all y axes; a title for each row stands left of the first column."""
        self.figure.update_yaxes(**style)
        for row, title in enumerate(titles, start=1):
            self.figure.update_yaxes(title=title, row=row, col=1)

    def finished(self, title: str, subtitle: str) -> go.Figure:
        """Return the figure in the look of the results' figures."""
        height = self.rows * PANEL_HEIGHT + HEAD + FOOT
        self.figure.update_layout(
            template=TEMPLATE,
            height=height,
            margin={"l": 70, "r": 30, "t": HEAD, "b": FOOT},
        )
        return titled(self.figure, title, subtitle)


class Series(NamedTuple):
    """What a table holds of one line."""

    name: str
    line: dict[str, Any]
    """Colour and dash."""
    rows: pd.DataFrame


def series(table: pd.DataFrame, *, without: str = "") -> list[Series]:
    """Return the lines of a table, in the order of their first rows, named by what differs.

    A model has the colour it has everywhere; several lines of one model differ in their dashes.

    Args:
        table: with some of the columns ``DIFFERENCES``; ``model`` always.
        without: one of them that tells panels apart instead of lines.

    Raises:
        SeqrecError: the table is empty.
    """
    if table.empty:
        raise SeqrecError(
            "a picture was asked for of a table without rows; make the cells it is of first"
        )
    present = [name for name in DIFFERENCES if name in table and name != without]
    differing = [name for name in present if table[name].nunique() > 1] or ["model"]
    found: list[Series] = []
    of_model: Counter[str] = Counter()
    for key, rows in table.groupby(differing, sort=False):
        name = ", ".join(str(part) for part in key if part != "all")
        model = str(rows["model"].iloc[0])
        dash = DASHES[of_model[model] % len(DASHES)]
        found.append(Series(name, {"color": colour(model), "dash": dash}, rows))
        of_model[model] += 1
    return found
