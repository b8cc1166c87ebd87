"""Watch a command from outside: what each of its stages takes."""

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.asking import reason
from seqrec.errors import SeqrecError

EVERY = 0.05
"""Seconds between two looks."""
START = "start-up"
MB = 1024**2
MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024


@dataclass
class Cost:
    """What a stage took."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """User and system, all threads."""
    peak_mb: float = 0.0
    """Most resident memory at any look; of the whole run: as the system counted it."""
    spilled_mb: float = 0.0
    """Most at any look in the spill folder."""


@dataclass
class Observation:
    """What a command took, stage by stage in their order, and as a whole."""

    stages: dict[str, Cost] = field(default_factory=dict)
    whole: Cost = field(default_factory=Cost)
    cores_of_others: float = 0.0
    """How many cores other processes kept busy meanwhile, on average."""

    def as_values(self) -> dict[str, Any]:
        """Return it for JSON: the whole, and the stages below."""
        stages = {name: asdict(stage) for name, stage in self.stages.items()}
        return {**asdict(self.whole), "cores_of_others": self.cores_of_others, "stages": stages}


def observe(
    command: list[str],
    folder: Path,
    stage_of: Callable[[str], str | None],
    environment: dict[str, str],
    spill: Path | None = None,
) -> Observation:
    """Run a command and return what it took.

    Args:
        command: the program and its arguments.
        folder: the working folder.
        stage_of: the name of the stage that a line of its stderr opens, or None.
        environment: the command's environment variables.
        spill: the folder whose size is watched.

    Raises:
        SeqrecError: the command failed; the message ends with the last line it wrote to stderr.
    """
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    watch = _Watch(process.pid, spill)
    stderr: list[str] = []
    lines = _lines(process)
    while (line := _next(lines)) is not None:
        stderr.append(line)
        if name := stage_of(line):
            watch.open(name)
        watch.look()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        why = reason(process.returncode, "".join(stderr))
        raise SeqrecError(f"{' '.join(command)} failed: {why}")
    return watch.close(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * MAXRSS_BYTES / MB)


def _lines(process: subprocess.Popen[str]) -> "queue.Queue[str | None]":
    """Return a queue that gets the lines of stderr as they come, and None at their end."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert process.stderr is not None  # a pipe
        for line in process.stderr:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    return lines


def _next(lines: "queue.Queue[str | None]") -> str | None:
    """Return the next line, an empty one if none came for a while."""
    try:
        return lines.get(timeout=EVERY)
    except queue.Empty:
        return ""


def _busy_seconds() -> float:
    """Return what all processes of the machine have computed so far."""
    times = psutil.cpu_times()
    return float(times.user + times.system)


class _Watch:
    """Looks at a process, and books what it took on the open stage."""

    def __init__(self, pid: int, spill: Path | None) -> None:
        self.process = psutil.Process(pid)
        self.spill = spill
        self.observation = Observation()
        self.started = self.since = time.perf_counter()
        self.spent = 0.0
        self.busy = _busy_seconds()
        self.stage = self.observation.stages[START] = Cost()

    def open(self, name: str) -> None:
        """End the open stage and begin another."""
        times = self.process.cpu_times()
        self._book(times.user + times.system)
        self.stage = self.observation.stages[name] = Cost()

    def look(self) -> None:
        """Note memory and spilled files."""
        self.stage.peak_mb = max(self.stage.peak_mb, self.process.memory_info().rss / MB)
        self.stage.spilled_mb = max(self.stage.spilled_mb, self._spilled())

    def close(self, cpu_seconds: float, peak_mb: float) -> Observation:
        """End the last stage; the whole is as the system counted it."""
        self._book(cpu_seconds)
        spilled = max(stage.spilled_mb for stage in self.observation.stages.values())
        seconds = self.since - self.started
        self.observation.whole = Cost(seconds, cpu_seconds, peak_mb, spilled)
        others = _busy_seconds() - self.busy - cpu_seconds
        self.observation.cores_of_others = max(others / seconds, 0.0)
        return self.observation

    def _book(self, cpu_seconds: float) -> None:
        now = time.perf_counter()
        self.stage.seconds, self.stage.cpu_seconds = now - self.since, cpu_seconds - self.spent
        self.since, self.spent = now, cpu_seconds

    def _spilled(self) -> float:
        if self.spill is None or not self.spill.is_dir():
            return 0.0
        total = 0
        for file in self.spill.rglob("*.tmp"):
            try:
                total += file.stat().st_blocks * 512
            except FileNotFoundError:
                continue  # it went in this moment
        return total / MB
