"""Several processes at one task: which of them this is, and what they tell each other.

A process that works alone tells nobody anything, and pays for nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.distributed as dist
from torch import Tensor

from seqrec.errors import SeqrecError
from seqrec.machine.devices import resolve_device


@dataclass(frozen=True)
class Processes:
    """One of several processes that go through the same steps."""

    rank: int = 0
    """From 0."""
    size: int = 1

    @property
    def alone(self) -> bool:
        """Whether there are no others."""
        return self.size == 1

    @property
    def first(self) -> bool:
        """Whether this one speaks and writes for all."""
        return self.rank == 0

    def sum(self, tensor: Tensor) -> Tensor:
        """Add up a tensor of all processes, in place; all get the same bits."""
        if not self.alone:
            dist.all_reduce(tensor)
        return tensor

    def sums(self, tensors: Iterable[Tensor]) -> None:
        """Add up tensors of all processes, in place, each as by ``sum``, without waiting between.

        One wait takes longer than what a small tensor takes.
        """
        if not self.alone:
            for work in [dist.all_reduce(tensor, async_op=True) for tensor in tensors]:
                work.wait()

    def most(self, tensor: Tensor) -> Tensor:
        """Take the largest values of a tensor of all processes, in place."""
        if not self.alone:
            dist.all_reduce(tensor, op=dist.ReduceOp.MAX)
        return tensor

    def as_first(self, tensors: Iterable[Tensor]) -> None:
        """Give tensors the values that the first process has."""
        if not self.alone:
            for tensor in tensors:
                dist.broadcast(tensor.detach(), src=0)

    def joined(self, rows: Tensor) -> Tensor:
        """Return the rows (n, …) of all processes, one's behind the other's; n may differ."""
        if self.alone:
            return rows
        counts = torch.zeros(self.size, dtype=torch.long, device=rows.device)
        counts[self.rank] = len(rows)
        lengths = self.sum(counts).tolist()
        padded = rows.new_zeros(max(lengths), *rows.shape[1:])
        padded[: len(rows)] = rows
        parts = [torch.empty_like(padded) for _ in range(self.size)]
        dist.all_gather(parts, padded)
        return torch.cat([part[:length] for part, length in zip(parts, lengths, strict=True)])

    def names(self, names: Iterable[str]) -> list[str]:
        """Return the names that any process has, in order."""
        if self.alone:
            return sorted(names)
        told: list[list[str]] = [[] for _ in range(self.size)]
        dist.all_gather_object(told, list(names))
        return sorted({name for each in told for name in each})

    def check_same(self, number: int, what: str) -> None:
        """Raise a SeqrecError on all processes where they do not have the same number."""
        if self.alone:
            return
        told: list[int] = [0] * self.size
        dist.all_gather_object(told, number)
        if len(set(told)) > 1:
            raise SeqrecError(
                f"the {self.size} processes see different {what} ({', '.join(map(str, told))}); "
                "they need the same data/ folder, on all machines"
            )


ALONE = Processes()


def join(rank: int, size: int, device: str, meeting: str | None = None) -> Processes:
    """Meet the other processes, and return which one this is.

    Args:
        rank: which one this is to be.
        size: how many there are.
        device: where they compute, as in ``training.device``; each has a GPU of its own as long as
            there are enough.
        meeting: a file in which they find each other; None: as torchrun's environment says.
    """
    on_gpu = device != "cpu" and torch.cuda.is_available()
    enough = False
    if on_gpu:
        gpus = torch.cuda.device_count()
        local = int(os.environ.get("LOCAL_RANK", rank))
        torch.cuda.set_device(local % gpus)
        enough = int(os.environ.get("LOCAL_WORLD_SIZE", size)) <= gpus
    dist.init_process_group(
        "nccl" if on_gpu and enough else "gloo",  # nccl wants a GPU for each
        init_method=f"file://{meeting}" if meeting else "env://",
        rank=rank,
        world_size=size,
    )
    return Processes(rank, size)


def count_of(processes: int | Literal["auto"], device: str) -> int:
    """Return how many processes ``training.processes`` means on this machine.

    Args:
        processes: a number, or ``auto``: one for each GPU, if that is where to compute.
        device: as in ``training.device``.

    Raises:
        SeqrecError: several, where they could not tell each other anything.
    """
    if processes == 1:
        return 1
    where = resolve_device(device).type
    if processes == "auto":
        return torch.cuda.device_count() if where == "cuda" else 1
    if where == "mps":
        raise SeqrecError(
            f"training.processes={processes} works on CPUs and CUDA devices, not on mps; "
            "choose training.device=cpu, or one process"
        )
    return processes


def of_torchrun() -> Processes | None:
    """Return which process of torchrun this is; None where it did not start it, or it is alone."""
    size = int(os.environ.get("WORLD_SIZE", 1))
    if size < 2 or "RANK" not in os.environ or "TORCHELASTIC_RUN_ID" not in os.environ:
        return None
    return Processes(int(os.environ["RANK"]), size)


def joined_by_torchrun(device: str) -> Processes | None:
    """Meet the other processes of torchrun, once, and return which one this is; None without it."""
    processes = of_torchrun()
    if processes and not dist.is_initialized():
        join(processes.rank, processes.size, device)
    return processes
