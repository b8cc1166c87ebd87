"""Locks of processes that are at work, and of one that was killed."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from seqrec.errors import SeqrecError
from seqrec.machine.locks import RunLocks

HOLDER = """
import sys
from pathlib import Path
from seqrec.machine.locks import RunLocks

locks = RunLocks()
locks.take([Path("data/a")], Path("locks"))
locks.sweep(Path("data/spill"))
print("held", flush=True)
sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")},
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_is_told_who_is_at_work_and_a_dead_process_holds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = holder(tmp_path), RunLocks()
    with first:
        message = rf"another run is at work on {tmp_path}/data/a \(process {first.pid}\); wait"
        with pytest.raises(SeqrecError, match=message):
            second.take([Path("data/0"), Path("data/a")], Path("locks"))
        second.take([Path("data/b"), Path("data/0")], Path("locks"))
        second.release()
        os.kill(first.pid, signal.SIGKILL)
    second.take([Path("data/a")], Path("locks"))
    second.release()
    assert list((tmp_path / "locks").iterdir()) == []


def test_what_a_killed_run_left_goes_but_not_while_another_one_spills(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spill = tmp_path / "data/spill"
    (spill / "ingestion-demo-x").mkdir(parents=True)
    (spill / "ingestion-demo-x" / "half").touch()
    (spill / "mine.txt").touch()
    with holder(tmp_path) as first:
        assert sorted(path.name for path in spill.iterdir()) == [".in-use", "mine.txt"]
        for name in ("ingestion-demo-y.parquet", "duckdb_temp_storage_DEFAULT-0.tmp"):
            (spill / name).touch()
        second = RunLocks()
        second.sweep(spill)
        second.release()
        assert len(list(spill.iterdir())) == 4
        os.kill(first.pid, signal.SIGKILL)
    second.sweep(spill)
    second.release()
    assert [path.name for path in spill.iterdir()] == ["mine.txt"]


def test_what_is_spilled_stays_where_another_run_ended_as_this_one_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last one takes the file away after the next has opened it, before it has locked it."""
    monkeypatch.chdir(tmp_path)
    ending, beginning, third = RunLocks(), RunLocks(), RunLocks()
    spill, spilled = tmp_path / "data/spill", tmp_path / "data/spill/duckdb_temp_storage-0.tmp"
    ending.sweep(spill)
    flock, shared = fcntl.flock, fcntl.LOCK_SH

    def end_before_it_is_shared(file: int, kind: int) -> None:
        if kind == shared:
            monkeypatch.setattr(fcntl, "flock", flock)
            ending.release()
        flock(file, kind)

    monkeypatch.setattr(fcntl, "flock", end_before_it_is_shared)
    beginning.sweep(spill)
    assert fcntl.flock is flock, "it ended in between"
    spilled.touch()
    third.sweep(spill)
    assert spilled.exists()
    third.release()
    beginning.release()
    assert list(spill.iterdir()) == [spilled]


@pytest.mark.parametrize("name", ["elsewhere", "data", "."])
def test_a_folder_that_others_may_use_is_left_as_it_is(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / name
    (folder / "ingestion-of-another-program").mkdir(parents=True)
    (folder / "duckdb_temp_storage_DEFAULT-0.tmp").touch()
    before = sorted(path.name for path in folder.iterdir())
    locks = RunLocks()
    locks.sweep(folder)
    locks.release()
    assert sorted(path.name for path in folder.iterdir()) == before


def test_where_no_lock_can_be_written_one_line_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SeqrecError, match=r"cannot write .*lock: Not a directory; let the folder"):
        RunLocks().take([tmp_path / "a"], tmp_path / "file" / "locks")
