"""How much memory there is, and how much this process has had."""

from __future__ import annotations

import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

STATUS = Path("/proc/self/status")
MEMINFO = Path("/proc/meminfo")
GROUP = Path("/sys/fs/cgroup")
CLEAR = Path("/proc/self/clear_refs")
PEAK = "5"
"""What lets the peak begin anew, written there."""
GIVEN_BACK = ("inactive_file", "active_file", "slab_reclaimable")
KIB, GB = 1024, 1e9


def free_memory(device: torch.device) -> int | None:
    """Return the bytes that a device has left for this process; None where that is not known."""
    if device.type == "cuda":
        import torch

        free, _ = torch.cuda.mem_get_info(device)
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free) + kept  # by torch, for this process
    if device.type != "cpu" or not MEMINFO.exists():
        return None
    rows = (row.split() for row in MEMINFO.read_text().splitlines())
    left = [int(row[1]) * KIB for row in rows if row[0] == "MemAvailable:"]
    return min([*left, *_left_in_group()], default=None)


def _left_in_group() -> list[int]:
    """Return what the control group of a container leaves, if it has a limit.

    What of files lies in memory is counted there, and given back where it is needed.
    """
    try:
        limit, used = (int((GROUP / name).read_text()) for name in ("memory.max", "memory.current"))
        rows = (row.split() for row in (GROUP / "memory.stat").read_text().splitlines())
        given_back = sum(int(count) for name, count in rows if name in GIVEN_BACK)
    except (OSError, ValueError):  # no group, or "max"
        return []
    return [max(0, limit - used + given_back)]


def highest_resident() -> int:
    """Return the most bytes that this process ever had in main memory."""
    if STATUS.exists():  # ru_maxrss would count what the parent had when it forked
        rows = STATUS.read_text().splitlines()
        highest = [int(row.split()[1]) for row in rows if row.startswith("VmHWM")]
        if highest:  # some sandboxes leave it out
            return highest[0] * KIB
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * KIB


def forget_highest() -> None:
    """Let the peak begin anew, where the system can."""
    with suppress(OSError):
        CLEAR.write_text(PEAK)


def size_text(count: float) -> str:
    """Return bytes for people."""
    return f"{count / GB:.1f} GB" if count >= GB else f"{count / 1e6:.0f} MB"
