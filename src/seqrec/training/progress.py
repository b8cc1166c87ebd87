"""A progress bar for one epoch, on a terminal only."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from rich.progress import Progress

REFRESH_SECONDS = 0.5


class EpochBar:
    """Shows loss, examples a second and time left; reads the loss from the device twice a second.

    Args:
        epoch: the running epoch.
        max_epochs: the most there will be.
        examples: how many an epoch has.
        shown: whether it is; of several processes one shows it.
    """

    def __init__(self, epoch: int, max_epochs: int, examples: int, *, shown: bool = True) -> None:
        self._bar = _terminal_bar(f"epoch {epoch}/{max_epochs}", examples) if shown else None
        self._done = 0
        self._started = self._last = time.perf_counter()

    def __enter__(self) -> EpochBar:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()

    def advance(self, examples: int, loss: Tensor | None, parts: int = 1) -> None:
        """Count examples; redraw if half a second has passed.

        Args:
            examples: how many more.
            loss: of them, or of one of several parts of them, as it adds to the whole.
            parts: how many.
        """
        self._done += examples
        now = time.perf_counter()
        if not self._bar or now - self._last < REFRESH_SECONDS:
            return
        self._last = now
        speed = f"{self._done / (now - self._started):,.0f}"
        (task,) = self._bar.task_ids
        shown = "-" if loss is None else f"{loss.item() * parts:.4f}"
        self._bar.update(task, completed=self._done, loss=shown, speed=speed)
        self._bar.refresh()


def _terminal_bar(title: str, examples: int) -> Progress | None:
    """Return a bar with one task; None where there is no terminal, or no rich to draw it."""
    if not sys.stderr.isatty():
        return None
    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
    except ModuleNotFoundError:  # a machine that has only what training needs
        return None
    bar = Progress(
        TextColumn(title),
        BarColumn(),
        TextColumn("loss {task.fields[loss]}  {task.fields[speed]} examples/s"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        auto_refresh=False,
    )
    bar.add_task("", total=examples, loss="-", speed="-")
    return bar
