"""Who is at work: locks that go with the process that holds them, however it ends."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from seqrec.errors import SeqrecError

try:
    import fcntl
except ImportError:  # Windows: nobody is kept out there
    fcntl = None  # type: ignore[assignment]

DATA = Path("data")
LOCKS = DATA / "tmp/locks"
LEFT_OVER = ("ingestion-*", "recommendation-*.parquet", "duckdb_temp_*", "tables-on-spark-*")
"""What runs put into the folder for what spills, and leave there only if they are killed."""
IN_USE = ".in-use"


class RunLocks:
    """What one process holds: the folders it writes, and that it may spill."""

    def __init__(self) -> None:
        self._held: list[tuple[Path, int]] = []
        self._spilling: tuple[Path, int] | None = None

    def take(self, folders: Iterable[Path], locks: Path = LOCKS) -> None:
        """Hold the folders; nobody else writes there until ``release``, or the process's end.

        Args:
            folders: that are written.
            locks: the folder of the locks.

        Raises:
            SeqrecError: another process is at work on one of them, or no lock can be written.
        """
        if fcntl is None:
            return
        for folder in sorted({folder.resolve() for folder in folders}):
            path = locks / f"{'+'.join(folder.parts[-5:]).replace('/', '')}.lock"
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                lock = _locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if lock is not None:
                    self._held.append((path, lock))
                    _sign(lock)
            except OSError as error:
                self.release()
                raise SeqrecError(
                    f"cannot write {path}: {error.strerror or error}; let the folder be written, "
                    "or run in another one"
                ) from None
            if lock is None:
                self.release()
                raise SeqrecError(_at_work(path, folder))

    def sweep(self, spill: Path) -> None:
        """Remove what killed runs left in a folder for what spills, unless a run is using it.

        A folder outside the project is left as it is: other programs may work there.
        """
        if fcntl is None or DATA.resolve() not in spill.resolve().parents:
            return
        with suppress(OSError):  # who cannot write there says so when it is to be used
            path = spill / IN_USE
            path.parent.mkdir(parents=True, exist_ok=True)
            alone = _locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if alone is not None:
                try:
                    _remove_left_over(spill)
                finally:
                    os.close(alone)  # others would wait for it
            shared = _locked(path, fcntl.LOCK_SH)
            assert shared is not None, "it waits for those that sweep"
            self._spilling = path, shared

    def release(self) -> None:
        """Let go of everything."""
        while self._held:
            path, lock = self._held.pop()
            path.unlink(missing_ok=True)
            os.close(lock)
        if self._spilling:
            (path, lock), self._spilling = self._spilling, None
            with suppress(OSError):  # the last one takes the file away
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
            os.close(lock)


def _locked(path: Path, kind: int) -> int | None:
    """Return a file that is locked in a way of ``fcntl``; None if it is not to be waited for.

    A file that was taken away between opening and locking is not the one that others see.
    """
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, kind)
            there = os.stat(path).st_ino == os.fstat(lock).st_ino
        except BlockingIOError:
            os.close(lock)
            return None
        except FileNotFoundError:
            there = False
        except BaseException:
            os.close(lock)
            raise
        if there:
            return lock
        os.close(lock)


def _sign(lock: int) -> None:
    """Write the number of this process into a file."""
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())


def _at_work(path: Path, folder: Path) -> str:
    try:
        process = f"process {path.read_text()}"
    except OSError:
        process = "it has just ended"
    return f"another run is at work on {folder} ({process}); wait until it ends, or end it"


def _remove_left_over(spill: Path) -> None:
    for pattern in LEFT_OVER:
        for left in spill.glob(pattern):
            _remove(left)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
