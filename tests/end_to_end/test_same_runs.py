"""The same runs, in another folder and another process: the same bytes but for the times."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TIMED = {
    *("progress.csv", "cost.csv", "cost_plot.json"),
    *(f"checkpoint-models-{seed}-finished.safetensors" for seed in (7, 8, 42)),
}
"""What holds times, or is drawn from them."""
RUNS = (
    "--env test --params seeds=7;8",
    "--env test --params model=mqsa_ted,training.max_epochs=1,model_options.dim=16",
    "--env test --params model=hybrid,model_options.trials=2",
    "--pipeline reporting --params reporting.pictures=bsarec;mqsa_ted,reporting.resamples=100",
)
PROGRAM = """
import sys
from pathlib import Path
from kedro.framework.cli.cli import KedroCLI

for line in sys.argv[1:]:
    try:
        KedroCLI(Path.cwd()).main(args=["run", *line.split()], prog_name="kedro")
    except SystemExit as ended:
        if ended.code:
            raise
"""


@pytest.fixture
def projects(project: Path) -> tuple[Path, Path]:
    """Two projects that hold the same, in folders of different names."""
    other = project.parent / "elsewhere" / "another-project"
    shutil.copytree(project, other)
    return project, other


def start(folder: Path, hash_seed: str) -> subprocess.Popen[str]:
    """Begin all runs in a project of their own; sets and dictionaries of text differ in order."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *RUNS],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def digests(folder: Path) -> dict[str, str]:
    """Return a digest of each file by its path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_two_runs_of_the_same_differ_in_their_times_alone(
    projects: tuple[Path, Path],
) -> None:
    running = [start(folder, seed) for folder, seed in zip(projects, "12", strict=True)]
    for process in running:
        said, _ = process.communicate()
        assert process.returncode == 0, said
    first, second = (digests(folder / "data") for folder in projects)
    assert first.keys() == second.keys()
    assert "08_reporting/book/attention_spectrum_plot.json" in first
    cells = ("demo/bsarec/standard", "demo/mqsa_ted/standard", "demo/hybrid/standard")
    for cell in cells:
        assert {f"06_models/{cell}/progress.csv", f"07_model_output/{cell}/ranks.parquet"} <= set(
            first
        )
    differing = {path for path in first if first[path] != second[path]}
    assert {Path(path).name for path in differing} <= TIMED, sorted(differing)
    # The times were really measured, each run's own.
    assert {f"06_models/{cell}/progress.csv" for cell in cells} <= differing
