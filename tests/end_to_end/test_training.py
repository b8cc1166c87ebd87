"""The whole chain on the demo log: from one command to metrics, and on after a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from safetensors import safe_open

from tests.conftest import Kedro

CELL = "demo/bsarec/standard"
CHECKPOINT = f"data/06_models/{CELL}/checkpoint-models-42.safetensors"
OUTPUTS = (
    f"data/06_models/{CELL}/models/42/model.safetensors",
    f"data/07_model_output/{CELL}/ranks.parquet",
    f"data/07_model_output/{CELL}/metrics.json",
)
SHORT = ("run", "--env", "test")
LONGER = (*SHORT, "--params", "training.max_epochs=4")


def metrics(project: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project / OUTPUTS[2]).read_text())
    return found


def test_one_command_trains_and_evaluates(kedro: Kedro, project: Path) -> None:
    finished = kedro(*SHORT)
    assert finished.code == 0, finished.err
    assert "bsarec on demo, test split (protocol standard, seed 42)" in finished.out
    assert f"data/07_model_output/{CELL}" in finished.out
    assert not (project / CHECKPOINT).exists()
    test = metrics(project)["splits"]["test"]
    assert test["metrics"]["HR@10"]["value"] > 3 * popularity_hit_rate(project, cutoff=10)

    # Everybody gets a list, of what he has not had.
    lists = kedro("run", "--pipeline", "recommendation", "--params", "recommendation.k=3")
    assert lists.code == 0, lists.err
    found = pd.read_parquet(project / f"data/07_model_output/{CELL}/recommendations.parquet")
    users = pd.read_parquet(project / "data/05_model_input/demo/users.parquet")
    assert found["user_id"].unique().tolist() == users["user_id"].tolist()
    assert found["rank"].tolist() == [1, 2, 3] * len(users)
    had = pd.read_parquet(project / "data/03_primary/demo/core_interactions.parquet")
    assert found.merge(had, on=["user_id", "item_id"]).empty

    # A model that was trained on other sequences is refused.
    other = kedro("run", "--pipelines", "filtering,sequences", "--params", "filtering.item_core=80")
    assert other.code == 0, other.err
    refused = kedro(*SHORT, "--pipeline", "evaluation")
    assert "the data at hand were made with filtering.item_core=80, not 5; run with" in refused.err
    refused = kedro(*SHORT, "--pipeline", "evaluation", "--params", "filtering.item_core=80")
    assert refused.code == 1
    (line,) = refused.err.splitlines()
    assert "the model was trained on other data" in line


def test_what_was_told_otherwise_is_not_measured_as_if_it_had_been(
    kedro: Kedro, project: Path
) -> None:
    short = "training.max_epochs=1"
    assert kedro(*SHORT, "--params", short).code == 0
    before = (project / OUTPUTS[2]).read_bytes()
    for other in ("model_options.alpha=0.9", "training.learning_rate=0.5", "ted.weight=0.25"):
        refused = kedro(*SHORT, "--pipeline", "evaluation", "--params", f"{short},{other}")
        name, _, value = other.partition("=")
        (line,) = refused.err.splitlines()[-1:]
        assert refused.code == 1
        assert f"the model at hand was trained with {name}=" in line
        assert f", not {value}; run with {name}=" in line
    assert (project / OUTPUTS[2]).read_bytes() == before
    nothing = kedro(*SHORT, "--only-missing-outputs", "--params", "model_options.alpha=0.9")
    assert nothing.code == 0, nothing.err
    assert "nothing ran: the outputs of all 7 of 7 nodes were there" in nothing.out
    assert "HR" not in nothing.out
    (project / OUTPUTS[2]).unlink()
    some = kedro(*SHORT, "--only-missing-outputs", "--params", short)
    assert "the outputs of 6 of 7 nodes were there" in some.out
    assert "NDCG" in some.out


def test_a_killed_run_goes_on_and_ends_with_the_same_numbers(kedro: Kedro, project: Path) -> None:
    assert kedro(*LONGER).code == 0
    whole = [(project / name).read_bytes() for name in OUTPUTS]
    for name in OUTPUTS:
        (project / name).unlink()

    kill_in_the_second_epoch(project)
    with safe_open(project / CHECKPOINT, framework="np") as checkpoint:
        before = json.loads(checkpoint.metadata()["progress"])["history"]
    assert 1 <= len(before) < 4
    assert not (project / OUTPUTS[2]).exists()

    finished = kedro(*LONGER)
    assert finished.code == 0, finished.err
    assert [(project / name).read_bytes() for name in OUTPUTS] == whole
    # It went on, rather than start anew: the seconds measured before the kill still stand.
    progress = pd.read_csv(project / f"data/06_models/{CELL}/progress.csv")
    assert progress["seconds"][: len(before)].tolist() == [row["seconds"] for row in before]
    assert len(progress) == 4
    assert not (project / CHECKPOINT).exists()


def test_the_second_model_trains_with_the_distillation(
    kedro: Kedro, project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cell = "data/06_models/demo/mqsa_ted/standard"
    finished = kedro(*SHORT, "--params", "model=mqsa_ted,training.max_epochs=2")
    assert finished.code == 0, finished.err
    assert "mqsa_ted on demo, test split (protocol standard, seed 42)" in finished.out
    history = pq.read_table(project / f"{cell}/training_history.parquet")
    assert history.num_rows == 2
    assert {"loss", "items", "l2", "distillation"} <= set(history.column_names)

    # A graph that was counted otherwise than the distillation needs it is refused.
    wider = "model=mqsa_ted,ted.time_span=2,training.max_epochs=2"
    refused = kedro("run", "--pipeline", "training", "--env", "test", "--params", wider)
    assert refused.code == 1
    (line,) = refused.err.splitlines()
    assert "transition_graph does not hold the transitions" in line
    assert "time_span=2 and last_items=all" in line
    assert "kedro run --pipeline transitions" in line

    # And taken once it is counted so.
    again = kedro("run", "--pipelines", "transitions,training", "--env", "test", "--params", wider)
    assert again.code == 0, again.err
    assert "of demo/mqsa_ted/standard are of other models than lie there now" in caplog.text


def test_several_seeds_stand_beside_their_mean(kedro: Kedro, project: Path) -> None:
    finished = kedro(*SHORT, "--params", "seeds=7;8,training.max_epochs=1")
    assert finished.code == 0, finished.err
    assert "(protocol standard, seeds 7, 8)" in finished.out
    both = metrics(project)
    values = [
        both["by_seed"][seed]["splits"]["test"]["metrics"]["NDCG@10"]["value"] for seed in "78"
    ]
    together = both["splits"]["test"]["metrics"]["NDCG@10"]
    assert together["value"] == pytest.approx(np.mean(values), rel=1e-12)
    assert together["deviation"] == pytest.approx(np.std(values, ddof=1), rel=1e-12)
    assert values[0] != values[1]
    scores = json.loads((project / f"data/07_model_output/{CELL}/scores.json").read_text())
    assert scores["test"]["NDCG@10"] == together["value"]
    assert scores["deviation"]["NDCG@10"] == together["deviation"]

    # Each seed is what it is alone, and one of them is evaluated alone.
    measure = (*SHORT, "--pipeline", "evaluation", "--params")
    assert kedro(*measure, "seed=8,training.max_epochs=1").code == 0
    alone = metrics(project)["splits"]["test"]["metrics"]["NDCG@10"]
    assert (alone["value"], alone["deviation"]) == (values[1], None)
    absent = kedro(*measure, "seed=9,training.max_epochs=1")
    assert absent.code == 1
    assert "the models at hand were trained with seeds=7, 8, none with 9" in absent.err


def test_the_distillation_goes_with_the_first_model_too(kedro: Kedro, project: Path) -> None:
    finished = kedro(*SHORT, "--params", "ted.weight=0.1,training.max_epochs=2")
    assert finished.code == 0, finished.err
    history = pq.read_table(project / f"data/06_models/{CELL}/training_history.parquet")
    assert "distillation" in history.column_names
    first, last = history["loss"].to_pylist()
    assert last < first


def kill_in_the_second_epoch(project: Path) -> None:
    """Start the run in a process of its own and kill it soon after its first checkpoint."""
    with subprocess.Popen(
        [sys.executable, "-m", "kedro", *LONGER],
        cwd=project,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while not (project / CHECKPOINT).exists():
            assert process.poll() is None, "the run ended before its first checkpoint"
            time.sleep(0.02)
        time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)


def popularity_hit_rate(project: Path, cutoff: int) -> float:
    """HR@cutoff of the items' popularity in the training part, seen items left out."""
    table = pq.read_table(project / "data/05_model_input/demo/sequences.parquet")
    items, users = (table[name].to_numpy() for name in ("item_index", "user_index"))
    split = np.array(pc.cast(table["split"], "string").to_pylist())
    popularity = np.bincount(items[split == "train"], minlength=items.max() + 1)
    hits = []
    for user in np.unique(users):
        own = users == user
        target = items[own & (split == "test")][0]
        scores = popularity.astype(float)
        scores[items[own & (split != "test")]] = -1
        scores[0] = -1
        hits.append(scores[target] >= 0 and (scores > scores[target]).sum() < cutoff)
    return float(np.mean(hits))
