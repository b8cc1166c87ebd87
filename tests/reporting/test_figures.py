"""Figures: what is drawn where, and the same JSON every time."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from seqrec.cell import Cell
from seqrec.models import COUNTING_MODELS, MODELS
from seqrec.plotting.colours import colour
from seqrec.reporting.breakdowns import breakdowns, target_facts
from seqrec.reporting.curves import learning_curves, quality_against_time
from seqrec.reporting.figures import (
    breakdown_figure,
    cost_figure,
    leaderboard_figure,
    learning_curve_figure,
    significance_figure,
)
from seqrec.reporting.leaderboard import leaderboard, published_table
from seqrec.reporting.significance import significance
from tests.reporting.examples import metrics_file, ranks_table
from tests.reporting.test_breakdowns import GRAPH, SEQUENCES
from tests.reporting.test_curves import HISTORY

Tables = dict[str, pd.DataFrame]


@cache
def tables(datasets: int, models: int, protocols: int) -> Tables:
    """All long tables of so many cells; ranks and values are drawn."""
    some = np.random.default_rng(0)
    cells = [
        Cell(f"data-{d}", model, protocol)
        for d in range(datasets)
        for model in [*MODELS, *COUNTING_MODELS][:models]
        for protocol in ("authors", "standard")[:protocols]
    ]
    metrics = {
        cell: metrics_file(cell, {"NDCG@10": float(some.random())}, seeds=(1, 2)) for cell in cells
    }
    users, items = [1, 2, 3, 3], [2, 1, 4, 4]
    ranks = {
        cell: ranks_table({s: some.integers(1, 20, 4).tolist() for s in (1, 2)}, users, items)
        for cell in cells
    }
    history = HISTORY.append_column("NDCG@10", pa.array([0.1, 0.2, 0.3, 0.1, 0.2]))
    progress = history.to_pandas().assign(seconds=0.0)
    facts = {cell.dataset: target_facts(SEQUENCES, GRAPH) for cell in cells}
    published = [
        {"model": "bsarec", "source": source, "figures": {"data-0": {"NDCG@10": 0.5}}}
        for source in ("authors", "independent")
    ]
    return {
        "leaderboard": leaderboard(metrics, published_table(published)),
        "significance": significance(ranks, resamples=20),
        "breakdowns": breakdowns(ranks, facts),
        "curves": learning_curves(dict.fromkeys(cells, history), metrics),
        "cost": quality_against_time(dict.fromkeys(cells, progress), metrics),
    }


FIGURES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "leaderboard": leaderboard_figure,
    "significance": significance_figure,
    "breakdowns": breakdown_figure,
    "curves": learning_curve_figure,
    "cost": cost_figure,
}
ONE, SOME, MANY = (1, 1, 1), (2, 3, 2), (5, 14, 2)


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_table_gives_the_same_json(name: str) -> None:
    text = FIGURES[name](tables(*SOME)[name]).to_json()
    assert text == FIGURES[name](tables(*SOME)[name].copy()).to_json()


@pytest.mark.parametrize("name", FIGURES)
def test_one_cell_and_many_are_drawn_in_full(name: str) -> None:
    """An axis may not hold what JSON cannot, and many panels make a higher figure."""
    few, many = (FIGURES[name](tables(*size)[name]).to_json() for size in (ONE, MANY))
    assert "NaN" not in few + many
    assert json.loads(many)["layout"]["height"] >= json.loads(few)["layout"]["height"] > 100
    trace_of_many = json.loads(many)["data"]
    assert len(trace_of_many) > len(json.loads(few)["data"])


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_measured_is_drawn_as_nothing(name: str) -> None:
    figure = FIGURES[name](tables(*ONE)[name].iloc[:0])
    assert len(figure.data) == 0
    assert len(figure.layout.annotations) >= 2  # the title and the line below it


def test_the_leaderboard_has_a_dot_a_cell_and_the_published_ones() -> None:
    figure = leaderboard_figure(tables(*SOME)["leaderboard"])
    drawn = [trace for trace in figure.data if trace.x != (None,)]
    assert sum(len(trace.x) for trace in drawn) == 2 * 3 * 2 + 2
    values = tables(*SOME)["leaderboard"].query("dataset == 'data-0' and protocol == 'standard'")
    first = next(trace for trace in drawn if trace.name == "standard")
    assert list(first.x) == values["value"].tolist()
    assert list(first.marker.color) == [colour(model) for model in values["model"]]
    assert [note.text for note in figure.layout.annotations][:2] == ["data-0", "data-1"]
    keys = [trace.name for trace in figure.data if trace.x == (None,)]
    assert keys == ["standard", "authors", "published by the authors", "published, independent"]


def test_the_best_model_stands_at_the_top() -> None:
    figure = leaderboard_figure(tables(*ONE)["leaderboard"].assign(model="only"))
    assert figure.layout.yaxis.ticktext == ("only",)
    rows = tables(*SOME)["leaderboard"].query("dataset == 'data-1'")
    names = leaderboard_figure(rows).layout.yaxis.ticktext
    assert names[-1] == rows.sort_values("value")["model"].iloc[-1]


def test_the_forest_shows_interval_and_verdict() -> None:
    rows = tables(*SOME)["significance"].query("dataset == 'data-0' and protocol == 'standard'")
    rows = rows[rows["metric"] == "NDCG@10"].assign(p_holm=[0.01, 0.2])
    (trace,) = significance_figure(rows).data
    ordered = rows.sort_values("difference")
    np.testing.assert_allclose(np.add(trace.x, trace.error_x.array), ordered["high"])
    np.testing.assert_allclose(np.subtract(trace.x, trace.error_x.arrayminus), ordered["low"])
    filled = dict(zip((row[0] for row in trace.customdata), trace.marker.symbol, strict=True))
    assert filled == dict(zip(rows["model"], ["circle", "circle-open"], strict=True))


@pytest.mark.parametrize("name", ["breakdowns", "curves"])
def test_the_menu_shows_one_data_set_and_protocol_at_a_time(name: str) -> None:
    figure = FIGURES[name](tables(*SOME)[name])
    buttons = figure.layout.updatemenus[0].buttons
    assert [button.label for button in buttons] == [
        f"data-{d}, {protocol}" for d in (0, 1) for protocol in ("authors", "standard")
    ]
    shown = np.array([button.args[0]["visible"] for button in buttons])
    assert shown.shape == (4, len(figure.data))
    assert (shown.sum(axis=0) == 1).all()
    assert [trace.visible for trace in figure.data] == shown[0].tolist()


@pytest.mark.parametrize("name", ["breakdowns", "curves"])
def test_every_model_is_in_the_legend_once(name: str) -> None:
    figure = FIGURES[name](tables(*SOME)[name])
    keys = [trace.name for trace in figure.data if trace.visible and trace.showlegend]
    assert keys == [*MODELS][:3]
    assert not FIGURES[name](tables(*ONE)[name]).layout.updatemenus


def test_the_kept_epoch_has_a_dot() -> None:
    figure = learning_curve_figure(tables(*ONE)["curves"])
    first = figure.data[0]
    assert list(first.x) == [1, 2, 3]
    assert list(first.y) == [3.0, 2.0, 1.0]
    assert list(first.marker.size) == [0, 7, 0]


def test_training_that_took_no_time_has_a_place_on_a_log_axis() -> None:
    (trace,) = cost_figure(tables(*ONE)["cost"]).data
    assert trace.x == (pytest.approx(1e-3),)
