"""SIGTERM and Ctrl-C: the program ends in one line, also where a library does not listen.

Python's handlers wait until the main thread is back from C. A long query, sort or product may keep
it for minutes: then a second thread ends the process itself, as hard as kill -9, which leaves
nothing half written (see docs/reliability.md). An engine may also hear the signal and then wait
for its own threads, on the way out or when the interpreter takes itself down: there the system's
alarm ends the process, and the end of the interpreter is left out.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

GRACE = 8.0
"""Seconds until the main thread has to be back; supervisors commonly kill after ten."""
ENDED = b"\0"
NAMES = {signal.SIGTERM: "SIGTERM", signal.SIGINT: "Ctrl-C"}


def _deaf_in_forks() -> None:
    """Let a fork not write its signals into the pipe of the process it comes from."""
    with suppress(ValueError):  # not the main thread's
        signal.set_wakeup_fd(-1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_deaf_in_forks)


class Terminated(KeyboardInterrupt):
    """The process was told to end."""

    came = False
    """Whether it was: an engine that is interrupted does not say by what."""


def line_of(number: int) -> str:
    """Return what a program says when a signal ends it."""
    name = NAMES[signal.Signals(number)]
    return f"error: stopped by {name}; whole files stayed, and the same command goes on from there"


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, and either end it within ``GRACE`` seconds."""
    if threading.current_thread() is not threading.main_thread():  # Python's own rule
        yield
        return
    heard = threading.Event()
    Terminated.came = False

    def stop(*_: object) -> None:
        heard.set()
        _set_alarm(GRACE)
        Terminated.came = True
        raise Terminated

    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, stop)}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:

        def interrupt(number: int, frame: Any) -> None:
            heard.set()
            _set_alarm(GRACE)
            signal.default_int_handler(number, frame)

        before[signal.SIGINT] = signal.signal(signal.SIGINT, interrupt)
    try:
        with _watching(heard, set(before)):
            yield
    finally:
        _set_alarm(0.0)
        for number, handler in before.items():
            signal.signal(number, handler)
        if heard.is_set():
            leave_at_once(signal.SIGTERM if Terminated.came else signal.SIGINT)


def _set_alarm(seconds: float) -> None:
    """Let the system end the process after so many seconds, without Python; 0: not any more."""
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)


def leave_at_once(number: signal.Signals) -> None:
    """Let the interpreter end without taking itself down, where engines wait for their threads."""

    def leave() -> None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        os._exit(128 + number)

    atexit.register(leave)


@contextmanager
def _watching(heard: threading.Event, numbers: set[signal.Signals]) -> Iterator[None]:
    """Run the thread that ends the process where the main thread does not hear of a signal."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    former = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    watcher = threading.Thread(
        target=_watch, args=(reading, heard, numbers), name="signals", daemon=True
    )
    watcher.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(former)
        os.write(writing, ENDED)  # closing is not enough: a fork may hold the pipe too
        watcher.join()
        os.close(writing)
        os.close(reading)


def _watch(reading: int, heard: threading.Event, numbers: set[signal.Signals]) -> None:
    while (number := os.read(reading, 1)) not in (b"", ENDED):
        if number[0] in numbers and not heard.wait(GRACE):
            with suppress(Exception):
                sys.stderr.write(f"{line_of(number[0])}\n")
                sys.stderr.flush()
            os._exit(128 + number[0])
