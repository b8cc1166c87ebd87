"""A section of the run: named results, on disk as soon as they are there."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.asking import device, whole
from benchmarks.machine import machine
from seqrec.files import replacing

Figures = dict[str, Any]
Task = tuple[str, Callable[[], Figures]]
"""A name, and what measures or checks; a check that fails raises ``Failed``."""

PASSED, FAILED, NOT_HERE, NOT_REACHED = "passed", "failed", "not here", "not reached"


class Failed(Exception):
    """A check that does not hold, with what was measured."""

    def __init__(self, reason: str, figures: Figures | None = None) -> None:
        super().__init__(reason)
        self.figures = figures or {}


class NotHere(Exception):
    """What this device or this model does not have."""


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    users: int
    items: int
    max_len: int | None
    """None: the published one."""
    steps: int
    users_at_scale: int
    items_at_scale: tuple[int, ...]
    models_in_several: int
    """How many of its models two processes train."""
    epoch_seconds: float
    """A whole epoch is run if it is expected to be over by then."""
    ways: tuple[tuple[str, str], ...]
    """Compile and precision: what is wanted most comes first, should the time not be enough."""


WAYS = (
    ("off", "fp32"),
    ("on", "fp32"),
    ("on", "bf16"),
    ("off", "bf16"),
    ("on", "tf32"),
    ("off", "tf32"),
)
SIZES = {
    "full": Size(22_363, 12_101, None, 60, 200_000, (12_101, 2_000_000), 3, 8.0, WAYS),
    "small": Size(20, 16, 8, 1, 20, (16,), 1, 1.0, WAYS[:2]),
}


@dataclass(frozen=True)
class Options:
    """The command line of a section."""

    out: Path
    device: torch.device
    size: Size
    seconds: float
    part: tuple[int, int]
    """Which part of how many: parts run beside one another, each with a file of its own."""


class Section:
    """Does one task after the other until its time is over."""

    def __init__(self, name: str, options: Options) -> None:
        part, parts = options.part
        self.file = options.out / (f"{name}-{part}.json" if parts > 1 else f"{name}.json")
        self.options, self.end = options, time.monotonic() + options.seconds
        self.report: Figures = {
            "section": name,
            "machine": machine(options.device),
            "finished": False,
            "results": [],
        }
        self.save()

    def run(self, tasks: Iterable[Task]) -> None:
        """Do this section's part of the tasks; none of them ends it."""
        part, parts = self.options.part
        for number, (name, work) in enumerate(tasks):
            if number % parts == part - 1:
                self.report["results"].append({"name": name, **self.outcome(work)})
                self.save()
        self.report["finished"] = True
        self.save()

    def outcome(self, work: Callable[[], Figures]) -> Figures:
        """Return the status of a task, its figures, and why if it has not passed."""
        if time.monotonic() > self.end:
            return {"status": NOT_REACHED, "why": "the section's time was over"}
        started = time.perf_counter()
        result = attempt(work)
        return result | {"seconds": round(time.perf_counter() - started, 3)}

    def save(self) -> None:
        """Write all results so far."""
        with replacing(self.file) as unfinished:
            unfinished.write_text(json.dumps(self.report, indent=1) + "\n", encoding="utf-8")


def attempt(work: Callable[[], Figures]) -> Figures:
    """Do a task; whatever goes wrong is a result too."""
    try:
        return {"status": PASSED, "figures": work()}
    except NotHere as absent:
        return {"status": NOT_HERE, "why": str(absent)}
    except Failed as failed:
        return {"status": FAILED, "why": str(failed), "figures": failed.figures}
    except Exception as error:
        first = str(error).strip().partition("\n")[0]
        return {"status": FAILED, "why": f"{type(error).__name__}: {first}"}


def within(figures: dict[str, float], limits: dict[str, float]) -> Figures:
    """Return differences with their limits.

    Raises:
        Failed: one is above its limit, or not a number.
    """
    stated = {name: {"difference": figures[name], "allowed": limits[name]} for name in figures}
    wrong = [name for name, value in figures.items() if not value <= limits[name]]
    if wrong:
        parts = [f"{name} off by {figures[name]:.2g}, allowed {limits[name]:.2g}" for name in wrong]
        raise Failed("; ".join(parts), stated)
    return stated


def parse(description: str) -> Options:
    """Return what the command line of a section asks for."""
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    add = parser.add_argument
    add("--out", type=Path, required=True, help="folder for the JSON")
    add("--device", choices=("cuda", "cpu"), default="cuda")
    add("--size", choices=SIZES, default="full")
    add("--seconds", type=whole(), default=120, help="after which nothing more is begun")
    add("--part", default="1/1", help="which part of the tasks, e.g. 2/8")
    values = parser.parse_args()
    part, parts = map(int, values.part.split("/"))
    where = device(values.device)
    return Options(values.out, where, SIZES[values.size], values.seconds, (part, parts))
