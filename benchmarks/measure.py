"""Measures one model on one data set, and the plain form in turn with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from benchmarks.case import SPLITS, Case, Contender, Split, prepare
from benchmarks.clock import NONE, Timing, middle, repeated, timed
from benchmarks.memory import Form, Part, contender, peak_memory
from seqrec.errors import SeqrecError

GPU_BLOCK = 20
"""Steps between two waits for a GPU: waiting after each would measure the waiting."""
WARM_UP = 5
"""Steps before the clock runs: compilation may meet new shapes in them."""
PLAIN_SECONDS = 30.0
"""So long the plain form may take for its steps; it has at least three."""
PLAIN_MEMORY_STEPS = 3

Say = Callable[[str], None]


@dataclass
class Figures:
    """What was measured of one form; seconds and MiB."""

    examples: int
    steps: int
    """Of an epoch."""
    reading: Timing
    first_step: float
    """With what compiling it takes."""
    assembly: Timing
    step: Timing
    measured_steps: int
    evaluation: dict[Split, Timing] = field(default_factory=dict)
    epoch: Timing = NONE
    """Training and validation."""
    epochs: list[Timing] = field(default_factory=list)
    """Epochs that were really run; empty where ``epoch`` is estimated from the steps."""
    memory: dict[str, dict[str, float]] = field(default_factory=dict)
    """Part → ``main``, ``gpu``; without what could not be measured."""

    @property
    def examples_per_second(self) -> float:
        """Examples of training, batch assembly and step together."""
        return self.examples / self.steps / (self.assembly + self.step).wall

    def peak(self, part: Part, where: str = "main") -> float:
        """Return the most MiB of a part; not a number where it was not measured."""
        return self.memory.get(part, {}).get(where, math.nan)

    @property
    def both_splits(self) -> Timing:
        """Ranking all validation and test targets."""
        return sum(self.evaluation.values(), NONE)

    def estimate_epoch(self) -> None:
        """Fill in the epoch from its parts."""
        self.epoch = (self.assembly + self.step).times(self.steps) + self.evaluation["valid"]

    def as_json(self) -> dict[str, Any]:
        """Return the figures under names with their units."""
        return {
            "examples": self.examples,
            "steps_an_epoch": self.steps,
            "measured_steps": self.measured_steps,
            "reading_ms": 1e3 * self.reading.wall,
            "first_step_s": self.first_step,
            "assembly_ms": 1e3 * self.assembly.wall,
            "step_cpu_ms": 1e3 * self.step.cpu,
            "step_wall_ms": 1e3 * self.step.wall,
            "examples_per_second": self.examples_per_second,
            "validation_s": self.evaluation["valid"].wall,
            "validation_cpu_s": self.evaluation["valid"].cpu,
            "both_splits_s": self.both_splits.wall,
            "both_splits_cpu_s": self.both_splits.cpu,
            "epoch_s": self.epoch.wall,
            "epoch_cpu_s": self.epoch.cpu,
            "whole_epochs_s": [epoch.wall for epoch in self.epochs],
            "whole_epochs_cpu_s": [epoch.cpu for epoch in self.epochs],
            "memory_mib": self.memory,
        }


def measure(case: Case, *, versus: bool, steps: int, epochs: int, say: Say) -> dict[Form, Figures]:
    """Measure a model.

    Args:
        case: the model, its data, where it computes.
        versus: also the plain form, in turn with the real one.
        steps: how many training steps to time.
        epochs: how many epochs to run in full; 0 estimates an epoch from its steps.
        say: takes a line on what is being done.

    Returns:
        The figures of ``real`` and, if asked for, ``plain``.
    """
    prepare(case)
    forms: list[Form] = ["real", "plain"] if versus else ["real"]
    say("reading")
    reading = {form: repeated(reader(case, form), case.where) for form in forms}
    runners = {form: contender(case, form) for form in forms}
    say(f"{steps} training steps")
    figures = _time_steps(case, runners, reading, steps)
    for split in SPLITS:
        say(f"ranking the {split} targets")
        for form, runner in runners.items():
            figures[form].evaluation[split] = _evaluation(runner, split, case.where)
    runners.clear()
    for form, measured in figures.items():
        say(f"memory of the {form} form")
        measured.memory = _memory(case, form, steps, say)
        measured.estimate_epoch()
    if epochs:
        from benchmarks.real import run_epochs

        say(f"{epochs} whole epochs")
        figures["real"].epochs = run_epochs(case, epochs)
        figures["real"].epoch = middle(figures["real"].epochs)
    return figures


def _memory(case: Case, form: Form, steps: int, say: Say) -> dict[str, dict[str, float]]:
    """Return the peaks; a process that fails leaves its own out, as the times are measured."""
    parts: dict[Part, int] = {
        "training": steps if form == "real" else PLAIN_MEMORY_STEPS,
        "evaluation": 0,
    }
    peaks: dict[str, dict[str, float]] = {}
    for part, count in parts.items():
        try:
            peaks[part] = peak_memory(case, form, part, count)
        except SeqrecError as error:
            say(f"not measured: {error}")
    return peaks


def reader(case: Case, form: Form) -> Callable[[], object]:
    """Return what reads the data and makes the examples."""
    if form == "plain":
        from benchmarks.plain.training import read_examples as read_plainly

        return lambda: read_plainly(case)
    from benchmarks.real import build, read_examples

    model = build(case, torch.device("meta"))
    return lambda: read_examples(case, model)


def _evaluation(runner: Contender, split: Split, device: torch.device) -> Timing:
    return repeated(lambda: runner.validate(split), device, seconds=2.0, most=3)


def _time_steps(
    case: Case, runners: Mapping[Form, Contender], reading: Mapping[Form, Timing], steps: int
) -> dict[Form, Figures]:
    """Time the steps in turns: a block of one form, a block of the other, and again."""
    block = 1 if case.where.type == "cpu" else min(GPU_BLOCK, steps)
    first = {form: time_block(runner, 1, case.where) for form, runner in runners.items()}
    for form, runner in runners.items():
        time_block(runner, max(block, WARM_UP) if form == "real" else block, case.where)
    turns: dict[Form, list[tuple[Timing, Timing]]] = {form: [] for form in runners}
    for _ in range(max(1, steps // block)):
        for form, runner in runners.items():
            if form == "real" or not _had_enough(turns[form]):
                turns[form].append(time_block(runner, block, case.where))
    return {
        form: Figures(
            examples=runner.examples,
            steps=runner.steps,
            reading=reading[form],
            first_step=first[form][1].wall,
            assembly=middle([assembly for assembly, _ in turns[form]]),
            step=middle([step for _, step in turns[form]]),
            measured_steps=block * len(turns[form]),
        )
        for form, runner in runners.items()
    }


def _had_enough(turns: list[tuple[Timing, Timing]]) -> bool:
    return len(turns) >= 3 and sum(step.wall for _, step in turns) > PLAIN_SECONDS


def time_block(runner: Contender, count: int, device: torch.device) -> tuple[Timing, Timing]:
    """Return the time of one assembly and of one step, of ``count`` in a row."""
    batches, assembly = timed(lambda: [runner.batch() for _ in range(count)], device)
    _, step = timed(lambda: [runner.step(batch) for batch in batches], device)
    return assembly.times(1 / count), step.times(1 / count)
