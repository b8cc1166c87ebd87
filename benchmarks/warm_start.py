"""What a warm start saves: a model of the older part of a log, and then of all of it.

    python -m benchmarks.warm_start --raw DIR --dataset movielens-100k --params KEY=VALUE,…

Three trainings by the commands a user types, in an empty copy of the project: on the first 80 % of
the interactions in time; on all of them, cold; and on all of them, warm, ``training.start_from``
the first. Printed are the epochs and seconds, validation included, until cold and warm reach the
best validation figure of the cold one.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from benchmarks import ROOT
from benchmarks.asking import reason, status_of
from benchmarks.data import copy_project, source_path
from seqrec.errors import SeqrecError

SHARE = 0.8
DATA = "ingestion,filtering,sequences,transitions"
MONITOR = "NDCG@20"
MATCHED = "training starts from"
Epochs = list[dict[str, float]]
"""epoch, the monitored metric, seconds, validation_seconds."""


class Training(NamedTuple):
    """What a training took."""

    epochs: Epochs
    said: str
    """Where it started from."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark as the command line says; return the exit status."""
    options = parse(arguments)
    return status_of(lambda: run(options))


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--raw", type=Path, required=True, help="the folder of the raw log")
    parser.add_argument("--dataset", default="movielens-100k")
    parser.add_argument("--model", default="bsarec")
    parser.add_argument("--params", default="", help="what else the trainings are told")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> None:
    """Train three times, and print the comparison."""
    told = f"dataset={options.dataset},model={options.model},raw_dir={options.raw.resolve()}"
    told += f",{options.params}" if options.params else ""
    with TemporaryDirectory(prefix="benchmark-") as folder:
        work = Path(folder)
        copy_project(work)
        kedro(work, "ingestion", told)
        log = work / f"data/02_intermediate/{options.dataset}/interactions.parquet"
        cell = work / f"data/06_models/{options.dataset}/{options.model}/standard"
        old = train(work, cell, f"{told},filtering.end={instant(log, SHARE)}")
        start = work / "old"
        shutil.copytree(next((cell / "models").iterdir()), start)
        cold = train(work, cell, told)
        warm = train(work, cell, f"{told},training.start_from={start}")
    print(report(old, cold, warm))


def train(work: Path, cell: Path, told: str) -> Training:
    """Prepare the data and train, and return what that took."""
    said = kedro(work, f"{DATA},training", told)
    start = [line[line.index(MATCHED) :] for line in said.splitlines() if MATCHED in line]
    epochs: Any = pacsv.read_csv(cell / "progress.csv").to_pylist()
    return Training(epochs, "".join(start))


def kedro(work: Path, pipelines: str, told: str) -> str:
    """Run pipelines, and return what they said.

    Raises:
        SeqrecError: they failed.
    """
    print(f"kedro run --pipelines {pipelines} --params {told}", flush=True)
    ended = subprocess.run(
        [sys.executable, "-m", "kedro", "run", "--pipelines", pipelines, "--params", told],
        cwd=work,
        env=source_path(ROOT / "src"),
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise SeqrecError(reason(ended.returncode, ended.stderr))
    return ended.stdout + ended.stderr


def instant(log: Path, share: float) -> int:
    """Return the instant up to which a share of the interactions lies."""
    times = pq.read_table(log, columns=["timestamp"])["timestamp"]
    return int(pc.quantile(times, q=share, interpolation="lower")[0].as_py())


def reached(epochs: Epochs, value: float) -> tuple[int, float] | None:
    """Return the epoch in which a validation figure is reached, and the seconds until its end."""
    seconds = 0.0
    for row in epochs:
        seconds += row["seconds"] + row["validation_seconds"]
        if row[MONITOR] >= value:
            return int(row["epoch"]), seconds
    return None


def report(old: Training, cold: Training, warm: Training) -> str:
    """Return the comparison as text."""
    best = best_of(cold.epochs)[MONITOR]
    lines = [
        f"\n{warm.said}",
        f"until validation {MONITOR} is {best:.4f}, the best of the cold start",
        f"{'':<20}{'epoch':>6}{'seconds':>9}{'its own best':>14}{'in epoch':>9}",
    ]
    for name, training in {"old, first 80 %": old, "cold, all": cold, "warm, all": warm}.items():
        own = best_of(training.epochs)
        at = None if training is old else reached(training.epochs, best)
        there = f"{at[0]:>6}{at[1]:>9.1f}" if at else f"{'-':>6}{'-':>9}"
        lines.append(f"{name:<20}{there}{own[MONITOR]:>14.4f}{own['epoch']:>9.0f}")
    return "\n".join(lines)


def best_of(epochs: Epochs) -> dict[str, float]:
    """Return the first of the best epochs."""
    return max(epochs, key=lambda row: row[MONITOR])


if __name__ == "__main__":
    sys.exit(main())
