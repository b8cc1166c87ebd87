"""Every model through the pipelines, on the last months of the demo log."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from seqrec.models import COUNTING_MODELS, MODELS, any_class
from tests.conftest import Kedro, copy_of_project, kedro_in

LAST_MONTHS = "filtering.start=1597000000"
DATA = ("--pipelines", "ingestion,filtering,sequences", "--params", LAST_MONTHS)
THE_REST = "transitions,training,evaluation"
USERS = "data/05_model_input/demo/users.parquet"


@pytest.fixture(scope="module")
def demo_sequences(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder after the demo log's sequences were made, once for all models."""
    folder = copy_of_project(tmp_path_factory.mktemp("demo") / "project")
    finished = kedro_in(folder, "run", *DATA)
    assert finished.code == 0, finished.err
    return folder / "data"


@pytest.mark.parametrize("protocol", ["standard", "authors"])
@pytest.mark.parametrize("name", [*MODELS, *COUNTING_MODELS])
def test_a_model_is_trained_and_measured(
    name: str, protocol: str, demo_sequences: Path, project: Path, kedro: Kedro
) -> None:
    shutil.copytree(demo_sequences, project / "data", dirs_exist_ok=True)
    params = f"model={name},protocol={protocol},{LAST_MONTHS},{shortest(name)}"
    finished = kedro("run", "--pipelines", THE_REST, "--params", params)
    assert finished.code == 0, finished.err
    cell = project / f"data/07_model_output/demo/{name}/{protocol}"
    report = json.loads((cell / "metrics.json").read_text())
    assert (report["model"], report["protocol"]) == (name, protocol)
    test = report["splits"]["test"]
    assert test["targets"] == pq.read_metadata(project / USERS).num_rows > 100
    assert 0 < test["metrics"]["NDCG@20"]["value"] < 1


def shortest(name: str) -> str:
    """Return the parameters under which a model takes the least time."""
    if name in MODELS:
        return "training.max_epochs=1,training.batch_size=1024,model_options.max_len=10"
    is_tuned = "trials" in any_class(name).Config.__dataclass_fields__
    return "model_options.trials=2" if is_tuned else "seed=1"
