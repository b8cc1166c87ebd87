"""Steps, epochs, validation and memory of all models: ``python -m benchmarks.gpu.models``."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import torch

from benchmarks.case import Case, prepare
from benchmarks.clock import Timing, middle, timed
from benchmarks.gpu.compiled import counters, is_compiled, only_compiled, rehearse
from benchmarks.gpu.made_up import case_of
from benchmarks.gpu.section import Figures, NotHere, Section, Size, Task, parse
from benchmarks.measure import GPU_BLOCK, WARM_UP, time_block
from benchmarks.memory import MIB, highest_resident
from benchmarks.real import Real, read
from seqrec.models import MODELS


def tasks(device: torch.device, size: Size) -> Iterator[Task]:
    """Return the measurements."""
    for compile_, precision in size.ways:
        for model in MODELS:
            case = case_of(model, device, size, precision=precision, compile=compile_)
            name = f"{model}, {'compiled' if compile_ == 'on' else 'eager'}, {precision}"
            yield name, partial(measured, case, size)


def measured(case: Case, size: Size) -> Figures:
    """Measure one model in one way; milliseconds, seconds and MiB."""
    on_gpu = case.where.type == "cuda"
    if case.precision == "tf32" and not on_gpu:
        raise NotHere("only CUDA devices have TF32")
    prepare(case)
    _forget_peak(on_gpu)
    before = counters(case)
    form = Real(case, read(case))
    with only_compiled(case, form):
        first = time_block(form, 1, case.where)[1].wall
        assembly, step = _steps(form, case, size.steps)
    training_peak = _peak(on_gpu)
    _forget_peak(on_gpu)
    form.validate("valid")
    validation = timed(lambda: form.validate("valid"), case.where)[1]
    estimate = form.steps * (assembly + step).wall + validation.wall
    return {
        "model": case.model,
        "precision": case.precision,
        "compile": case.compile,
        "compiled": is_compiled(form),
        "compiler": {name: count - before[name] for name, count in counters(case).items()},
        "first_step_s": first,
        "assembly_ms": 1e3 * assembly.wall,
        "step_ms": 1e3 * step.wall,
        "examples_per_second": form.examples / form.steps / (assembly + step).wall,
        "steps_an_epoch": form.steps,
        "validation_s": validation.wall,
        "epoch_estimated_s": estimate,
        "epoch_s": _epoch(form, case) if estimate < size.epoch_seconds else None,
        "training_mib": training_peak,
        "evaluation_mib": _peak(on_gpu),
    }


def _steps(form: Real, case: Case, steps: int) -> tuple[Timing, Timing]:
    """Return the median time of assembling a batch and of a step."""
    block = min(GPU_BLOCK, steps) if case.where.type == "cuda" else 1
    time_block(form, min(WARM_UP, steps), case.where)
    turns = [time_block(form, block, case.where) for _ in range(max(1, steps // block))]
    return middle([assembly for assembly, _ in turns]), middle([step for _, step in turns])


def _epoch(form: Real, case: Case) -> float:
    """Return the seconds of an epoch that is really run, with its validation."""

    def work() -> float:
        for _ in range(form.steps):
            form.step(form.batch())
        return form.validate("valid")

    form.order.clear()
    value, timing = timed(work, case.where)
    if not math.isfinite(value):
        raise ValueError(f"{case.model}: NDCG is {value} after an epoch")
    return timing.wall


def _forget_peak(on_gpu: bool) -> None:
    if on_gpu:
        torch.compiler.reset()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _peak(on_gpu: bool) -> float:
    """Return the most MiB of the device; without one, of the process."""
    return torch.cuda.max_memory_allocated() / MIB if on_gpu else highest_resident()


if __name__ == "__main__":
    options = parse(__doc__ or "")
    rehearse(options)
    Section("models", options).run(tasks(options.device, options.size))
