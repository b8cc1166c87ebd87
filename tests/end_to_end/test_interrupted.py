"""Runs that meet another one, a signal, another runner, or another folder."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import Kedro

LONG = ("run", "--env", "test", "--params", "training.max_epochs=500,training.patience=500")
CHECKPOINT = "data/06_models/demo/bsarec/standard/checkpoint-models-42.safetensors"


def started(project: Path) -> subprocess.Popen[str]:
    """A run that is in the middle of its training."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kedro", *LONG],
        cwd=project,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # a shell lets what runs in its background ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while not (project / CHECKPOINT).exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    return process


@pytest.mark.parametrize(
    ("sent", "named", "code"),
    [
        pytest.param(signal.SIGTERM, "SIGTERM", 143, marks=pytest.mark.slow),
        (signal.SIGINT, "Ctrl-C", 130),
    ],
)
def test_the_second_run_is_told_of_the_first_which_a_signal_ends_in_one_line(
    kedro: Kedro, project: Path, sent: signal.Signals, named: str, code: int
) -> None:
    first = started(project)
    second = kedro("run", "--env", "test")
    (line,) = second.err.splitlines()
    assert second.code == 1
    assert f"another run is at work on {project}/data/" in line
    assert f"(process {first.pid})" in line
    os.kill(first.pid, sent)
    _, said = first.communicate()
    assert first.returncode == code
    last = said.splitlines()[-1]
    assert last.startswith(f"error: stopped by {named}; whole files stayed")
    assert "Traceback" not in said
    ended = kedro("run", "--env", "test", "--params", "training.max_epochs=1")
    assert ended.code == 0, ended.err
    assert list((project / "data/tmp/locks").iterdir()) == []
    assert list((project / "data/tmp/spill").iterdir()) == []


@pytest.mark.parametrize("runner", ["ThreadRunner", "ParallelRunner"])
def test_runners_of_several_nodes_at_once_are_refused(
    kedro: Kedro, project: Path, runner: str
) -> None:
    refused = kedro("run", "--runner", runner)
    (line,) = refused.err.splitlines()
    assert refused.code == 1
    assert f"one after the other, and {runner} runs several at once; leave --runner out" in line


def test_a_session_of_another_folder_works_in_the_project(project: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    program = f"""
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

bootstrap_project("{project}")
params = {{"training": {{"max_epochs": 1}}}}
with KedroSession.create("{project}", env="test", runtime_params=params) as session:
    session.run()
with KedroSession.create("{project}", env="test") as session:
    session.load_context().catalog.load("sequences").count().execute()
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=elsewhere, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert list(elsewhere.iterdir()) == []
    assert (project / "data/07_model_output/demo/bsarec/standard/metrics.json").is_file()
