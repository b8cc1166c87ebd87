"""Start several processes for one task, and end them together.

What the first one logs comes out here; what a user is meant to read, from any of them, is raised
here; one that dies takes the others with it.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from logging.handlers import QueueHandler, QueueListener
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Concatenate, ParamSpec

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.multiprocessing.spawn import (
    ProcessExitedException,
    ProcessRaisedException,
    start_processes,
)

from seqrec.errors import SeqrecError
from seqrec.machine.processes import Processes, join

P = ParamSpec("P")
Task = Callable[Concatenate[Processes, P], None]
MEETING, FAILURE = "meeting", "failure"
REFUSED = 3
"""Exit status of a process that left a line for the user."""
LOGGER = "seqrec"


def run_together(count: int, device: str, task: Callable[..., None], *arguments: Any) -> None:
    """Let several processes of this machine work on a task, and wait for them.

    Args:
        count: how many.
        device: where, as in ``training.device``.
        task: a function of a module, called with ``Processes`` and the arguments; what it finds
            out it leaves in a file.
        arguments: what can be pickled.

    Raises:
        SeqrecError: one of them raised it, or was killed.
    """
    context = mp.get_context("spawn")
    records = context.Queue()
    logging.getLogger(start_processes.__module__).setLevel(logging.ERROR)  # what it ends is no news
    listener = QueueListener(records, _Here())
    with TemporaryDirectory(prefix="seqrec-") as folder:
        listener.start()
        running = None
        try:
            running = start_processes(
                _enter,
                args=(count, device, folder, records, _threads(count), task, arguments),
                nprocs=count,
                join=False,
                start_method="spawn",
            )
            while not running.join():
                pass
        except (ProcessExitedException, ProcessRaisedException) as error:
            raise _reason(error, Path(folder), count) from None
        finally:
            for process in running.processes if running else ():
                process.kill()
                process.join()
            listener.stop()
            records.close()


class _Here(logging.Handler):
    """Hands records to the loggers of this process."""

    def emit(self, record: logging.LogRecord) -> None:
        logging.getLogger(record.name).handle(record)


def _threads(count: int) -> int | None:
    """Return how many threads each process may have; None: as the user has said."""
    return None if "OMP_NUM_THREADS" in os.environ else max(1, torch.get_num_threads() // count)


def _enter(
    rank: int,
    count: int,
    device: str,
    folder: str,
    records: Any,
    threads: int | None,
    task: Callable[..., None],
    arguments: tuple[Any, ...],
) -> None:
    """Run as one of the processes."""
    for number in (signal.SIGINT, signal.SIGTERM):  # who started it speaks
        signal.signal(number, lambda number, _: os._exit(128 + number))
    _log_to(records if rank == 0 else None)
    if threads:
        torch.set_num_threads(threads)
    try:
        task(join(rank, count, device, str(Path(folder) / MEETING)), *arguments)
    except SeqrecError as error:
        (Path(folder) / f"{FAILURE}-{rank}").write_text(str(error), encoding="utf-8")
        _leave(REFUSED)
    dist.destroy_process_group()


def _leave(status: int) -> None:
    """End the process: a farewell to the others would wait for them."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


def _log_to(records: Any) -> None:
    logger = logging.getLogger(LOGGER)
    logger.handlers = [QueueHandler(records) if records is not None else logging.NullHandler()]
    logger.setLevel(logging.INFO)
    logger.propagate = False


def _reason(error: Exception, folder: Path, count: int) -> Exception:
    """Return what to raise where a process ended before its work was done."""
    for line in sorted(folder.glob(f"{FAILURE}-*")):
        return SeqrecError(line.read_text(encoding="utf-8"))
    if isinstance(error, ProcessExitedException):
        how = error.signal_name or f"with status {error.exit_code}"
        return SeqrecError(
            f"one of {count} processes was ended by {how}, for want of memory perhaps, and the "
            "others with it; the last whole epoch stays, and the same command goes on from there"
        )
    return error
