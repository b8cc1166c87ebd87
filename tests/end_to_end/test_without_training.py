"""The models without training, from one command to metrics."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from seqrec.models import COUNTING_MODELS, counting_class
from tests.conftest import Kedro


@pytest.mark.parametrize("model", COUNTING_MODELS)
def test_one_command_counts_and_evaluates(model: str, kedro: Kedro, project: Path) -> None:
    is_tuned = getattr(counting_class(model).Config, "trials", 1) > 1
    trials = ",model_options.trials=3" if is_tuned else ""
    finished = kedro("run", "--env", "test", "--params", f"model={model}{trials}")
    assert finished.code == 0, finished.err
    assert f"{model} on demo, test split (protocol standard, seed 42)" in finished.out
    folder = project / "data/06_models/demo" / model / "standard"
    history = pq.read_table(folder / "training_history.parquet")
    assert len(history) == (3 if trials else 1)
    assert {"seed", "trial", "NDCG@20"} <= set(history.column_names)
    config = json.loads((folder / "models/42/config.json").read_text())
    metrics = json.loads(
        (project / f"data/07_model_output/demo/{model}/standard/metrics.json").read_text()
    )
    valid = metrics["splits"]["valid"]["metrics"]["NDCG@20"]["value"]
    assert valid == pytest.approx(config["best_value"], abs=1e-9)
    best = max(history.to_pylist(), key=lambda row: row["NDCG@20"])
    assert config["options"] == {**config["options"], **{k: best[k] for k in tuned(best)}}

    # A model at hand is evaluated again, to the same figures.
    same = f"model={model}{trials}"
    again = kedro("run", "--pipeline", "evaluation", "--env", "test", "--params", same)
    assert again.code == 0, again.err
    path = project / f"data/07_model_output/demo/{model}/standard/metrics.json"
    assert json.loads(path.read_text()) == metrics


def tuned(row: dict[str, float]) -> set[str]:
    return set(row) - {"seed", "trial", "NDCG@20", "HR@10", "NDCG@10"}


def test_the_authors_protocol_ranks_by_its_own_rules(kedro: Kedro, project: Path) -> None:
    finished = kedro(
        *("run", "--env", "test", "--params"),
        "model=hybrid,protocol=authors,model_options.trials=2",
    )
    assert finished.code == 0, finished.err
    metrics = json.loads(
        (project / "data/07_model_output/demo/hybrid/authors/metrics.json").read_text()
    )
    assert metrics["seen_items"] == "score 0"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("ted.weight=0.1", "parameter ted.weight=0.1 means nothing to model 'hybrid'"),
        ("training.max_epochs=5", "parameter training.max_epochs=5 means nothing"),
        ("training.loss=bce", "parameter training.loss=bce means nothing"),
        ("model_options.windw=3", "did you mean 'model_options.window'"),
        ("training.monitor=NDGC@20", "unknown metric 'NDGC'"),
    ],
)
def test_what_would_be_ignored_is_refused_before_the_run(
    given: str, said: str, kedro: Kedro, project: Path
) -> None:
    finished = kedro("run", "--env", "test", "--params", f"model=hybrid,{given}")
    assert finished.code == 1
    (line,) = finished.err.splitlines()
    assert said in line
    assert not (project / "data/02_intermediate").exists()
