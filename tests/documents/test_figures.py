"""The figures of the README's table of models are those of the results book."""

import csv
import re

from seqrec.models import COUNTING_MODELS, MODELS
from tests.conftest import ROOT

ROW = re.compile(r"^\| `(\w+)` \|.*\| ([\d.]+|not run) \| (\d*) ?\|$", flags=re.MULTILINE)


ALL_MODELS = MODELS | COUNTING_MODELS


def of_the_readme() -> dict[str, tuple[str, str]]:
    """NDCG@10 and the number of seeds, by model, as the table has them."""
    return {model: (value, seeds) for model, value, seeds in ROW.findall(readme())}


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def of_the_book() -> dict[str, tuple[str, str]]:
    with (ROOT / "docs/results/leaderboard.csv").open(encoding="utf-8") as file:
        return {
            row["model"]: (f"{float(row['value']):.4f}", row["seeds"])
            for row in csv.DictReader(file)
            if (row["dataset"], row["protocol"], row["metric"]) == ("lastfm", "standard", "NDCG@10")
        }


def test_every_model_has_a_row() -> None:
    assert of_the_readme().keys() == ALL_MODELS.keys()


def test_figures_are_those_of_the_book() -> None:
    book = of_the_book()
    expected = {model: book.get(model, ("not run", "")) for model in ALL_MODELS}
    assert of_the_readme() == expected


def test_the_readme_is_short() -> None:
    assert len(readme().splitlines()) <= 150
