"""``seqrec estimate``: on data that are there, and on data of a size by hand."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from seqrec.batches import Sequences
from seqrec.commands import cli
from seqrec.errors import SeqrecError
from seqrec.estimates import trial
from seqrec.estimates.made_log import made_rows, made_sequences
from tests.conftest import ROOT, Kedro
from tests.documents.transcripts import blocks_of

PAGE, ESTIMATED = ROOT / "docs/train.md", "$ seqrec estimate"
SIZES = "users=300,items=120,interactions=3000"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "ENOUGH_SECONDS", 0.1)


def estimate(params: str, *more: str) -> tuple[int, str]:
    ended = CliRunner().invoke(cli, ["estimate", "--env", "test", "--params", params, *more])
    return ended.exit_code, ended.output


def without_figures(text: str) -> list[list[str]]:
    """The words of each line but the command: numbers, and the units after them, are one sign."""
    figures = re.sub(r"[\d.,]+( (?:s|ms|min|h|kB|MB|GB)\b)?", "#", text)
    return [line.split() for line in figures.splitlines() if not line.startswith("$ ")]


@pytest.mark.parametrize("sizes", [(300, 120, 3000), (50, 2000, 500), (7, 3, 23)])
def test_made_logs_have_the_sizes_asked_for(sizes: tuple[int, int, int]) -> None:
    users, items, interactions = sizes
    table = made_sequences(users, items, interactions)
    log = Sequences.from_table(table, items)
    assert (log.num_users, len(log.items)) == (users, interactions)
    assert len(np.unique(log.items)) == min(items, interactions)
    assert np.diff(log.offsets).min() >= min(5, interactions // users)
    assert np.bincount(log.split).tolist() == [interactions - 2 * users, users, users]
    rows = made_rows(users, items, interactions)
    assert len(rows) == interactions
    assert len(rows["user_id"].unique()) == users
    assert len(rows["item_id"].unique()) == min(items, interactions)


def test_a_log_of_too_few_interactions_is_refused() -> None:
    with pytest.raises(SeqrecError, match="fewer than three for each of users=10"):
        made_sequences(10, 5, 29)


@pytest.mark.parametrize(
    "model", ["bsarec", pytest.param("mqsa_ted", marks=pytest.mark.slow), "hybrid"]
)
def test_data_by_hand(model: str, project: Path) -> None:
    figures = project / "figures.json"
    code, said = estimate(f"model={model},{SIZES}", "--json", str(figures))
    assert code == 0, said
    found = json.loads(figures.read_text())
    assert found["sizes"] == {"users": 300, "items": 120, "interactions": 3000}
    training = found["training"]
    rounds = training["training"] + training["validation"]
    whole = found["starting"] + training["preparing"] + training["evaluation"]
    assert found["most_seconds"] == pytest.approx(whole + training["most"] * rounds)
    assert training["usual"] <= training["most"]
    assert 1e8 < training["memory"] < 4e9
    assert found["data"]["seconds"] > 0
    assert "(made up)" in said
    assert not (project / "data/06_models").exists()


@pytest.mark.parametrize(
    ("sizes", "told"),
    [("users=100,items=1000,interactions=500", False), ("users=3,items=4,interactions=15", True)],
)
def test_odd_sizes(sizes: str, *, told: bool, project: Path) -> None:
    """Where every user has five interactions with other items a 5-core is empty."""
    code, said = estimate(f"model=sasrec,seeds=1;2,{sizes}")
    assert code == 0, said
    assert ("not told" in said) or told
    assert "2 seeds" in said


def test_data_that_are_there(kedro: Kedro, project: Path) -> None:
    code, said = estimate("model=sasrec")
    assert code == 1
    assert "prepare the data" in said
    chain = "ingestion,filtering,sequences,transitions"
    assert kedro("run", "--env", "test", "--pipelines", chain).code == 0
    code, said = estimate("model=sasrec")
    assert code == 0, said
    assert "made up" not in said
    (page,) = (block for block in blocks_of(PAGE.read_text()) if ESTIMATED in block.text)
    assert without_figures(said) == without_figures(page.text.replace("mqsa_ted", "sasrec"))


@pytest.mark.parametrize(
    ("params", "line"),
    [
        ("users=5", "sizes are whole numbers, all three"),
        (f"{SIZES},users=0", "sizes are whole numbers"),
        (f"{SIZES},modle=bsarec", "unknown parameter 'modle'"),
        ("users", "is no KEY=VALUE"),
        (f"{SIZES},training.processes=2", "an estimate is of one process"),
        ("users=9,items=9,interactions=900000000000", "cpu has"),
        ("users=9,items=9,interactions=900000000000,model=hybrid", "making up so many takes"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(params: str, line: str, project: Path) -> None:
    code, said = estimate(params)
    assert code == 1
    assert line in said
    assert said.startswith("error: ")
    assert len(said.splitlines()) == 1
