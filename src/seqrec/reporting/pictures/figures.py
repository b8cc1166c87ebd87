"""The papers' pictures: long tables to Plotly figures.

A function draws all that its table holds, a line (or a panel) for each data set, protocol, model
and branch in it; what is the same everywhere is not written out.
"""

from typing import Any

import pandas as pd
from plotly import graph_objects as go

from seqrec.errors import SeqrecError
from seqrec.plotting.colours import FAINT, OTHERS, colour, faded
from seqrec.plotting.panels import Panels, Place, matrix
from seqrec.plotting.series import Series, series

DASHES = {"attention": "solid", "filter": "dot", "mixed": "dash"}
BANDS = (("decile 1", "decile 9", 0.15), ("decile 3", "decile 7", 0.3))
SPECTRUM_NOTE = "response: what comes out as the same wave; mean over histories, heads, channels"
TICKS = [step * 10.0**-decade for decade in range(7) for step in (1, 2, 5)]
TRANSITIONS = "transition frequency"
"""What the breakdown calls it."""
SETTING = ["dataset", "protocol", "model", "parameter", "value"]


def attention_spectrum(table: pd.DataFrame, reference: pd.DataFrame | None = None) -> go.Figure:
    """Return which frequencies the blocks let through, models side by side, logarithmic.

    Args:
        table: model, and the columns of ``spectrum.attention_response``; a block is a colour. Rows
            of ``spectrum.mixed_response`` are dotted (``filter``) and dashed (``mixed``).
        reference: ``spectrum.mean_of_the_past``, a broad grey line in each panel; of no use for a
            model that looks both ways, as BERT4Rec does.
    """
    models = series(table)
    panels = matrix(1, len(models), [model.name for model in models])
    for column, model in enumerate(models, start=1):
        if reference is not None:
            line = {"color": FAINT, "width": 5}
            x, y = reference["frequency"], reference["response"]
            panels.line(Place(1, column), "mean of the past", x, y, line=line, opacity=0.5)
        for operator, of_operator in model.rows.groupby("operator"):
            for block, rows in of_operator.groupby("block"):
                line = {"color": _colour_of(block), "dash": DASHES[str(operator)]}
                x, y = rows["frequency"], rows["response"]
                panels.line(Place(1, column), f"{operator}, block {block}", x, y, line=line)
    panels.x_axes("periods an item")
    panels.y_axes(["response"], type="log", tickvals=TICKS, tickformat="~g")
    return panels.finished("Which frequencies a block lets through", SPECTRUM_NOTE)


def learned_filter(table: pd.DataFrame) -> go.Figure:
    """Return the weights of BSARec's learned filter, a row a model and a column a block.

    Args:
        table: model, and the columns of ``spectrum.learned_filter``.
    """
    models = series(table)
    blocks = table["block"].drop_duplicates().tolist()
    titles = [f"{model.name}, block {block}" for model in models for block in blocks]
    panels = matrix(len(models), len(blocks), titles)
    for row, model in enumerate(models, start=1):
        for block, rows in model.rows.groupby("block"):
            _fan(panels, Place(row, blocks.index(block) + 1), rows)
    panels.x_axes("periods an item")
    panels.y_axes(["weight"] * len(models), rangemode="tozero")
    return panels.finished(
        "The learned filter", "weight of a frequency: mean and deciles over channels"
    )


def _fan(panels: Panels, place: Place, rows: pd.DataFrame) -> None:
    weights = rows.pivot(index="frequency", columns="statistic", values="weight")
    own = colour("bsarec")
    unseen: dict[str, Any] = {"line": {"width": 0}, "hoverinfo": "skip"}
    for low, high, opacity in BANDS:
        name = f"{low} to {high.removeprefix('decile ')}"
        fill = {"fill": "tonexty", "fillcolor": faded(own, opacity)}
        panels.line(place, name, weights.index, weights[low], **unseen | {"showlegend": False})
        panels.line(place, name, weights.index, weights[high], **unseen, **fill)
    dotted = {"color": own, "dash": "dot"}
    panels.line(place, "median", weights.index, weights["decile 5"], line=dotted)
    panels.line(place, "mean", weights.index, weights["mean"], line={"color": own})


def singular_values(table: pd.DataFrame) -> go.Figure:
    """Return the singular values of the states of a history, a column a depth, logarithmic.

    Args:
        table: model, and the columns of ``oversmoothing.singular_values_by_depth``.
    """
    depths = sorted(table["depth"].unique())
    panels = matrix(1, len(depths), [_depth(depth) for depth in depths])
    for model in series(table):
        for depth, rows in model.rows.groupby("depth"):
            x, y = rows["index"], rows["singular_value"]
            place = Place(1, depths.index(depth) + 1)
            panels.line(place, model.name, x, y, line=model.line)
    panels.x_axes("index")
    panels.y_axes(["singular value, the largest = 1"], type="log", dtick=1)
    return panels.finished("Singular values of a history's states, by depth", "mean over histories")


