"""Several processes that torchrun starts, on one machine or on several."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Finished, kedro_in

MODEL = "data/06_models/demo/bsarec/standard"
METRICS = "data/07_model_output/demo/bsarec/standard/metrics.json"
SHORT = "training.max_epochs=1"


def torchrun(project: Path, *arguments: str) -> Finished:
    """Run the command of the package in two processes."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    ended = subprocess.run(
        [sys.executable, *launcher, "-m", "seqrec", "run", "--env", "test", *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    return Finished(ended.returncode, ended.stdout, ended.stderr)


@pytest.mark.slow
def test_two_processes_of_torchrun_save_and_speak_once(project: Path) -> None:
    data = ("--pipelines", "ingestion,filtering,sequences,transitions")
    assert kedro_in(project, "run", "--env", "test", *data).code == 0
    chain = ("--pipelines", "training,evaluation", "--params")
    ended = torchrun(project, *chain, SHORT)
    assert ended.code == 0, ended.err
    assert ended.out.count("bsarec on demo") == 1
    assert ended.err.count("epoch   1") == 1
    found = json.loads((project / METRICS).read_text())
    # the same by two processes that the run starts itself
    again = kedro_in(project, "run", "--env", "test", *chain, f"{SHORT},training.processes=2")
    assert again.code == 0, again.err
    other = json.loads((project / METRICS).read_text())
    for metrics in (found, other):  # of the weights, which threads may round in their own way
        del metrics["by_seed"]["42"]["fingerprint"]
    assert found["by_seed"] == other["by_seed"]


def test_what_one_process_must_do_alone_is_refused(project: Path) -> None:
    ended = torchrun(project)
    assert ended.code != 0
    line = "error: torchrun started 2 processes, and each would run read_raw_log"
    assert line in ended.err
    assert not (project / "data/02_intermediate").exists()
