"""From a search to a run that uses its winner, and a sensitivity analysis, each by one command."""

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from tests.conftest import Finished, Kedro

TUNED = Path("data/08_reporting/tuning/demo/bsarec/standard")
SIZES = "model_options.dim=16,model_options.max_len=10"
SMALL = f"training.max_epochs=2,training.batch_size=512,{SIZES}"
DATA = ("run", "--pipelines", "ingestion,filtering,sequences,transitions")
OUTPUTS = ("tuning_history.parquet", "tuning_plot.json", "parameters.yml")


def tune(kedro: Kedro, params: str) -> Finished:
    return kedro("run", "--pipeline", "tuning", "--params", f"{SMALL},{params}")


def used_by_a_run(kedro: Kedro) -> dict[str, Any]:
    finished = kedro("run", "--pipeline", "training", "--params", f"{SMALL},seeds=42")
    assert finished.code == 0, finished.err
    folder = Path("data/06_models/demo/bsarec/standard/models/42")
    options: dict[str, Any] = json.loads((folder / "config.json").read_text())["options"]
    return options


def test_the_winner_is_used_once_it_is_copied(kedro: Kedro, project: Path) -> None:
    assert kedro(*DATA).code == 0
    finished = tune(kedro, "tuning.trials=2")
    assert finished.code == 0, finished.err
    history = pq.read_table(TUNED / "tuning_history.parquet").to_pylist()
    assert [row["trial"] for row in history] == [1, 2]
    best = max(history, key=lambda row: row["value"])
    winner = yaml.safe_load((TUNED / "parameters.yml").read_text())
    block = winner["bsarec"]["datasets"]["demo"]["protocols"]["standard"]
    assert block["model_options"]["alpha"] == best["model_options.alpha"]
    assert json.loads((TUNED / "tuning_plot.json").read_text())["data"]

    # Not in use yet: a run takes what it took before.
    before = used_by_a_run(kedro)
    assert before["alpha"] == history[0]["model_options.alpha"]

    # The line that was printed puts it to use; here with a value that no default has.
    text = (TUNED / "parameters.yml").read_text()
    (TUNED / "parameters.yml").write_text(re.sub(r"alpha: .*", "alpha: 0.123", text, count=1))
    (command,) = re.findall(r"#   (cp .*)", text)
    _, source, target = shlex.split(command)
    assert target == "conf/local/parameters_bsarec_demo_standard.yml"
    # Beside the winner under the other protocol, which a run under this one leaves alone.
    other = re.sub(r"alpha: .*", "alpha: 0.456", text.replace("standard:", "authors:"), count=1)
    Path(target.replace("standard", "authors")).write_text(other)
    shutil.copy(source, target)
    after = used_by_a_run(kedro)
    assert after == {**before, **block["model_options"], "alpha": 0.123}


def test_the_same_command_goes_on_and_ends_with_the_same_bytes(kedro: Kedro, project: Path) -> None:
    assert kedro(*DATA).code == 0
    assert tune(kedro, "tuning.trials=3").code == 0
    whole = [(TUNED / name).read_bytes() for name in OUTPUTS]
    study = Path("data/06_models/demo/bsarec/standard/tuning.sqlite")
    study.unlink()
    assert tune(kedro, "tuning.trials=1").code == 0
    shorter = [(TUNED / name).read_bytes() for name in OUTPUTS]
    assert shorter != whole
    assert tune(kedro, "tuning.trials=3").code == 0
    assert [(TUNED / name).read_bytes() for name in OUTPUTS] == whole


def test_one_command_measures_how_much_a_setting_matters(kedro: Kedro, project: Path) -> None:
    assert kedro(*DATA).code == 0
    sweeps = "sensitivity.sweeps.bsarec.model_options"
    params = f"{SMALL},{sweeps}.alpha=0.1;0.9,{sweeps}.c=null,seeds=1;2"
    finished = kedro("run", "--pipeline", "sensitivity", "--params", params)
    assert finished.code == 0, finished.err
    path = Path("data/07_model_output/demo/bsarec/standard/sensitivity.parquet")
    table = pq.read_table(path)
    assert set(table["seed"].to_pylist()) == {1, 2}
    found = {(row["parameter"], row["value"]) for row in table.to_pylist()}
    assert found == {("model_options.alpha", 0.1), ("model_options.alpha", 0.9)}
    assert all(0 < score < 1 for score in table["score"].to_pylist())


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ("tuning.spaces.bsarec.model_options.alhpa=0.3", "did you mean 'model_options.alpha'?"),
        ("tuning.spaces.bsrec.model_options.alpha=0.3", "did you mean 'bsarec'?"),
        ("tuning.trails=3", "did you mean 'tuning.trials'?"),
        ("model=popularity", "tuning.spaces says nothing about model 'popularity'"),
        ("model_options.alhpa=0.3", "did you mean 'model_options.alpha'?"),
    ],
)
def test_a_wrong_name_is_one_line(params: str, said: str, kedro: Kedro, project: Path) -> None:
    assert kedro(*DATA, "--env", "test").code == 0
    refused = kedro("run", "--pipeline", "tuning", "--env", "test", "--params", params)
    assert refused.code == 1
    assert said in refused.err.splitlines()[-1]
    assert "Traceback" not in refused.err
    assert not TUNED.exists()
