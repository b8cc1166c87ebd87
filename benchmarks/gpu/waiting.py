"""Whether nothing in a training step or a ranking waits for the device.

On a GPU torch is told to raise where it would wait. Without one the tensors have no values
(device "meta"), so that whatever asks for one raises; the code takes the same way there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch

from benchmarks.gpu.made_up import case_of
from benchmarks.gpu.section import Figures, Task
from benchmarks.real import build, distillation, ranker, read, training_of
from benchmarks.settings import PAPERS
from seqrec.evaluation.ranking import target_ranks
from seqrec.models import MODELS, model_class
from seqrec.training.loop import training_batches
from seqrec.training.objective import item_loss
from seqrec.training.step import TrainingStep

STEPS = 2
"""The first of which may wait: libraries are loaded in it."""


def tasks(device: torch.device) -> Iterator[Task]:
    """Return two checks for each model and protocol.

    Without a GPU they are few: tests/training/test_no_waiting.py has what can be told without one.
    """
    on_gpu = device.type == "cuda"
    keep_step = [name for name in MODELS if not model_class(name).looks_things_up]
    for model in keep_step if on_gpu else PAPERS:
        for protocol in ("authors", "standard") if on_gpu else ("standard",):
            name = f"{model}, {protocol}"
            yield f"no step waits: {name}", partial(step, model, protocol, device)
            yield f"no ranking waits: {name}", partial(ranking, model, protocol, device)


def step(model_name: str, protocol: str, device: torch.device) -> Figures:
    """Take some steps, gathering their batches."""
    case, where = case_of(model_name, device, protocol=protocol), place(device)
    sequences, model = read(case), build(case, where).train()
    options: Any = training_of(case)
    take_step = TrainingStep(
        model,
        options,
        where,
        distillation=distillation(case, sequences, where=where),
        item_loss=item_loss(options, model, sequences, where),
    )
    batches = training_batches(sequences, model, where)
    parts = torch.split(batches.shuffled(), 16)[:STEPS]
    for number, rows in enumerate(parts):
        with no_waiting(where if number else None):
            take_step(batches.gather(rows))
    return {"steps": len(parts)}


def ranking(model_name: str, protocol: str, device: torch.device) -> Figures:
    """Rank a split twice, all but the last copy to the host."""
    case, where = case_of(model_name, device, protocol=protocol), place(device)
    model = build(case, where)
    ranks_of = ranker(case, read(case), model, "valid", where)
    for warm in (False, True):
        with no_waiting(where if warm else None):
            parts = [
                (part.rows, target_ranks(part.scores, part.targets))
                for part in ranks_of.scored(model)
            ]
            ranks_of.in_order(parts)
    return {"batches": len(parts)}


def place(device: torch.device) -> torch.device:
    """Return where waiting is noticed."""
    return device if device.type == "cuda" else torch.device("meta")


@contextmanager
def no_waiting(device: torch.device | None) -> Iterator[None]:
    """Let torch raise where it would wait for a GPU."""
    if device is None or device.type != "cuda":
        yield
        return
    torch.cuda.synchronize(device)
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")
