"""Why a list has its items: a bar an item, made of what the encoder and the evidence add."""

from __future__ import annotations

import textwrap
from typing import Any

import plotly.graph_objects as go
import pyarrow as pa

from seqrec.plotting.colours import FAINT, INK
from seqrec.plotting.look import TEMPLATE, titled

COLOURS = ("#1f5fa8", "#e08e0b", "#f0b95c", "#f7dcae", "#7b4fa3", "#2e8b57", "#8fc7a6", "#9e9e9e")
REST = "#d9dee1"
LONGEST = 34
"""Letters of a name."""


def reasons_figure(table: pa.Table) -> Any:
    """Return the figure.

    Args:
        table: item_id, part, score, because_of, and titles (title, because_of_title) or none; the
            parts of an item stand together.
    """
    rows = table.to_pylist()
    parts = list(dict.fromkeys(row["part"] for row in rows))
    items = list(dict.fromkeys(row["item_id"] for row in rows))
    names = {row["item_id"]: _name(row, "title", "item_id") for row in rows}
    places = {item: f"{place}  {names[item]}" for place, item in enumerate(items, start=1)}
    figure = go.Figure()
    for part, colour in zip(parts, (*COLOURS, *[REST] * len(parts)), strict=False):
        own = [row for row in rows if row["part"] == part]
        figure.add_bar(
            y=[places[row["item_id"]] for row in own],
            x=[row["score"] for row in own],
            name=part,
            orientation="h",
            marker={"color": colour},
            hovertext=[_because(row) for row in own],
        )
    figure.update_layout(
        template=TEMPLATE,
        barmode="relative",
        height=150 + 34 * len(items),
        margin={"t": 90, "r": 20},
        legend={"traceorder": "normal", "font": {"size": 11}},
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(title={"text": "what is added to the score", "font": {"color": FAINT}})
    figure.add_vline(x=0, line={"color": INK, "width": 1})
    return titled(figure, "Why these items", "the parts of each score; they add up to it")


def _name(row: dict[str, Any], title: str, identity: str) -> str:
    return textwrap.shorten(str(row.get(title) or row[identity]), LONGEST, placeholder=" …")


def _because(row: dict[str, Any]) -> str:
    if row["because_of"] is None:
        return ""
    name = _name(row, "because_of_title", "because_of")
    return f"most by {name}, {row['count']:.3g} times in the log"
