"""The results book of two models on the demo, and what stops it."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.io as pio
import pytest

from tests.conftest import Finished, Kedro

BOOK = Path("data/08_reporting/book")
CHAIN = ("run", "--env", "test", "--params")
MADE = ("seeds=7;8", "model=markov,model_options.window=1")
PAGES = ("leaderboard", "significance", "breakdowns")
FROM_MODELS = ("attention_spectrum", "learned_filter", "singular_values", "similarity")
PLOTS = (
    *PAGES,
    "glance",
    "learning_curves",
    "cost",
    "transition_frequency",
    "sensitivity",
    *FROM_MODELS,
)
TARGETS = 1783


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test leaves the trained models for the others."""
    return tmp_path_factory.mktemp("trained") / "data"


@pytest.fixture
def trained(kedro: Kedro, project: Path, kept: Path) -> Path:
    """A project with two seeds of BSARec and the transitions, on the demo."""
    if kept.exists():
        shutil.copytree(kept, project / "data", dirs_exist_ok=True)
        return project
    for params in MADE:
        finished = kedro(*CHAIN, params)
        assert finished.code == 0, finished.err
    shutil.copytree(project / "data", kept)
    return project


def report(kedro: Kedro, params: str = "") -> Finished:
    few = "reporting.resamples=100,reporting.histories=16"
    return kedro("run", "--pipeline", "reporting", "--params", f"{few},{params}".rstrip(","))


def refused(kedro: Kedro, params: str) -> str:
    """Return the line that a report ends with."""
    finished = report(kedro, params)
    assert finished.code == 1
    assert "Traceback" not in finished.err
    (line,) = [line for line in finished.err.splitlines() if line.startswith("error: ")]
    return line


def metrics(model: str) -> dict[str, Any]:
    path = Path(f"data/07_model_output/demo/{model}/standard/metrics.json")
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def records(table: pd.DataFrame) -> Iterator[Any]:
    return iter(table.itertuples())


def words(name: str) -> list[str]:
    """Return what is written in a figure beside its axes."""
    figure = pio.from_json((BOOK / f"{name}_plot.json").read_text())
    return [note.text for note in figure.layout.annotations]


def lines(name: str) -> set[str]:
    """Return the names of a figure's lines."""
    return {line.name for line in pio.from_json((BOOK / f"{name}_plot.json").read_text()).data}


@pytest.fixture
def book(kedro: Kedro, trained: Path) -> Path:
    """The book of the two models, the pictures of the one that is trained."""
    finished = report(kedro, "reporting.pictures=bsarec")
    assert finished.code == 0, finished.err
    assert "leaderboard.csv, leaderboard.md, leaderboard.tex, leaderboard_plot.json" in finished.out
    return trained / BOOK


def test_the_book_says_what_the_cells_hold(book: Path) -> None:
    made = {path.name for path in book.iterdir()}
    tables = {f"{name}.csv" for name in (*PAGES, "learning_curves", "cost")}
    pages = {f"{name}.{form}" for name in PAGES for form in ("md", "tex")}
    assert made == tables | pages | {f"{name}_plot.json" for name in PLOTS}
    for name in PLOTS:
        assert pio.from_json((book / f"{name}_plot.json").read_text()).layout.height > 0

    check_leaderboard(pd.read_csv(book / "leaderboard.csv"))
    check_significance(pd.read_csv(book / "significance.csv"))
    check_breakdowns(pd.read_csv(book / "breakdowns.csv"))
    check_curves(pd.read_csv(book / "learning_curves.csv"), pd.read_csv(book / "cost.csv"))
    check_pages(book)
    assert lines("learning_curves") == {"bsarec"}
    assert lines("transition_frequency") == {"bsarec"}
    for name in FROM_MODELS:
        assert lines(name)
    assert words("sensitivity") == ["nothing was varied yet: kedro run --pipeline sensitivity"]


