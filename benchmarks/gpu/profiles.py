"""What bounds a training step: ``python -m benchmarks.gpu.profiles --out FOLDER``.

The kernels of some steps by their time, how many there are, and for how much of the step the
device is busy. Without a GPU the operations of the CPU take the place of kernels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.case import Case, prepare
from benchmarks.clock import timed
from benchmarks.gpu.compiled import only_compiled, rehearse
from benchmarks.gpu.made_up import case_of
from benchmarks.gpu.section import Figures, Section, Size, Task, parse
from benchmarks.measure import WARM_UP
from benchmarks.real import Real, read
from benchmarks.settings import PAPERS

STEPS, TOP = 5, 15
BUSY = 0.8
"""Of a step: a device busy for less is waiting for launches."""
PRODUCTS = ("gemm", "cutlass", "matmul", "_mm", "::mm", "bmm", "linear", "cudnn", "xmma", "wgmma")
"""Parts of the names of what multiplies matrices; the other kernels move memory."""


@dataclass(frozen=True)
class Kernel:
    """What one kernel took in all steps."""

    name: str
    count: int
    microseconds: float

    @property
    def multiplies(self) -> bool:
        """Whether it multiplies matrices."""
        return any(part in self.name.lower() for part in PRODUCTS)


def tasks(device: torch.device, size: Size) -> Iterator[Task]:
    """Return a profile of each paper's model, eager and compiled."""
    for compile_, way in (("off", "eager"), ("on", "compiled")):
        for model in PAPERS:
            case = case_of(model, device, size, compile=compile_)
            yield f"{model}, {way}", partial(measured, case)


def measured(case: Case) -> Figures:
    """Return the kernels of a step and what bounds it."""
    prepare(case)
    form = Real(case, read(case))
    batches = [form.batch() for _ in range(STEPS)]

    def work() -> None:
        for batch in batches:
            form.step(batch)

    with only_compiled(case, form):
        for _ in range(max(1, WARM_UP // STEPS)):
            work()
    wall = timed(work, case.where)[1].wall / STEPS
    on_gpu = case.where.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profile(activities=activities) as profiled:
        timed(work, case.where)
    return summary(kernels_of(profiled, on_gpu), wall)


def kernels_of(profiled: Any, on_gpu: bool) -> list[Kernel]:
    """Return the kernels of a profile, longest first; without a GPU the operations."""
    kind = "CUDA" if on_gpu else "CPU"
    kernels = [
        Kernel(
            event.key,
            event.count,
            event.self_device_time_total if on_gpu else event.self_cpu_time_total,
        )
        for event in profiled.key_averages()
        if event.device_type.name == kind
    ]
    return sorted(kernels, key=lambda kernel: -kernel.microseconds)


def summary(kernels: Sequence[Kernel], wall: float) -> Figures:
    """Return what a step of ``wall`` seconds consists of, per step, in milliseconds."""
    busy = sum(kernel.microseconds for kernel in kernels) / STEPS / 1e3
    products = sum(kernel.microseconds for kernel in kernels if kernel.multiplies) / STEPS / 1e3
    launches = sum(kernel.count for kernel in kernels) / STEPS
    return {
        "step_ms": 1e3 * wall,
        "busy_ms": busy,
        "products_ms": products,
        "launches": launches,
        "bound": bound(1e3 * wall, busy, products, launches),
        "kernels": [
            {"name": kernel.name, "count": kernel.count / STEPS, "ms": ms(kernel)}
            for kernel in kernels[:TOP]
        ],
    }


def ms(kernel: Kernel) -> float:
    """Return what a kernel takes of a step."""
    return kernel.microseconds / STEPS / 1e3


def bound(wall: float, busy: float, products: float, launches: float) -> str:
    """Say in a line what bounds a step; milliseconds."""
    facts = f"{launches:.0f} kernels, busy {busy:.2f} of {wall:.2f} ms, products {products:.2f}"
    if busy < BUSY * wall:
        return f"launches ({facts})"
    return f"{'arithmetic' if products > busy / 2 else 'memory'} ({facts})"


if __name__ == "__main__":
    options = parse(__doc__ or "")
    rehearse(options)
    Section("profiles", options).run(tasks(options.device, options.size))
