"""What memory is left, by the system's own files."""

from pathlib import Path

import numpy as np
import pytest
import torch

from seqrec.machine import memory
from seqrec.machine.memory import forget_highest, free_memory, highest_resident, size_text

CPU = torch.device("cpu")


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with 9 MB available, in a group without a limit."""
    (tmp_path / "meminfo").write_text("MemTotal: 16000 kB\nMemAvailable: 9000 kB\n")
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "GROUP", tmp_path)
    return tmp_path


def limited(system: Path, limit: str, used: int) -> None:
    (system / "memory.max").write_text(f"{limit}\n")
    (system / "memory.current").write_text(f"{used}\n")
    rows = {"anon": used, "inactive_file": 1000, "active_file": 200, "slab_reclaimable": 30}
    lines = (f"{name} {count}" for name, count in rows.items())
    (system / "memory.stat").write_text("\n".join(lines))


def test_a_machine_without_groups_has_what_is_available(system: Path) -> None:
    assert free_memory(CPU) == 9000 * 1024


@pytest.mark.parametrize(
    ("limit", "used", "left"),
    [
        ("max", 500, 9000 * 1024),
        ("8000000", 5000000, 3000000 + 1230),  # files in memory are given back
        ("8000000", 9000000, 0),
        ("80000000", 5000000, 9000 * 1024),
    ],
)
def test_a_group_leaves_its_limit_but_for_what_is_used(
    limit: str, used: int, left: int, system: Path
) -> None:
    limited(system, limit, used)
    assert free_memory(CPU) == left


def test_where_nothing_tells_nothing_is_known(
    system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MEMINFO", system / "not there")
    assert free_memory(CPU) is None
    assert free_memory(torch.device("meta")) is None


def test_the_peak_is_what_was_once_there() -> None:
    before = highest_resident()
    held = np.ones(60_000_000 // 8)
    assert highest_resident() >= before
    del held
    forget_highest()
    assert highest_resident() <= before + 60_000_000


def test_sizes_for_people() -> None:
    assert [size_text(count) for count in (2_400_000, 3.14e9)] == ["2 MB", "3.1 GB"]
