"""Compiled steps beside eager ones: ``python -m benchmarks.gpu.compiled --out FOLDER``.

Its parts may run beside one another, as no time matters here but that of compiling; what they
compile at the published settings stays in torch's cache for the measurements.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from benchmarks.case import Case
from benchmarks.clock import wait_for
from benchmarks.gpu.made_up import case_of
from benchmarks.gpu.section import Failed, Figures, Options, Section, Size, Task, parse, within
from benchmarks.real import Real, read
from seqrec.models import MODELS

STEPS = 3
LIMITS = {"losses": 1e-3, "way": 5e-2}
LIMITS_OF_DRAWS = {"losses": 2e-1}
"""Of a model that draws inside its loss: compiled, it draws otherwise."""
PRECISIONS = ("fp32", "bf16", "tf32")
STEP_LOG = "seqrec.training.step"


def tasks(device: torch.device, size: Size) -> Iterator[Task]:
    """Return a check for each model, and on a GPU what fills the compiler's cache."""
    for model in MODELS:
        yield f"compiled agrees: {model}", partial(compare, model, device)
    for precision in PRECISIONS if device.type == "cuda" else ():
        for model in MODELS:
            case = case_of(model, device, size, precision=precision, compile="on")
            yield f"compiles: {model}, {precision}", partial(fill_cache, case)


def compare(model: str, device: torch.device) -> Figures:
    """Take the same steps with and without the compiler, cross entropy and no dropout.

    ``losses`` is the largest relative difference, ``way`` the distance of the weights in parts
    of the way that training went.
    """
    case = case_of(model, device, protocol="standard", dropout=False, loss="cross_entropy")
    eager, start, end = trained(case, seed=1)
    compiled, _, other_end = trained(replace(case, compile="on"), seed=1)
    redrawn, _, _ = trained(case, seed=2)
    draws = not torch.equal(eager[0], redrawn[0])
    differences = {"losses": float(((compiled - eager) / eager).abs().max())}
    if draws:
        return within(differences, LIMITS_OF_DRAWS)
    differences["way"] = float((other_end - end).norm() / (end - start).norm())
    return within(differences, LIMITS)


def trained(case: Case, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the losses of some steps on one batch, and all weights before and after."""
    torch.manual_seed(0)
    form = Real(case, read(case))
    batch, start = form.batch(), weights(form)
    torch.manual_seed(seed)
    with only_compiled(case, form):
        losses = [form.step(batch).clone() for _ in range(STEPS)]
    return torch.stack(losses).double(), start, weights(form)


def weights(form: Real) -> Tensor:
    """Return all weights in one row."""
    return torch.cat([weight.detach().flatten().double() for weight in form.model.parameters()])


def fill_cache(case: Case) -> Figures:
    """Take two steps at the published settings: the second is recorded for its replays."""
    form, started = Real(case, read(case)), time.perf_counter()
    with only_compiled(case, form):
        for _ in range(2):
            form.step(form.batch())
        wait_for(case.where)
    return {"compiling_s": time.perf_counter() - started}


@contextmanager
def only_compiled(case: Case, form: Real) -> Iterator[None]:
    """Complain if steps on a GPU were to be compiled and were not.

    Raises:
        Failed: training went on without the compiler.
    """
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger(STEP_LOG).addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger(STEP_LOG).removeHandler(handler)
    if case.compile == "on" and case.where.type == "cuda" and not is_compiled(form):
        raise Failed(lines[0] if lines else "the step was not compiled, without a word")


def is_compiled(form: Real) -> bool:
    """Return whether its steps are."""
    return form.step_of._compiled is not None


def counters(case: Case) -> dict[str, int]:
    """Return what the compiler did so far: graphs, breaks between them, replays it gave up."""
    if case.compile == "off":
        return {}
    from torch._dynamo.utils import counters as counted

    return {
        "graphs": counted["stats"]["unique_graphs"],
        "graph_breaks": sum(counted["graph_break"].values()),
        "cudagraph_skips": counted["inductor"]["cudagraph_skips"],
    }


def rehearse(options: Options) -> None:
    """Without a GPU, take the compiler's way and leave the compiling out: it takes minutes."""
    if options.device.type != "cuda":
        torch.compiler.set_stance("force_eager")


if __name__ == "__main__":
    options = parse(__doc__ or "")
    rehearse(options)
    Section("compiled", options).run(tasks(options.device, options.size))