def similarity(table: pd.DataFrame) -> go.Figure:
    """Return the cosine similarity of positions by depth; bars are deviations between histories.

    Args:
        table: model, and the columns of ``oversmoothing.similarity_by_depth``.
    """
    panels = matrix(1, 1)
    for model in series(table):
        bars = {"array": model.rows["deviation"], "thickness": 1}
        style = {"mode": "lines+markers", "line": model.line, "error_y": bars}
        panels.line(Place(1, 1), model.name, model.rows["depth"], model.rows["similarity"], **style)
    depths = sorted(table["depth"].unique())
    panels.x_axes("", tickvals=depths, ticktext=[_depth(depth) for depth in depths])
    panels.y_axes(["cosine similarity"])
    return panels.finished(
        "How alike the positions of a history are, by depth",
        "mean over pairs; bars: standard deviation between histories",
    )


def sensitivity(table: pd.DataFrame) -> go.Figure:
    """Return scores by the value of a parameter, a column a parameter and a row a metric.

    Args:
        table: dataset, protocol, model, parameter, value, in_use, seed, metric, score; a line is
            the mean over seeds, a bar their standard deviation (none with one seed), a ring the
            setting in use.
    """
    points = _over_seeds(table)
    parameters = points["parameter"].drop_duplicates().tolist()
    metrics = points["metric"].drop_duplicates().tolist()
    titles = parameters + [""] * (len(metrics) - 1) * len(parameters)
    panels = matrix(len(metrics), len(parameters), titles)
    for model in series(points):
        for (metric, parameter), rows in model.rows.groupby(["metric", "parameter"], sort=False):
            place = Place(metrics.index(metric) + 1, parameters.index(parameter) + 1)
            _sensitivity_line(panels, place, model, rows)
    for column, parameter in enumerate(parameters, start=1):
        values = _ascending(points.loc[points["parameter"] == parameter, "value"])
        panels.figure.update_xaxes(categoryorder="array", categoryarray=values, col=column)
    panels.x_axes("", type="category")
    panels.y_axes(metrics)
    subtitle = "test split; mean over seeds; bars: their standard deviation"
    return panels.finished("Sensitivity to single settings", subtitle)


def _sensitivity_line(panels: Panels, place: Place, model: Series, rows: pd.DataFrame) -> None:
    rows = rows.set_index("value").loc[_ascending(rows["value"])]
    bars = {"array": rows["deviation"], "thickness": 1}
    style = {"mode": "lines+markers", "line": model.line, "error_y": bars}
    panels.line(place, model.name, rows.index, rows["score"], **style)
    ringed = rows[rows["in_use"]]
    if not ringed.empty:
        ring = {"size": 16, "symbol": "circle-open", "color": model.line["color"]}
        x, y = ringed.index, ringed["score"]
        panels.line(place, "setting in use", x, y, mode="markers", marker=ring)


def _over_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """Return score, deviation and in_use of each setting and metric; values as text."""
    groups = _with_texts(table).groupby([*SETTING, "metric"], sort=False)
    score = ("score", "mean")
    return groups.agg(
        score=score, deviation=("score", "std"), in_use=("in_use", "any")
    ).reset_index()


def _with_texts(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with values as they are read, whether they came as numbers or as text."""
    return table.assign(value=[_text(value) for value in table["value"]])


def _text(value: object) -> str:
    number = _number(str(value))
    return str(value) if number is None else f"{number:g}"


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _ascending(values: pd.Series) -> list[str]:
    """Return the different values, numbers before words."""

    def place(value: str) -> tuple[bool, float, str]:
        number = _number(value)
        return number is None, number or 0.0, value

    return sorted(set(values), key=place)


def transition_frequency(table: pd.DataFrame) -> go.Figure:
    """Return metrics by how often training saw the last step to the target.

    Args:
        table: the breakdown of results: dataset, protocol, model, by, group, order, targets,
            metric, value, standard_error. Its rows by transition frequency are drawn, a column a
            data set and a row a metric; bars are standard errors over users.

    Raises:
        SeqrecError: there is no such row.
    """
    rows = table[table["by"] == TRANSITIONS].sort_values("order", kind="stable")
    if rows.empty:
        raise SeqrecError(
            f"no row of the breakdown has by = '{TRANSITIONS}'; "
            "make it with the transition graph of the data set"
        )
    datasets = rows["dataset"].drop_duplicates().tolist()
    metrics = rows["metric"].drop_duplicates().tolist()
    titles = datasets + [""] * (len(metrics) - 1) * len(datasets)
    panels = matrix(len(metrics), len(datasets), titles)
    for model in series(rows, without="dataset"):
        for (metric, dataset), part in model.rows.groupby(["metric", "dataset"], sort=False):
            place = Place(metrics.index(metric) + 1, datasets.index(dataset) + 1)
            bars = {"array": part["standard_error"], "thickness": 1}
            style = {"mode": "lines+markers", "line": model.line, "error_y": bars}
            texts = [f"{count:,} targets" for count in part["targets"]]
            panels.line(place, model.name, part["group"], part["value"], text=texts, **style)
    order = rows["group"].drop_duplicates().tolist()
    panels.x_axes("times in training", type="category", categoryorder="array", categoryarray=order)
    panels.y_axes(metrics, rangemode="tozero")
    return panels.finished(
        "By how often training saw the last step to the target",
        "bars: one standard error over users",
    )


def _colour_of(block: Any) -> str:
    return OTHERS[(int(block) - 1) % len(OTHERS)]


def _depth(depth: int) -> str:
    return "embeddings" if depth == 0 else f"block {depth}"
