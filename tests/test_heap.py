"""Keeping freed memory: where it is possible, and whose word counts."""

import os
import subprocess
import sys

import pytest

from seqrec import heap


def test_the_users_own_limits_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "131072")
    assert heap.keep_freed_memory() is False


def test_without_glibc_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap, "_c_library", lambda: None)
    assert heap.keep_freed_memory() is False


FAULTS = """
import resource, sys, torch
from seqrec.heap import keep_freed_memory
if sys.argv[1] == "keep" and not keep_freed_memory():
    print(-1)
    sys.exit()
def step():
    arrays = [torch.ones(3_000_000) for _ in range(6)]
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(mode: str) -> int:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
    command = [sys.executable, "-c", FAULTS, mode]
    found = subprocess.run(command, env=clean, capture_output=True, text=True, check=True)
    return int(found.stdout)


def test_kept_memory_costs_fewer_page_faults() -> None:
    """Six arrays of 12 MB, freed and made again five times."""
    kept = faults("keep")
    if kept < 0:
        pytest.skip("no glibc here")
    assert kept < 0.8 * faults("give back")
