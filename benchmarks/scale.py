"""What training costs as work grows: ``python -m benchmarks.scale --help``.

Step time and memory against the number of items (cross entropy over all of them, and sampled
softmax), against the length of histories, and against the number of users, on made-up sequences.
Every point is a process of its own; ``--rounds`` goes over all of them again, and times are
medians of the rounds. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Literal

from benchmarks.asking import MOST_THREADS, check_target, device, status_of, whole
from benchmarks.machine import machine
from benchmarks.scale_point import Figures, Loss, Point, draw, measured_apart, write
from benchmarks.sequences import BEAUTY_ITEMS
from benchmarks.settings import PAPERS

Series = Literal["items", "max_len", "users"]
LOSSES: tuple[Loss, ...] = ("full", "sampled")
MAX_LEN = 50


@dataclass(frozen=True)
class Plan:
    """A series: what it goes over, and what its table shows."""

    title: str
    sizes: tuple[int, ...]
    users: int
    columns: dict[str, str]
    """Head → figure."""


STEP = {"step, ms CPU": "step_cpu_ms", "ms wall": "step_wall_ms"}
LOSS = {"loss, ms CPU": "loss_cpu_ms"}
OPTIMIZER = {"optimizer, ms CPU": "optimizer_cpu_ms"}
MEMORY = {"held, MiB": "held_mib", "peak, MiB": "peak_mib"}
PLANS: dict[Series, Plan] = {
    "items": Plan(
        "Number of items",
        (10_000, 50_000, 200_000, 1_000_000, 2_000_000),
        200_000,
        {**STEP, **LOSS, **OPTIMIZER, "weights, MiB": "weights_mib", **MEMORY},
    ),
    "max_len": Plan("Length of histories", (50, 100, 200, 500), 2_000, {**STEP, **LOSS, **MEMORY}),
    "users": Plan(
        "Number of users",
        (20_000, 200_000, 2_000_000),
        0,
        {
            "interactions": "interactions",
            "examples": "examples",
            "build, s": "build_s",
            "build, MiB": "build_mib",
            "gather, ms CPU": "gather_ms",
            **STEP,
            "peak, MiB": "peak_mib",
            "epoch, s CPU": "epoch_cpu_s",
        },
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the series asked for; return the exit status."""
    options = parse(arguments)
    return status_of(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Measure the series, print their tables and write the figures where they are wanted."""
    check_target(options.json)
    facts = machine(device(options.device))
    print(f"{facts.get('gpu', facts['cpu'])}, threads {options.threads}, torch {facts['torch']}\n")
    results = []
    for series in PLANS if options.vary == "all" else [options.vary]:
        for model in PAPERS if options.model == "all" else [options.model]:
            points = points_of(series, model, options)
            with TemporaryDirectory(prefix="scale-") as folder:
                medians = measured(points, Path(folder), options.rounds)
            print(table(series, model, points, medians) + "\n", flush=True)
            results += [
                {"series": series, "point": asdict(point), "figures": figures}
                for point, figures in zip(points, medians, strict=True)
            ]
    if options.json:
        report = {"machine": facts, "rounds": options.rounds, "results": results}
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def points_of(series: Series, model: str, options: argparse.Namespace) -> list[Point]:
    """Return the points of a series, smallest first, the losses in turn."""
    usual: dict[str, Any] = {
        "items": BEAUTY_ITEMS,
        "users": options.users or PLANS[series].users,
        "max_len": MAX_LEN,
        "full": series == "max_len",
    }
    where = {"device": options.device, "threads": options.threads, "steps": options.steps}
    return [
        Point(model=model, loss=loss, **{**usual, series: size}, **where)
        for size in options.sizes or PLANS[series].sizes
        for loss in (LOSSES if series == "items" else LOSSES[:1])
    ]


def measured(points: Sequence[Point], folder: Path, rounds: int) -> list[Figures]:
    """Measure all points so many times over; return the median of each figure."""
    by_point: list[list[Figures]] = [[] for _ in points]
    for number in range(1, rounds + 1):
        for point, figures in zip(points, by_point, strict=True):
            size = f"{point.items:,} items, {point.users:,} users, max_len {point.max_len}"
            print(
                f"… round {number}: {point.model}, {point.loss}, {size}",
                file=sys.stderr,
                flush=True,
            )
            file = folder / f"{point.items}-{point.users}-{point.max_len}.npz"
            if not file.exists():
                write(draw(point), file)
            figures.append(measured_apart(point, file))
    return [{name: median(f[name] for f in figures) for name in figures[0]} for figures in by_point]


def table(series: Series, model: str, points: Sequence[Point], medians: Sequence[Figures]) -> str:
    """Return the figures of a series as Markdown."""
    plan = PLANS[series]
    by_loss = series == "items"
    heads = [series.replace("max_len", "`max_len`"), *(["loss"] if by_loss else []), *plan.columns]
    lines = [f"{plan.title}, {model}:", "", _row(heads), "| ---: " * len(heads) + "|"]
    for point, figures in zip(points, medians, strict=True):
        size = f"{getattr(point, series):,}"
        cells = [_number(figures[name]) for name in plan.columns.values()]
        lines.append(_row([size, *([point.loss] if by_loss else []), *cells]))
    return "\n".join([*lines, *(_held_constant(points, medians) if by_loss else [])])


def _held_constant(points: Sequence[Point], medians: Sequence[Figures]) -> list[str]:
    """Say how the step of each loss grew from the fewest items to the most."""
    lines = [""]
    for loss in LOSSES:
        steps = [
            figures["step_cpu_ms"]
            for point, figures in zip(points, medians, strict=True)
            if point.loss == loss
        ]
        lines.append(f"{loss}: the last step takes {steps[-1] / steps[0]:.2f} times the first")
    return lines


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _number(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what is asked for on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale",
        description="Time and memory of training as items, histories or users grow.",
    )
    add = parser.add_argument
    add("--vary", choices=(*PLANS, "all"), default="all")
    add("--model", choices=(*PAPERS, "all"), default="bsarec")
    add("--device", choices=("cpu", "cuda"), default="cpu")
    add("--threads", type=whole(most=MOST_THREADS), default=1)
    add("--steps", type=whole(), default=20, help="to time at most; slow ones are at least 3")
    add("--rounds", type=whole(), default=1, help="go over all points so many times")
    add("--sizes", type=whole(), nargs="+", help="to go over, instead of the usual ones")
    add("--users", type=whole(), help="where the users do not vary")
    add("--json", type=Path, help="where to write all figures")
    options = parser.parse_args(arguments)
    if options.sizes and options.vary == "all":
        parser.error("--sizes are of one series: name it, --vary items")
    return options


if __name__ == "__main__":
    sys.exit(main())
