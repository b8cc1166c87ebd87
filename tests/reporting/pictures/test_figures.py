"""What stands in the figures, of small tables by hand."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from seqrec.errors import SeqrecError
from seqrec.plotting.colours import colour
from seqrec.plotting.series import series
from seqrec.reporting import breakdowns
from seqrec.reporting.pictures import figures


def lines(figure: Any) -> dict[tuple[str, str], list[float]]:
    """The values of every line by the x axis of its panel and its name."""
    return {(line.xaxis or "x", line.name): list(line.y) for line in figure.data}


def in_legend(figure: Any) -> list[str]:
    return [line.name for line in figure.data if line.showlegend]


def spectrum(model: str, operators: tuple[str, ...]) -> pd.DataFrame:
    rows = [
        {"operator": operator, "block": block, "frequency": k / 4, "response": 1 / (k + block)}
        for operator in operators
        for block in (1, 2)
        for k in range(3)
    ]
    return pd.DataFrame(rows).assign(model=model, branch="all", gain=1.0)


SPECTRA = pd.concat(
    [spectrum("bsarec", ("attention", "mixed")), spectrum("sasrec", ("attention",))]
)


def test_spectra_stand_side_by_side_by_block() -> None:
    drawn = lines(figures.attention_spectrum(SPECTRA))
    assert set(drawn) == {
        *((axis, f"attention, block {block}") for axis in ("x", "x2") for block in (1, 2)),
        *(("x", f"mixed, block {block}") for block in (1, 2)),
    }
    assert drawn["x2", "attention, block 2"] == pytest.approx([1 / 2, 1 / 3, 1 / 4])


def test_a_reference_stands_in_every_panel_and_once_in_the_legend() -> None:
    past = pd.DataFrame({"frequency": [0, 0.5], "response": [1, 0.7], "gain": [1, 0.9]})
    figure = figures.attention_spectrum(SPECTRA, past)
    drawn = lines(figure)
    assert drawn["x", "mean of the past"] == drawn["x2", "mean of the past"] == [1, 0.7]
    assert sorted(in_legend(figure)) == sorted({name for _, name in drawn})


def test_the_filter_is_a_fan_a_block() -> None:
    statistics = ["mean", *(f"decile {decile}" for decile in range(1, 10))]
    rows = [
        {"block": block, "frequency": f, "statistic": name, "weight": block + number}
        for block in (1, 2)
        for f in (0.0, 0.5)
        for number, name in enumerate(statistics)
    ]
    drawn = lines(figures.learned_filter(pd.DataFrame(rows).assign(model="bsarec")))
    assert drawn["x", "mean"] == [1, 1]
    assert drawn["x2", "median"] == [7, 7]
    assert drawn["x2", "decile 1 to 9"] == [11, 11]


def test_singular_values_have_a_panel_a_depth() -> None:
    rows = [
        {"model": model, "branch": branch, "depth": depth, "index": i, "singular_value": 1 / i}
        for model, branch in (("sasrec", "all"), ("mqsa_ted", "short"), ("mqsa_ted", "long"))
        for depth in (0, 1)
        for i in (1, 2)
    ]
    figure = figures.singular_values(pd.DataFrame(rows))
    assert in_legend(figure) == ["sasrec", "mqsa_ted, short", "mqsa_ted, long"]
    assert lines(figure)["x2", "mqsa_ted, long"] == [1, 0.5]
    assert [note.text for note in figure.layout.annotations][:2] == ["embeddings", "block 1"]


def test_similarity_is_a_line_a_model() -> None:
    table = pd.DataFrame(
        {
            "model": ["bsarec", "bsarec", "sasrec", "sasrec"],
            "depth": [0, 1, 0, 1],
            "similarity": [0.1, 0.2, 0.3, 0.4],
            "deviation": [0.01, 0.02, 0.03, 0.04],
        }
    )
    figure = figures.similarity(table)
    assert lines(figure) == {("x", "bsarec"): [0.1, 0.2], ("x", "sasrec"): [0.3, 0.4]}
    assert list(figure.data[1].error_y.array) == [0.03, 0.04]


SETTING = {"dataset": "lastfm", "protocol": "standard", "model": "bsarec"}


def scores(values: list[Any], parameter: str = "c", **more: str) -> pd.DataFrame:
    rows = [
        {"parameter": parameter, "value": value, "seed": seed, "metric": "HR@10", "score": number}
        for value in values
        for seed, number in ((1, float(value)), (2, float(value) + 2))
    ]
    return pd.DataFrame(rows).assign(in_use=False, **SETTING | more)


def test_sensitivity_is_a_mean_over_seeds_in_the_order_of_the_values() -> None:
    (line,) = figures.sensitivity(scores([11, 3, 5])).data
    assert list(line.x) == ["3", "5", "11"]
    assert list(line.y) == [4, 6, 12]
    assert list(line.error_y.array) == pytest.approx([np.sqrt(2)] * 3)


def test_the_setting_in_use_is_ringed_whatever_type_it_has() -> None:
    table = scores([3, "5.0"])
    figure = figures.sensitivity(table.assign(in_use=table["value"] == "5.0"))
    ring = next(line for line in figure.data if line.name == "setting in use")
    assert (list(ring.x), list(ring.y)) == (["5"], [6])


def test_one_seed_has_no_deviation() -> None:
    (line,) = figures.sensitivity(scores([3, 5]).query("seed == 1")).data
    assert np.isnan(np.asarray(line.error_y.array, dtype=float)).all()


def test_parameters_are_columns_and_words_are_values() -> None:
    words = scores([1, 2], "contrast").replace({"value": {1: "us", 2: "un"}})
    figure = figures.sensitivity(pd.concat([scores([3]), words]))
    assert [note.text for note in figure.layout.annotations][:2] == ["c", "contrast"]
    by_panel = {line.xaxis: list(line.x) for line in figure.data}
    assert by_panel == {"x": ["3"], "x2": ["un", "us"]}
    assert list(figure.layout.xaxis2.categoryarray) == ["un", "us"]


def breakdown(dataset: str, model: str) -> pd.DataFrame:
    rows = [
        {"by": by, "group": group, "order": order, "metric": "HR@10", "value": order / 10}
        for by in (figures.TRANSITIONS, "target popularity")
        for order, group in ((2, "2 or more"), (0, "0"), (1, "1"))
    ]
    return pd.DataFrame(rows).assign(
        **SETTING | {"dataset": dataset, "model": model}, targets=1234, standard_error=0.01
    )


def test_transition_frequency_draws_its_own_rows_in_their_order() -> None:
    pairs = [(dataset, model) for dataset in ("beauty", "lastfm") for model in ("bsarec", "sasrec")]
    figure = figures.transition_frequency(pd.concat([breakdown(*pair) for pair in pairs]))
    assert len(figure.data) == 4
    assert in_legend(figure) == ["bsarec", "sasrec"]
    assert all(list(line.x) == ["0", "1", "2 or more"] for line in figure.data)
    assert lines(figure)["x2", "sasrec"] == [0, 0.1, 0.2]
    assert figure.data[0].text[0] == "1,234 targets"


def test_a_breakdown_by_something_else_is_one_clear_line() -> None:
    table = breakdown("beauty", "bsarec").query("by != 'transition frequency'")
    with pytest.raises(SeqrecError, match="by = 'transition frequency'") as caught:
        figures.transition_frequency(table)
    assert "\n" not in str(caught.value)


def test_the_breakdown_has_such_rows() -> None:
    assert figures.TRANSITIONS in {kind.name for kind in breakdowns.KINDS}


def test_an_empty_table_is_one_clear_line() -> None:
    with pytest.raises(SeqrecError, match="without rows") as caught:
        figures.similarity(pd.DataFrame({"model": [], "depth": []}))
    assert "\n" not in str(caught.value)


def test_lines_are_named_by_what_differs() -> None:
    table = pd.DataFrame({"protocol": ["authors", "standard"], "model": "bsarec", "branch": "all"})
    assert [line.name for line in series(table)] == ["authors", "standard"]
    assert [line.name for line in series(table.iloc[:1])] == ["bsarec"]


def test_a_model_has_its_colour_and_its_lines_differ_in_their_dashes() -> None:
    pairs = [("bsarec", "authors"), ("sasrec", "authors"), ("bsarec", "standard")]
    drawn = series(pd.DataFrame(pairs, columns=["model", "protocol"]))
    assert [line.line["color"] for line in drawn] == [colour(model) for model, _ in pairs]
    assert [line.line["dash"] for line in drawn] == ["solid", "solid", "dash"]


def test_the_same_table_gives_the_same_bytes() -> None:
    first, second = (figures.attention_spectrum(SPECTRA.copy()).to_json() for _ in range(2))
    assert first == second
