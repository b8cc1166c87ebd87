"""What holds on the device: ``python -m benchmarks.gpu.checks --out FOLDER``."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from benchmarks.gpu import agreement, golden, repeat, waiting
from benchmarks.gpu.section import Section, Task, parse


def tasks(device: torch.device) -> Iterator[Task]:
    """Return all checks but those of the compiler, which have a section of their own."""
    for module in (golden, waiting, repeat, agreement):
        yield from module.tasks(device)


if __name__ == "__main__":
    options = parse(__doc__ or "")
    Section("checks", options).run(tasks(options.device))
