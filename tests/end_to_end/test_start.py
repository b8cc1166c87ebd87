"""How long a data run takes to begin, and what it does not import."""

import subprocess
import sys
from pathlib import Path

import psutil

FIRST_NODE = "1/1 read_raw_log"
LIMIT = 2.5
"""Seconds from the command to the first node, on a machine that does nothing else."""
PROGRAM = """
import sys
from kedro.framework.cli import main
sys.argv = ["kedro", "run", "--pipeline", "ingestion"]
try:
    main()
finally:
    print("torch" in sys.modules)
"""


def test_a_data_run_starts_at_once_and_without_torch(project: Path) -> None:
    # Seconds of the processor: what else runs on the machine is not the project's affair.
    assert min(start(project) for _ in range(2)) < LIMIT


def start(project: Path) -> float:
    """Run ingestion in a process of its own; return what it computed up to the first node."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        first = next(line for line in process.stderr if FIRST_NODE in line)
        spent = psutil.Process(process.pid).cpu_times()
        out, err = process.communicate()
    assert process.returncode == 0, first + err
    assert out.splitlines()[-1] == "False", "torch was imported"
    return float(spent.user + spent.system)
