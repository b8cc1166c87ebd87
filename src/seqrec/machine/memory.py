"""How much memory there is, and how much this process has had."""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

STATUS = Path("/proc/self/status")
MEMINFO = Path("/proc/meminfo")
GROUP = Path("/sys/fs/cgroup")
KIB, GB = 1024, 1e9


def free_memory(device: torch.device) -> int | None:
    """Return the bytes that a device has left for this process; None where that is not known."""
    if device.type == "cuda":
        import torch

        free, _ = torch.cuda.mem_get_info(device)
        return int(free)
    if device.type != "cpu" or not MEMINFO.exists():
        return None
    rows = (row.split() for row in MEMINFO.read_text().splitlines())
    left = [int(row[1]) * KIB for row in rows if row[0] == "MemAvailable:"]
    return min([*left, *_left_in_group()], default=None)


def _left_in_group() -> list[int]:
    """Return what the control group of a container leaves, if it has a limit."""
    limit, used = GROUP / "memory.max", GROUP / "memory.current"
    try:
        return [int(limit.read_text()) - int(used.read_text())]
    except (OSError, ValueError):  # no group, or "max"
        return []


def highest_resident() -> int:
    """Return the most bytes that this process ever had in main memory."""
    if STATUS.exists():  # ru_maxrss would count what the parent had when it forked
        rows = STATUS.read_text().splitlines()
        highest = [int(row.split()[1]) for row in rows if row.startswith("VmHWM")]
        if highest:  # some sandboxes leave it out
            return highest[0] * KIB
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * KIB


def size_text(count: float) -> str:
    """Return bytes for people."""
    return f"{count / GB:.1f} GB" if count >= GB else f"{count / 1e6:.0f} MB"
