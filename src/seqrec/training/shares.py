"""What a process takes of every batch where several train one model.

A batch is that of one process, drawn alike on all of them; each takes its share of the rows, and
the gradients add up to those of the whole batch: a share's mean loss counts by how many of the
batch's targets it holds, a distillation's by how many of the heads.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from seqrec.batches import Batch
from seqrec.batches.packing import PackedBatch, PackedHistories
from seqrec.machine.processes import Processes

AnyBatch = Batch | PackedBatch | PackedHistories
TOGETHER = 1 << 16
"""Elements of a gradient below which it travels with others."""
NONE, DENSE, SPARSE = range(3)


class Share(NamedTuple):
    """A process's part of a batch."""

    batch: AnyBatch | None
    """None: it got nothing."""
    weights: Tensor
    """(2,) which part of the batch's targets it holds, and of its heads."""


def share_of(batch: AnyBatch, processes: Processes) -> Share:
    """Return what a process takes of a batch: every so many rows."""
    part = batch.part(processes.rank, processes.size)
    counts = [torch.stack([each.count_targets(), _heads(each)]) for each in (part, batch)]
    weights = counts[0].double() / counts[1].clamp(min=1)
    return Share(part if part.holds_any() else None, weights)


def _heads(batch: AnyBatch) -> Tensor:
    return (batch.heads != 0).sum()


class GradientSum:
    """Adds up the gradients of all processes, so that all of them take the same step.

    Small ones travel together; of sparse ones only their rows do.

    Args:
        parameters: what is trained.
        processes: this one and the others.
    """

    def __init__(self, parameters: Iterable[Tensor], processes: Processes) -> None:
        self.parameters, self.processes = list(parameters), processes
        self._kinds: list[int] | None = None

    def __call__(self) -> None:
        """Do it; a process whose share was empty has no gradients of its own, and gets them."""
        kinds = self._kinds or self._find_kinds()
        if any(kinds):  # else nobody had a target
            self._kinds = kinds
        dense: list[Tensor] = []
        for parameter, kind in zip(self.parameters, kinds, strict=True):
            if kind == SPARSE:
                self._sum_rows(parameter)
            elif kind == DENSE:
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
                dense.append(parameter.grad)
        self._sum_dense(dense)

    def _find_kinds(self) -> list[int]:
        """Return what gradient each parameter has on any process: the same in all steps."""
        kinds = torch.tensor([_kind(parameter.grad) for parameter in self.parameters])
        found: list[int] = self.processes.most(kinds.to(self.parameters[0].device)).tolist()
        return found

    def _sum_dense(self, gradients: list[Tensor]) -> None:
        large = [gradient for gradient in gradients if gradient.numel() >= TOGETHER]
        small = [gradient for gradient in gradients if gradient.numel() < TOGETHER]
        flat = torch.cat([gradient.flatten() for gradient in small]) if small else None
        self.processes.sums(large if flat is None else [*large, flat])
        if flat is not None:
            sizes = [gradient.numel() for gradient in small]
            for gradient, values in zip(small, flat.split(sizes), strict=True):
                gradient.copy_(values.view_as(gradient))

    def _sum_rows(self, table: Tensor) -> None:
        """Let a sparse gradient hold the rows of all processes."""
        if table.grad is None:
            rows = torch.zeros(0, dtype=torch.long, device=table.device)
            values = table.new_zeros(0, table.shape[1])
        else:
            rows, values = table.grad._indices()[0], table.grad._values()
        joined = self.processes.joined(rows)[None], self.processes.joined(values)
        table.grad = torch.sparse_coo_tensor(*joined, table.shape, check_invariants=False)


def _kind(gradient: Tensor | None) -> int:
    if gradient is None:
        return NONE
    return SPARSE if gradient.is_sparse else DENSE


class Draws:
    """What the processes of a training draw in common: the order, a share of the targets, masks.

    The rest, dropout say, each draws for itself from torch's global generator. So does a process
    that works alone, with all of it: the common draws are those that it would make.
    """

    def __init__(self, processes: Processes, device: torch.device) -> None:
        self.processes = processes
        kinds = {"cpu", device.type} if not processes.alone else set()
        self.generators = {kind: torch.Generator(kind) for kind in kinds}

    def start(self, seed: int) -> None:
        """Begin an epoch with its seed."""
        for generator in self.generators.values():
            generator.manual_seed(seed)
        torch.manual_seed(seed if self.processes.alone else _own_seed(seed, self.processes.rank))

    def on(self, device: torch.device) -> torch.Generator | None:
        """Return the common generator for a device; None: the global one."""
        return self.generators.get(device.type)


def _own_seed(seed: int, rank: int) -> int:
    return int(np.random.SeedSequence([seed, rank]).generate_state(1, np.uint64)[0] >> 1)
