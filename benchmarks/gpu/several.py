"""Several processes on one GPU: ``python -m benchmarks.gpu.several``.

Two processes share the device, and gloo carries the gradients by way of the host; NCCL wants a GPU
for each, and is tried where there are two.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.case import Case
from benchmarks.gpu.made_up import case_of
from benchmarks.gpu.section import Failed, Figures, NotHere, Section, Size, Task, parse
from benchmarks.processes import taken

MODELS = ("bsarec", "mqsa_ted", "sasrec_ce")
FEWEST_STEPS = 4
CLOSE = 1e-3
"""Of the last losses, relative: after so many steps in fp32 without dropout."""


def tasks(device: torch.device, size: Size, folder: Path) -> Iterator[Task]:
    """Return the comparisons, and what takes a second GPU."""
    for model in MODELS[: size.models_in_several]:
        case = case_of(model, device, size, protocol="standard", dropout=False, compile="off")
        yield f"two processes: {model}", partial(compared, case, size, folder)
    yield "two processes, a GPU each: nccl", two_gpus


def compared(case: Case, size: Size, folder: Path) -> Figures:
    """Train in one process and in two; their losses have to agree.

    Raises:
        Failed: they do not.
    """
    steps = max(FEWEST_STEPS, size.steps)
    one, two = (taken(case, count, folder, steps) for count in (1, 2))
    figures = {
        "model": case.model,
        "step_ms": [1e3 * form["step"] for form in (one, two)],
        "validation_s": [form["validation"] for form in (one, two)],
        "loss": [form["loss"] for form in (one, two)],
    }
    apart = abs(one["loss"] - two["loss"]) / abs(one["loss"])
    if not apart <= CLOSE:
        raise Failed(f"the losses are {apart:.2g} apart, allowed {CLOSE:.2g}", figures)
    return figures


def two_gpus() -> Figures:
    """Say that it takes two.

    Raises:
        NotHere: there are fewer; with more the tasks above have used nccl.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count < 2:
        raise NotHere(f"it takes two GPUs, here are {count}")
    return {"gpus": count, "nccl": torch.distributed.is_nccl_available()}


if __name__ == "__main__":
    options = parse(__doc__ or "")
    with TemporaryDirectory(prefix="several-") as folder:
        Section("several", options).run(tasks(options.device, options.size, Path(folder)))