def check_leaderboard(table: pd.DataFrame) -> None:
    """Every value is that of metrics.json; the best one of each metric is marked."""
    assert set(table["model"]) == {"bsarec", "markov"}
    assert set(table["targets"]) == {TARGETS}
    for row in records(table):
        measured = metrics(row.model)["splits"]["test"]["metrics"][row.metric]
        assert row.value == measured["value"]
        assert row.standard_error == measured["standard_error"]
    seeds = table.drop_duplicates("model").set_index("model")["seeds"]
    assert seeds.to_dict() == {"bsarec": 2, "markov": 1}
    assert table.loc[table["model"] == "bsarec", "deviation"].notna().all()
    assert table.loc[table["model"] == "markov", "deviation"].isna().all()
    best = table.loc[table.groupby("metric")["value"].idxmax()]
    assert set(best.index) == set(table.index[table["best"]])


def check_significance(table: pd.DataFrame) -> None:
    """The model is compared with the reference, which is the best in validation."""
    in_validation = {
        model: metrics(model)["splits"]["valid"]["metrics"]["NDCG@10"]["value"]
        for model in ("bsarec", "markov")
    }
    reference = max(in_validation, key=lambda model: in_validation[model])
    assert set(table["reference"]) == {reference}
    assert table["metric"].tolist() == ["HR@10", "NDCG@10"]
    for row in records(table):
        mine, theirs = (
            metrics(model)["splits"]["test"]["metrics"][row.metric]["value"]
            for model in (row.model, reference)
        )
        assert row.difference == pytest.approx(mine - theirs, abs=1e-12)
        assert row.low < row.difference < row.high
        assert row.users == TARGETS


def check_breakdowns(table: pd.DataFrame) -> None:
    """The groups of each kind part all targets, and their mean is the whole's."""
    assert table["by"].nunique() == 4
    for (model, _, metric), rows in table.groupby(["model", "by", "metric"]):
        assert rows["targets"].sum() == TARGETS
        whole = metrics(str(model))["splits"]["test"]["metrics"][metric]["value"]
        together = (rows["value"] * rows["targets"]).sum() / TARGETS
        assert together == pytest.approx(whole, rel=1e-9)


def check_curves(curves: pd.DataFrame, cost: pd.DataFrame) -> None:
    """A row an epoch, seed and metric, the epochs kept marked; and what they cost."""
    assert len(curves) == 2 * 2 * 3
    kept = curves[curves["best"]].drop_duplicates("seed").set_index("seed")["epoch"]
    by_seed = metrics("bsarec")["by_seed"]
    assert kept.to_dict() == {int(seed): by_seed[seed]["best_epoch"] for seed in by_seed}
    progress = pd.read_csv("data/06_models/demo/bsarec/standard/progress.csv")
    kept_rows = progress[progress["epoch"] <= progress["seed"].map(kept)]
    seconds = cost.set_index("model")["seconds"]
    assert seconds["bsarec"] == pytest.approx(kept_rows["seconds"].sum() / 2)


