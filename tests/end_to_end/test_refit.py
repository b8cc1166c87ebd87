"""The pipeline ``refit``, after a run: a model of its own, from everything."""

import json
from pathlib import Path

import pytest

from tests.conftest import Kedro

CELL = "demo/mqsa_ted/standard"
SHORT = "model=mqsa_ted,training.max_epochs=1,model_options.dim=8,model_options.num_blocks=1"
REFIT = ("run", "--env", "test", "--pipeline", "refit", "--params")


def test_the_model_that_goes_live_stands_beside_the_evaluated_one(
    kedro: Kedro, project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its transition graph is counted anew, over all interactions."""
    chain = "ingestion,filtering,sequences,transitions,training"
    assert kedro("run", "--env", "test", "--pipelines", chain, "--params", SHORT).code == 0
    cell = project / "data/06_models" / CELL
    before = {path: path.read_bytes() for path in cell.rglob("*") if path.is_file()}
    finished = kedro(*REFIT, SHORT)
    assert finished.code == 0, finished.err
    line = (
        "seed 42 learns from all 22,079 interactions, to the end of epoch 1, in which the "
        "evaluated run was best"
    )
    assert line in caplog.messages
    assert {path: path.read_bytes() for path in before} == before
    made = {path.relative_to(cell).as_posix() for path in cell.rglob("*") if path.is_file()}
    assert made - {path.relative_to(cell).as_posix() for path in before} == {
        f"final/42/{name}" for name in ("config.json", "items.parquet", "model.safetensors")
    }
    facts = json.loads((cell / "final/42/config.json").read_text())
    assert (facts["seed"], facts["refit"], facts["best_value"]) == (42, True, None)

    # A seed that was not evaluated is refused, and leaves what is there.
    refused = kedro(*REFIT, f"{SHORT},seed=9")
    assert refused.code == 1
    assert "the models at hand were trained with seeds=42, none with 9" in refused.err
    assert (cell / "final/42/config.json").is_file()
