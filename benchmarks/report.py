"""The figures as a table of plain text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.measure import Figures
from benchmarks.memory import Form

SPEED = "examples a second"
HEADS: dict[Form, str] = {"real": "seqrec", "plain": "plain form"}


def table(figures: Mapping[Form, Figures], gpu: bool) -> str:
    """Return one row a figure, one column a form, and how many times better ours is."""
    columns = [rows_of(measured, gpu) for measured in figures.values()]
    heads = [HEADS[form] for form in figures] + ["ratio"] * (len(columns) - 1)
    lines = [_line("", heads)]
    for label in columns[0]:
        values = [column[label] for column in columns]
        cells = [f"{value:{'.3g' if value < 1000 else ',.0f'}}" for value in values]
        cells += [f"{ratio:.3g}" for ratio in _ratios(label, values)]
        lines.append(_line(label, ["–" if cell == "nan" else cell for cell in cells]))
    return "\n".join([*lines, *(_epoch_of(form, measured) for form, measured in figures.items())])


def _epoch_of(form: Form, measured: Figures) -> str:
    """Say what the epoch of a form is."""
    if measured.epochs:
        return f"epoch of {HEADS[form]}: median of {len(measured.epochs)} whole ones"
    return f"epoch of {HEADS[form]}: estimated, {measured.steps} steps and the validation"


def _ratios(label: str, values: list[float]) -> list[float]:
    """Return by which factor the first value beats each of the others."""
    ours, *others = values
    more_is_better = label == SPEED
    return [ours / other if more_is_better else other / ours for other in others]


def _line(label: str, cells: list[str]) -> str:
    return f"{label:<44}" + "".join(f"{cell:>12}" for cell in cells)


def rows_of(measured: Figures, gpu: bool) -> dict[str, float]:
    """Return label → value of one form."""
    rows = {
        "reading + examples, ms": 1e3 * measured.reading.wall,
        "batch assembly, ms": 1e3 * measured.assembly.wall,
        "training step, ms": 1e3 * measured.step.wall,
        "training step, ms of CPU": 1e3 * measured.step.cpu,
        "first step, s": measured.first_step,
        SPEED: measured.examples_per_second,
        "validation, s": measured.evaluation["valid"].wall,
        "validation, s of CPU": measured.evaluation["valid"].cpu,
        "validation and test, s": measured.both_splits.wall,
        "validation and test, s of CPU": measured.both_splits.cpu,
        "epoch, s": measured.epoch.wall,
        "epoch, s of CPU": measured.epoch.cpu,
        "peak memory, training, MiB": measured.peak("training"),
        "peak memory, evaluation, MiB": measured.peak("evaluation"),
    }
    if gpu:
        rows["GPU memory, training, MiB"] = measured.peak("training", "gpu")
        rows["GPU memory, evaluation, MiB"] = measured.peak("evaluation", "gpu")
    return rows


def heading(model: str, data: str, case: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """Return two lines: what was measured, and on what."""
    where = facts.get("gpu") or f"{facts['cpu']}, threads {case['threads']}"
    loss = (case["loss"] or "published loss").replace("_", " ")
    how = f"{case['precision']}, compile {case['compile']}, {loss}"
    return (
        f"{model} on {data}, protocol {case['protocol']}\n"
        f"{how}, {where}, torch {facts['torch']}, commit {facts['commit'] or 'unknown'}"
    )