def check_pages(book: Path) -> None:
    """Pages to read name the models, and the LaTeX is whole."""
    leaderboard = (book / "leaderboard.md").read_text()
    assert re.search(r"^\| bsarec \| 2 \| .* ± ", leaderboard, re.MULTILINE)
    assert re.search(r"^\| markov \| 1 \| \*\*0\.", leaderboard, re.MULTILINE)
    for name in PAGES:
        page, latex = ((book / f"{name}.{form}").read_text() for form in ("md", "tex"))
        assert "\n## demo\n" in page
        assert "bsarec" in page
        assert "bsarec" in latex
        opened, closed = (re.findall(rf"\\{word}{{(\w+)}}", latex) for word in ("begin", "end"))
        assert opened == ["table", "tabular"] * (len(opened) // 2)
        assert closed == ["tabular", "table"] * (len(closed) // 2)
        assert len(opened) == len(closed) > 0
        without = re.sub(r"\\[{}]", "", latex)
        assert without.count("{") == without.count("}")
        assert_rows_are_whole(latex)


def assert_rows_are_whole(latex: str) -> None:
    """Every row of a table has as many places as its head says."""
    for columns, body in re.findall(
        r"\\begin{tabular}{(\w+)}(.*?)\\end{tabular}", latex, re.DOTALL
    ):
        rows = re.findall(r"^(.*) \\\\$", body, re.MULTILINE)
        assert len(rows) > 1
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(columns)}


def test_without_results_it_says_what_to_run(kedro: Kedro, project: Path) -> None:
    line = refused(kedro, "")
    assert "data/07_model_output" in line
    assert "kedro run --pipeline evaluation" in line
    assert not (project / BOOK).exists()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ("reporting.metrics=NDGC@10", "unknown metric 'NDGC'; did you mean 'NDCG'?"),
        ("reporting.metrics=HR10", "metric 'HR10' is not of the form NAME@k"),
        ("reporting.pictures=markov", "model 'markov' in reporting.pictures has no attention"),
        ("reporting.pictures=bsrec", "did you mean 'bsarec'?"),
        ("reporting.picture=bsarec", "did you mean 'reporting.pictures'?"),
        ("reporting.resamples=5", "parameter reporting.resamples: input should be greater"),
    ],
)
def test_a_wrong_wish_is_refused_before_anything_runs(
    params: str, message: str, kedro: Kedro, trained: Path
) -> None:
    assert message in refused(kedro, params)
    assert not (trained / BOOK).exists()


def test_a_reference_without_results_is_named(kedro: Kedro, trained: Path) -> None:
    line = refused(kedro, "reporting.reference=hybrid")
    assert "the reference model 'hybrid' has no results on demo under protocol standard" in line


def test_a_reference_of_choice_and_other_metrics(
    kedro: Kedro, trained: Path, caplog: pytest.LogCaptureFixture
) -> None:
    finished = report(kedro, "reporting.reference=bsarec,reporting.metrics=MRR@20;HR@1;MRR@20")
    assert finished.code == 0, finished.err
    assert "no pictures of sasrec_ce, mqsa_ted: not trained on demo under standard" in caplog.text
    table = pd.read_csv(trained / BOOK / "significance.csv")
    assert table["metric"].tolist() == ["MRR@20", "HR@1"]
    assert set(table["reference"]) == {"bsarec"}
    assert set(table["model"]) == {"markov"}
    pd.testing.assert_series_equal(table["p_holm"], table["p"], check_names=False)
    assert set(pd.read_csv(trained / BOOK / "cost.csv")["metric"]) == {"HR@1"}


def test_a_cutoff_that_was_not_measured_is_named(kedro: Kedro, trained: Path) -> None:
    assert "has no NDCG@7; add its cutoff to evaluation.cutoffs" in refused(
        kedro, "reporting.metrics=NDCG@7"
    )


def test_pictures_without_a_trained_model_say_so(
    kedro: Kedro, trained: Path, caplog: pytest.LogCaptureFixture
) -> None:
    finished = report(kedro, "reporting.pictures=sasrec;duorec")
    assert finished.code == 0, finished.err
    message = "sasrec, duorec: not trained on demo under standard (reporting.pictures)"
    assert message in caplog.text
    for name in FROM_MODELS:
        assert words(name) == [message]


def test_one_model_alone_has_a_book_too(kedro: Kedro, trained: Path) -> None:
    for layer in ("06_models", "07_model_output"):
        shutil.rmtree(trained / "data" / layer / "demo/bsarec")
    finished = report(kedro)
    assert finished.code == 0, finished.err
    assert pd.read_csv(trained / BOOK / "significance.csv").empty
    assert pd.read_csv(trained / BOOK / "learning_curves.csv").empty
    assert "Nothing to show" in (trained / BOOK / "significance.md").read_text()
    assert set(pd.read_csv(trained / BOOK / "leaderboard.csv")["model"]) == {"markov"}
