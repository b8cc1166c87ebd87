"""How all figures look: fonts and lines, titles, and a figure of nothing."""

from typing import Any

import plotly.graph_objects as go

from seqrec.plotting.colours import FAINT, GRID, INK

FONT = "Inter, Helvetica, Arial, sans-serif"
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


def titled(figure: Any, title: str, subtitle: str) -> Any:
    """Write a title and a line below it above the panels.

    As annotations: Kedro-Viz puts a figure's own title at a place of its choice, over the data.
    """
    place = {"xref": "paper", "yref": "paper", "x": 0, "y": 1, "showarrow": False}
    for text, size, colour, shift in ((title, 17, INK, 54), (subtitle, 12, FAINT, 36)):
        figure.add_annotation(
            text=text,
            **place,
            xanchor="left",
            yanchor="bottom",
            xshift=-40,
            yshift=shift,
            font={"size": size, "color": colour},
        )
    return figure


def nothing_to_show(reason: str) -> Any:
    """Return a figure that says why it is empty."""
    figure = go.Figure()
    figure.add_annotation(text=reason, showarrow=False, font={"size": 14, "color": FAINT})
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.update_layout(template=TEMPLATE, height=200)
    return figure
