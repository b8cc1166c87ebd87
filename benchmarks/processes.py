"""One process with all threads beside several with one each: steps and a validation, in turns.

    python -m benchmarks.processes --dataset beauty --data DIR --model bsarec --repeat 4

Each form is started anew every time; what is said is the mean of its steps after the first ones,
and the ratio that of the medians.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.asking import MOST_THREADS, check_target, status_of, whole
from benchmarks.case import Case
from benchmarks.machine import machine
from benchmarks.real import Real, check, read
from benchmarks.steps import cases_of, lay_down
from benchmarks.steps import parse as parse_steps
from seqrec.machine.processes import Processes
from seqrec.machine.together import run_together

WARM_UP = 12
FIGURES = "figures.json"
Figures = dict[str, float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark as the command line says; return the exit status."""
    options = parse(arguments)
    return status_of(lambda: run(options))


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="bsarec")
    parser.add_argument("--dataset", default="synthetic")
    parser.add_argument("--data", type=Path, help="the folder with the published sequences")
    parser.add_argument("--protocol", default="standard", choices=["standard", "authors"])
    parser.add_argument("--processes", type=whole(most=MOST_THREADS), default=2)
    parser.add_argument("--steps", type=whole(), default=20)
    parser.add_argument("--repeat", type=whole(), default=3)
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> None:
    """Measure both forms in turns, and print what they take."""
    check_target(options.json)
    asked = ["--model", options.model, "--dataset", options.dataset, "--protocol", options.protocol]
    asked += ["--data", str(options.data)] if options.data else []
    with TemporaryDirectory() as folder:
        place, steps = Path(folder), parse_steps(asked)
        (case,) = cases_of(steps, lay_down(steps, place), place)
        check(case)
        runs = measure(case, place, options)
    print(f"{options.model} on {options.dataset}, {options.protocol}; {machine(case.where)}")
    print(report(runs, options.processes))
    if options.json:
        options.json.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")


def measure(case: Case, place: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the figures of every run: several processes, one, several …"""
    runs = []
    for _ in range(options.repeat):
        for count in (options.processes, 1):
            threads = options.processes // count
            figures = taken(replace(case, threads=threads), count, place, options.steps)
            runs.append({"processes": count, "threads": threads, **figures})
    return runs


def taken(case: Case, count: int, place: Path, steps: int) -> Figures:
    """Return the seconds of a step and of a validation in so many processes, and the last loss.

    Args:
        case: what is trained, with how many threads a process, and where.
        count: how many processes.
        place: a folder for the figures.
        steps: how many steps, after the first ones.
    """
    run_together(count, case.device, _steps, case, place, steps)
    figures: Figures = json.loads((place / FIGURES).read_text())
    return figures


def _steps(processes: Processes, case: Case, place: Path, steps: int) -> None:
    """Take steps and rank the validation targets as one of the processes."""
    import torch

    torch.set_num_threads(case.threads)
    torch.manual_seed(0)
    form = Real(case, read(case), processes)
    for _ in range(WARM_UP):
        form.step(form.batch())
    started = now(case)
    for _ in range(steps):
        loss = form.step(form.batch())
    step = (now(case) - started) / steps
    last = float(processes.sum(loss.double()))
    started = now(case)
    form.validate("valid")
    if processes.first:
        figures = {"step": step, "validation": now(case) - started, "loss": last}
        (place / FIGURES).write_text(json.dumps(figures))


def now(case: Case) -> float:
    """Return the time when all that was asked of the device is done."""
    if case.where.type == "cuda":
        import torch

        torch.cuda.synchronize()
    return time.perf_counter()


def report(runs: list[dict[str, Any]], count: int) -> str:
    """Return the medians of both forms, and their ratio."""
    lines = []
    for what, unit in (("step", "ms"), ("validation", "s")):
        several, one = (
            [run[what] * (1e3 if unit == "ms" else 1) for run in runs if run["processes"] == n]
            for n in (count, 1)
        )
        each = [", ".join(f"{value:.4g}" for value in form) for form in (several, one)]
        lines.append(
            f"{what}: {count} processes {each[0]} {unit}; one with {count} threads {each[1]} "
            f"{unit}; ratio {median(several) / median(one):.2f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
