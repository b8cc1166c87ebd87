"""Time and memory of the data pipelines on Spark beside DuckDB, on a synthetic log.

    python -m benchmarks.spark --rows 10000000 --repeat 1 --folder DIR --json FILE

Both are the command a user types, start-up included. What a form takes is that of all its
processes: Spark's driver, executors and their Python workers are children of the command. The
tables must be equal, or the benchmark fails.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.dataset as pads

from benchmarks.asking import check_target, reason, status_of, whole
from benchmarks.data import (
    FEWEST,
    MOST,
    PIPELINES,
    ROOT,
    copy_project,
    find_log,
    kept_or_temporary,
    source_path,
)
from seqrec.errors import SeqrecError

FORMS = {"DuckDB": "local", "Spark": "spark"}
TABLES = ("sequences", "users", "items", "standard/transition_graph")
EVERY = 0.5
"""Seconds between two looks."""
MB = 1024**2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark as the command line says; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=whole(FEWEST, MOST), default=10_000_000)
    parser.add_argument("--repeat", type=whole(), default=1)
    parser.add_argument("--master", default="local-cluster[2,1,4096]", help="of Spark")
    parser.add_argument("--driver-memory", default="4g", help="of Spark")
    parser.add_argument("--folder", type=Path, help="where the log stays, and the runs happen")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args(arguments)
    return status_of(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Run both forms in turn and print what each takes."""
    check_target(options.json)
    runs = []
    with kept_or_temporary(options.folder) as folder:
        log = find_log(folder, options.rows)
        for _ in range(options.repeat):
            tables = []
            for form, environment in FORMS.items():
                with TemporaryDirectory(prefix="run-", dir=folder) as work:
                    taken = run_form(environment, log, Path(work), options)
                    tables.append(tables_of(Path(work)))
                runs.append({"form": form, **taken})
                print(f"{form:<8}", *(f"{key} {value:,.0f}" for key, value in taken.items()))
            check_equal(*tables)
    if options.json:
        setting = {"rows": options.rows, "master": options.master}
        options.json.write_text(json.dumps({**setting, "runs": runs}, indent=1))


def run_form(
    environment: str, log: Path, work: Path, options: argparse.Namespace
) -> dict[str, float]:
    """Run the data pipelines in an empty copy of the project; return what they took."""
    copy_project(work)
    submit = f"--master {options.master} --driver-memory {options.driver_memory} pyspark-shell"
    variables = {**source_path(ROOT / "src"), "PYSPARK_SUBMIT_ARGS": submit}
    parameters = f"dataset=synthetic,raw.file={log}"
    command = ["-m", "kedro", "run", "--env", environment, "--pipelines", ",".join(PIPELINES)]
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command, "--params", parameters],
        cwd=work,
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=(work / "stderr").open("w"),
    )
    peak, cpu = watch(process)
    if process.returncode:
        raise SeqrecError(f"{environment}: {reason(process.returncode, tail(work / 'stderr'))}")
    return {"seconds": time.perf_counter() - start, "CPU seconds": cpu, "peak MB": peak / MB}


def tail(path: Path) -> str:
    """Return the end of a text."""
    return path.read_text()[-2000:]


def watch(process: "subprocess.Popen[bytes]") -> tuple[int, float]:
    """Return the most memory that a process and its children had at any look, and their CPU time.

    Memory is what is resident; what they share counts in each.
    """
    peak, cpu = 0, {process.pid: 0.0}
    while process.poll() is None:
        used = 0
        try:
            mother = psutil.Process(process.pid)
            family = [mother, *mother.children(recursive=True)]
        except psutil.Error:
            family = []
        for one in family:
            try:
                used += one.memory_info().rss
                times = one.cpu_times()
                cpu[one.pid] = times.user + times.system
            except psutil.Error:
                continue
        peak = max(peak, used)
        time.sleep(EVERY)
    return peak, sum(cpu.values())


def tables_of(work: Path) -> dict[str, pa.Table]:
    """Return what was made, in its order."""
    folder = work / "data/05_model_input/synthetic"
    return {
        name: pads.dataset(folder / f"{name}.parquet", format="parquet").to_table()
        for name in TABLES
    }


def check_equal(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Raise where two runs made different tables."""
    for name, table in first.items():
        keys = [(key, "ascending") for key in table.column_names[:2]]
        if not table.sort_by(keys).equals(second[name].cast(table.schema).sort_by(keys)):
            raise SeqrecError(f"the tables {name} differ; this is a fault of the project")


if __name__ == "__main__":
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    sys.exit(main())
