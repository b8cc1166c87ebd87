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
