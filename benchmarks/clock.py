"""Times: what passed, and what this process computed meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

import torch

T = TypeVar("T")


@dataclass(frozen=True)
class Timing:
    """Seconds of one piece of work."""

    wall: float
    cpu: float
    """Of all threads of the process: what other programs do meanwhile is not in it."""

    def __add__(self, other: Timing) -> Timing:
        return Timing(self.wall + other.wall, self.cpu + other.cpu)

    def times(self, factor: float) -> Timing:
        """Return the seconds of so many such pieces."""
        return Timing(self.wall * factor, self.cpu * factor)


NONE = Timing(0.0, 0.0)


def timed(work: Callable[[], T], device: torch.device) -> tuple[T, Timing]:
    """Do the work, wait until the device has done it, and return the result and its time."""
    wait_for(device)
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    wait_for(device)
    return result, Timing(time.perf_counter() - wall, time.process_time() - cpu)


def wait_for(device: torch.device) -> None:
    """Return when an accelerator has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def repeated(
    work: Callable[[], object], device: torch.device, seconds: float = 2.0, most: int = 5
) -> Timing:
    """Return the median time of a piece of work, repeated until ``seconds`` are over."""
    timings: list[Timing] = []
    while not timings or (len(timings) < most and sum(t.wall for t in timings) < seconds):
        timings.append(timed(work, device)[1])
    return middle(timings)


def middle(timings: Sequence[Timing]) -> Timing:
    """Return the medians."""
    return Timing(median(t.wall for t in timings), median(t.cpu for t in timings))
