"""What the command lines of the benchmarks share: numbers in range, where figures go, failures."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from seqrec.errors import SeqrecError

if TYPE_CHECKING:  # what watches others from outside stays small: their peaks start there
    import torch

MOST = 100_000_000
"""Of any number asked for: what is above is a slip of the keyboard."""
MOST_THREADS = 1024
PREFIXES = ("error: ", "seqrec.errors.SeqrecError: ")


def whole(least: int = 1, most: int = MOST) -> Callable[[str], int]:
    """Return what reads an option as a whole number in a range, for argparse."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(
                f"should be a whole number from {least:,} to {most:,} (got {text!r})"
            )
        return value

    return read


def check_target(file: Path | None) -> None:
    """Complain before anything is measured if the figures could not be written.

    Raises:
        SeqrecError: the file of ``--json`` cannot be written.
    """
    if file is None:
        return
    if not file.parent.is_dir():
        raise SeqrecError(f"--json {file}: there is no folder {file.parent}; make it first")
    if file.is_dir():
        raise SeqrecError(f"--json {file}: this is a folder; name a file in it")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise SeqrecError(f"--json {file}: this may not be written to; name another file")


def device(name: str) -> torch.device:
    """Return the device of ``--device``.

    Raises:
        SeqrecError: this machine does not have it.
    """
    from seqrec.machine.devices import resolve_device

    try:
        return resolve_device(name)
    except SeqrecError:
        raise SeqrecError(
            f"--device {name}: this machine has no {name} device that torch can use; "
            "choose --device cpu"
        ) from None


def reason(status: int, stderr: str) -> str:
    """Return why a process failed: the last line it wrote, or the signal that ended it.

    Args:
        status: its exit status; below zero, the signal.
        stderr: what it wrote there.
    """
    if status < 0:
        return f"ended by signal {-status}" + (", too little memory?" if status == -9 else "")
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    last = lines[-1] if lines else f"exit status {status}, without a word"
    for prefix in PREFIXES:
        last = last.removeprefix(prefix)
    return last


def status_of(work: Callable[[], object]) -> int:
    """Do the work and return the exit status; what goes wrong is one line on stderr."""
    try:
        work()
    except SeqrecError as error:
        line = str(error)
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and type(error).__name__ != "OutOfMemoryError":
            raise
        line = "too little memory for this; ask for fewer users or items"
    else:
        return 0
    print(f"error: {line}", file=sys.stderr)
    return 1
