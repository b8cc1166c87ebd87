"""A progress bar for one epoch, on a terminal only."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

REFRESH_SECONDS = 0.5


class EpochBar:
    """Shows loss, examples a second and time left; reads the loss from the device twice a second.

    Args:
        epoch: the running epoch.
        max_epochs: the most there will be.
        examples: how many an epoch has.
    """

    def __init__(self, epoch: int, max_epochs: int, examples: int) -> None:
        console = Console(stderr=True)
        self._shown = console.is_terminal
        self._bar = Progress(
            TextColumn(f"epoch {epoch}/{max_epochs}"),
            BarColumn(),
            TextColumn("loss {task.fields[loss]}  {task.fields[speed]} examples/s"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not self._shown,
            auto_refresh=False,
        )
        self._task = self._bar.add_task("", total=examples, loss="-", speed="-")
        self._done = 0
        self._started = self._last = time.perf_counter()

    def __enter__(self) -> EpochBar:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def advance(self, examples: int, loss: Tensor) -> None:
        """Count examples; redraw if half a second has passed."""
        self._done += examples
        now = time.perf_counter()
        if not self._shown or now - self._last < REFRESH_SECONDS:
            return
        self._last = now
        speed = f"{self._done / (now - self._started):,.0f}"
        self._bar.update(self._task, completed=self._done, loss=f"{loss.item():.4f}", speed=speed)
        self._bar.refresh()
