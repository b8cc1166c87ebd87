"""How long a data run takes to begin, and what it does not import."""

import subprocess
import sys
from pathlib import Path

import psutil

FIRST_NODE = "1/1 read_raw_log"
LIBRARIES = """
import resource
import click, duckdb, ibis.backends.duckdb, kedro.framework.cli, kedro.framework.session
import kedro_datasets.ibis, pandas, pyarrow.parquet, pydantic, rich.console, yaml
spent = resource.getrusage(resource.RUSAGE_SELF)
print(spent.ru_utime + spent.ru_stime)
"""
LIMIT = 2.4
"""Of what it takes to import the libraries a data run needs; it is about 1.7."""
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
    # Seconds of the processor, beside those of the libraries at the same time: what else runs on
    # the machine, and how fast it is, is not the project's affair.
    assert any(start(project) / libraries() < LIMIT for _ in range(3))


def libraries() -> float:
    """Import what a data run cannot do without, in a process of its own."""
    command = [sys.executable, "-c", LIBRARIES]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return float(out.splitlines()[-1])


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
