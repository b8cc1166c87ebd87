"""The first pages, the README and the site's home: their figures are those of the results book, the
steps in their picture those of a run."""

import csv
import re
from functools import cache
from xml.etree import ElementTree

import pytest
from kedro.framework.project import configure_project

from seqrec.models import COUNTING_MODELS, MODELS
from seqrec.pipeline_registry import register_pipelines
from tests.conftest import ROOT

SVG = "{http://www.w3.org/2000/svg}"
HOME = ("seer", "mqsa_ted", "hybrid", "popularity")
"""The columns of the table at home."""
ROW = re.compile(r"^\| `(\w+)` \|.*\| ([\d.]+|not run) \| (\d*) ?\|$", flags=re.MULTILINE)


ALL_MODELS = MODELS | COUNTING_MODELS


def of_the_readme() -> dict[str, tuple[str, str]]:
    """NDCG@10 and the number of seeds, by model, as the table has them."""
    return {model: (value, seeds) for model, value, seeds in ROW.findall(readme())}


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


@cache
def of_the_book(dataset: str) -> dict[str, dict[str, str]]:
    """NDCG@10 under `standard`, a row a model."""
    measure = (dataset, "standard", "NDCG@10")
    with (ROOT / "docs/results/leaderboard.csv").open(encoding="utf-8") as file:
        return {
            row["model"]: {**row, "value": f"{float(row['value']):.4f}"}
            for row in csv.DictReader(file)
            if (row["dataset"], row["protocol"], row["metric"]) == measure
        }


def test_every_model_has_a_row() -> None:
    assert of_the_readme().keys() == ALL_MODELS.keys()


def test_figures_are_those_of_the_book() -> None:
    book = {model: (row["value"], row["seeds"]) for model, row in of_the_book("lastfm").items()}
    expected = {model: book.get(model, ("not run", "")) for model in ALL_MODELS}
    assert of_the_readme() == expected


def test_the_readme_is_short() -> None:
    assert len(readme().splitlines()) <= 150


@pytest.mark.parametrize("name", ["Beauty", "Sports", "Yelp", "ML-1M", "LastFM"])
def test_the_table_at_home_is_of_the_book(name: str) -> None:
    home = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    (row,) = (line for line in home.splitlines() if line.startswith(f"| {name} |"))
    book = of_the_book(name.lower())
    cells = (f"{book[m]['value']} ({book[m]['seeds']})" if m in book else "not run" for m in HOME)
    users = f"{int(book['seer']['targets']):,}"
    assert row == f"| {' | '.join((name, users, *cells))} |"


def test_the_picture_has_the_steps_of_a_run_in_their_order() -> None:
    configure_project("seqrec")
    picture = ElementTree.parse(ROOT / "docs/images/steps.svg").getroot()
    names = [text.text for text in picture.iter(f"{SVG}text") if text.get("font-family")]
    assert names == [node.name for node in register_pipelines()["__default__"].nodes]
