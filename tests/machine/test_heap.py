"""Keeping freed memory: where it is possible, and whose word counts."""

import os
import platform
import subprocess
import sys

import pytest

from seqrec.machine import heap


def test_the_users_own_limits_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "131072")
    assert heap.keep_freed_memory() is False


def test_without_glibc_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap, "_c_library", lambda: None)
    assert heap.keep_freed_memory() is False


def test_glibc_takes_the_limits() -> None:
    """In a process of its own, for they hold for all of it; glibc refuses what is out of range."""
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("no glibc here")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
    code = "from seqrec.machine.heap import keep_freed_memory; print(keep_freed_memory())"
    command = [sys.executable, "-c", code]
    finished = subprocess.run(command, env=clean, capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "True"


def test_freed_memory_is_given_back() -> None:
    """Small arrays that were freed between others that stay, in a process of its own."""
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("no glibc here")
    code = """
from pathlib import Path
from seqrec.machine.heap import give_back_freed_memory
resident = lambda: int(Path("/proc/self/statm").read_text().split()[1]) * 4096
blocks = [bytearray(60_000) for _ in range(2000)]
kept = blocks[::2]
del blocks
before = resident()
assert give_back_freed_memory()
print(before - resident())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 40e6


def test_without_glibc_nothing_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap, "_c_library", lambda: None)
    assert heap.give_back_freed_memory() is False
