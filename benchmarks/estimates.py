"""What ``seqrec estimate`` tells beside what the run then takes, a cell after the other.

    python -m benchmarks.estimates lastfm:mqsa_ted:10 beauty:sasrec:2

A cell is a data set that is prepared in the project, a model, and after how many epochs its
training is to end; models without training end by themselves.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks import ROOT
from benchmarks.asking import reason, status_of
from seqrec.errors import SeqrecError

MAXRSS = 1 if sys.platform == "darwin" else 1024


class Held(NamedTuple):
    """An estimate and what came; seconds and bytes."""

    cell: str
    told_seconds: float
    seconds: float
    told_memory: float
    memory: float

    def line(self) -> str:
        """Return it as a row of a table."""
        return (
            f"{self.cell:28} {self.told_seconds:7.1f} s {self.seconds:7.1f} s "
            f"{self.told_seconds / self.seconds:5.2f}   {self.told_memory / 1e6:6.0f} MB "
            f"{self.memory / 1e6:6.0f} MB {self.told_memory / self.memory:5.2f}"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark as the command line says; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cells", nargs="+", metavar="DATASET:MODEL[:EPOCHS]")
    options = parser.parse_args(arguments)
    return status_of(lambda: run(options.cells))


def run(cells: Sequence[str]) -> None:
    """Estimate and run every cell, and print both."""
    print(f"{'cell':28} {'told':>9} {'took':>9} ratio {'told':>11} {'took':>9} ratio", flush=True)
    for cell in cells:
        print(held(cell).line(), flush=True)


def held(cell: str) -> Held:
    """Estimate a cell, run it from the beginning, and return both."""
    dataset, model, *rest = cell.split(":")
    shutil.rmtree(ROOT / f"data/06_models/{dataset}/{model}", ignore_errors=True)
    params = f"dataset={dataset},model={model}"
    with TemporaryDirectory() as folder:
        file = Path(folder) / "told.json"
        _take("-m", "seqrec", "estimate", "--params", params, "--json", str(file))
        told = json.loads(file.read_text())
    training = told["training"]
    epochs = int(rest[0]) if rest else training["most"]
    if rest:
        params += f",training.max_epochs={epochs},training.patience=null"
    took = _take("-m", "kedro", "run", "--pipelines", "training,evaluation", "--params", params)
    rounds = epochs * (training["training"] + training["validation"])
    seconds = told["starting"] + training["preparing"] + rounds + training["evaluation"]
    return Held(f"{dataset}, {model}, {epochs}", seconds, took[0], training["memory"], took[1])


def _take(*command: str) -> tuple[float, float]:
    """Run Python so, and return the seconds it took and the most memory it had."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SeqrecError(f"{' '.join(command[1:])}: {reason(process.returncode, said)}")
    return time.perf_counter() - started, usage.ru_maxrss * MAXRSS


if __name__ == "__main__":
    sys.exit(main())
