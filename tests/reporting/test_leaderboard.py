"""The long table of all cells, and published figures."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from seqrec.cell import Cell
from seqrec.errors import SeqrecError
from seqrec.models import COUNTING_MODELS, MODELS
from seqrec.reporting.leaderboard import (
    check_measured,
    leaderboard,
    of_as_many_targets,
    published_table,
)
from tests.reporting.examples import A, B, metrics_file

PUBLISHED: list[dict[str, Any]] = [
    {"model": "a", "source": "authors", "figures": {"tiny": {"HR@10": 0.3}}},
    {
        "model": "a",
        "source": "independent",
        "seeds": 5,
        "note": "tuned",
        "figures": {"tiny": {"HR@10": 0.2, "NDCG@10": 0.1}, "other": {"HR@10": 0.9}},
    },
]


def test_a_row_a_cell_and_metric() -> None:
    table = leaderboard(
        {
            B: metrics_file(B, {"HR@10": 0.4, "NDCG@10": 0.2}, seeds=(1, 2)),
            A: metrics_file(A, {"HR@10": 0.5, "NDCG@10": 0.1}),
        },
        published_table(PUBLISHED),
    )
    assert table[["model", "metric"]].to_numpy().tolist() == [
        ["a", "HR@10"],
        ["a", "NDCG@10"],
        ["b", "HR@10"],
        ["b", "NDCG@10"],
    ]
    assert table["value"].tolist() == [0.5, 0.1, 0.4, 0.2]
    assert table["best"].tolist() == [True, False, False, True]
    assert table["seeds"].tolist() == [1, 1, 2, 2]
    assert table["deviation"].isna().tolist() == [True, True, False, False]
    assert table["published_authors"].fillna(-1).tolist() == [0.3, -1, -1, -1]
    assert table["published_independent"].fillna(-1).tolist() == [0.2, 0.1, -1, -1]
    assert set(table["targets"]) == {1234}


def test_the_best_is_of_one_data_set_and_protocol() -> None:
    cells = [A, Cell("tiny", "a", "authors"), Cell("other", "a", "standard")]
    values = {cell: metrics_file(cell, {"HR@10": 0.1 * n}) for n, cell in enumerate(cells)}
    assert leaderboard(values)["best"].all()


def test_models_ranked_under_different_seen_items_are_not_compared() -> None:
    cells = {cell: metrics_file(cell, {"HR@10": 0.5}) for cell in (A, B)}
    check_measured(cells, ["HR@10"], None)
    cells[B]["seen_items"] = "keep"
    with pytest.raises(SeqrecError, match=r"tiny/a/\S+ .*=exclude, tiny/b/\S+ with keep; evaluate"):
        check_measured(cells, ["HR@10"], None)
    others = {Cell("tiny", cell.model, "authors"): content for cell, content in cells.items()}
    check_measured(others, ["HR@10"], None)  # each by the rule of its own paper
    elsewhere = {A: cells[A], Cell("other", "b", "standard"): cells[B]}
    check_measured(elsewhere, ["HR@10"], None)


def test_published_figures_are_a_long_table() -> None:
    table = published_table(PUBLISHED)
    assert table[["dataset", "source", "metric", "value"]].to_numpy().tolist() == [
        ["tiny", "authors", "HR@10", 0.3],
        ["tiny", "independent", "HR@10", 0.2],
        ["tiny", "independent", "NDCG@10", 0.1],
        ["other", "independent", "HR@10", 0.9],
    ]
    assert table["seeds"].isna().tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": "hearsay"}, "published.0.source"),
        ({"figures": {"tiny": {"HR@10": 30.0}}}, "published.0.figures.tiny.HR@10"),
        ({"figures": {"tiny": {"Recall": 0.3}}}, "write NDCG@20"),
        ({"sede": 3}, r"published.0.sede.*did you mean 'published.0.seeds'"),
    ],
)
def test_wrong_published_figures_are_one_line(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SeqrecError, match=message) as error:
        published_table([PUBLISHED[0] | change])
    assert "\n" not in str(error.value)


def test_two_values_of_one_source_are_refused() -> None:
    with pytest.raises(SeqrecError, match=r"two values of HR@10 for a on tiny from authors"):
        published_table([PUBLISHED[0], PUBLISHED[0]])


def test_without_published_figures_the_columns_are_empty() -> None:
    table = leaderboard({A: metrics_file(A, {"HR@10": 0.5})}, published_table([]))
    assert pd.isna(table["published_authors"]).all()


def test_figures_of_another_split_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    published = published_table(PUBLISHED)
    cells = {A: metrics_file(A, {"HR@10": 0.5})}  # of 1,234 targets
    with caplog.at_level("INFO", logger="seqrec"):
        assert of_as_many_targets(published, {"tiny": 1234, "other": 3}, cells).equals(published)
        assert of_as_many_targets(published, {}, cells).equals(published)
        assert not caplog.messages
        kept = of_as_many_targets(published, {"tiny": 1000}, cells)
    assert set(kept["dataset"]) == {"other"}
    assert caplog.messages == [
        "published figures of tiny are left out: they are of 1,000 test targets, here are 1,234"
    ]
    assert pd.isna(leaderboard(cells, kept)["published_authors"]).all()


def test_a_number_of_targets_that_is_none_is_one_line() -> None:
    with pytest.raises(SeqrecError, match=r"targets\.tiny") as error:
        of_as_many_targets(published_table(PUBLISHED), {"tiny": "many"}, {})  # type: ignore[dict-item]
    assert "\n" not in str(error.value)


def test_the_published_figures_of_the_project() -> None:
    conf = Path(__file__).parents[2] / "conf/base"
    (path,) = conf.rglob("published.yml")
    content = yaml.safe_load(path.read_text())
    table = published_table(content["published"])
    assert set(content["targets"]) == set(table["dataset"])
    bsarec = table.query("dataset == 'beauty' and model == 'bsarec' and metric == 'NDCG@10'")
    assert bsarec[["source", "seeds", "value"]].to_numpy().tolist() == [
        ["authors", 1, 0.0611],
        ["independent", 5, 0.0610],
    ]
    of_sets = {path.stem for path in (conf / "parameters/datasets").iterdir()}
    assert set(table["dataset"]) <= of_sets
    assert set(table["model"]) <= {*MODELS, *COUNTING_MODELS, "tv_rec"}
