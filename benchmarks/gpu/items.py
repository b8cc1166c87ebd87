"""Full and sampled softmax with few and with many items: ``python -m benchmarks.gpu.items``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.gpu.section import Figures, Section, Size, Task, parse
from benchmarks.scale import LOSSES, MAX_LEN
from benchmarks.scale_point import Point, draw, measured_apart, write


def tasks(device: torch.device, size: Size, folder: Path) -> Iterator[Task]:
    """Return the points, each a process of its own, for its peak."""
    for items in reversed(size.items_at_scale):
        for loss in reversed(LOSSES):
            point = Point(
                model="bsarec",
                loss=loss,
                items=items,
                users=size.users_at_scale,
                max_len=size.max_len or MAX_LEN,
                full=False,
                device=device.type,
                threads=1,
                steps=size.steps,
            )
            yield f"{loss} softmax, {items:,} items", partial(measured, point, folder)


def measured(point: Point, folder: Path) -> Figures:
    """Measure a point."""
    file = folder / f"{point.items}.npz"
    if not file.exists():
        write(draw(point), file)
    return {"loss": point.loss, "items": point.items, **measured_apart(point, file)}


if __name__ == "__main__":
    options = parse(__doc__ or "")
    with TemporaryDirectory(prefix="items-") as folder:
        Section("items", options).run(tasks(options.device, options.size, Path(folder)))
