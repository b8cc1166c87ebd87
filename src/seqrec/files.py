"""Files: saving that happens wholly or not at all, checksums, and room for what spills."""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Literal

from seqrec.errors import SeqrecError

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NO_SPACE_TEXTS = (
    "No space left on device",
    "File too large",
    "Disk quota exceeded",
    "database or disk is full",  # SQLite
    "failed to offload data block",  # DuckDB, which asks how much is free
)
ELSEWHERE = {"read": "let it be read, or name another", "write": "choose another place"}
"""What helps where the system lets nobody to a path."""


@contextmanager
def replacing(target: Path, may_change_kind: bool = False) -> Iterator[Path]:
    """Lend a temporary path beside the target, which takes the target's place at the end.

    Args:
        target: a file, or a folder if the block makes a folder at the temporary path.
        may_change_kind: a file may take a folder's place, and a folder a file's.

    Yields:
        The path to write to. Nothing of it is left if the block fails.

    Raises:
        SeqrecError: the disk is full, or the place cannot be written to: it holds the folder that
            this runs in, or a folder where a file is to be.
    """
    check_replaceable(target)
    temporary = target.with_name(f".{target.name}.saving")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        remove(temporary)  # what a killed run may have left
        yield temporary
        _put_in_place(temporary, target, may_change_kind)
    except BaseException as error:
        with suppress(OSError):  # its folder may be what cannot be made
            remove(temporary)
        if line := _explained(error, target):
            raise line from error
        raise


def check_replaceable(target: Path) -> None:
    """Raise a SeqrecError for the folder that the command runs in, and those that hold it."""
    try:
        here = Path.cwd().resolve()
    except OSError:  # it is gone
        return
    if target.resolve() in (here, *here.parents):
        raise SeqrecError(
            f"{target} is or holds the folder that the command runs in, which cannot be replaced; "
            "name another"
        )


@contextmanager
def reaching(path: str | Path, purpose: Literal["read", "write"] = "read") -> Iterator[None]:
    """Make a line of what the system says on the way to a path: one may not enter its folder.

    Args:
        path: what is looked for in the block.
        purpose: what it is looked for.

    Raises:
        SeqrecError: the system lets nobody there.
    """
    try:
        yield
    except OSError as error:
        reason, remedy = error.strerror or str(error), ELSEWHERE[purpose]
        raise SeqrecError(f"cannot {purpose} {path}: {reason}; {remedy}") from None


def _explained(error: BaseException, target: Path) -> SeqrecError | None:
    """Return one line for an error of the system, None for any other."""
    if is_disk_full(error):
        return SeqrecError(
            f"no space left on the disk while saving {target}; nothing of it was kept:"
            " free some space and run the same command again"
        )
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        return SeqrecError(f"cannot write {target}: {reason}; free or choose another place")
    return None


def remove(path: Path) -> None:
    """Remove a file or a folder, whatever is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def is_disk_full(error: BaseException) -> bool:
    """Tell whether an error says that the disk, or the user's share of it, is full.

    DuckDB, Arrow and SQLite have errors of their own that only quote the system's text.
    """
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        return True
    return any(text in str(error) for text in NO_SPACE_TEXTS)


def _put_in_place(temporary: Path, target: Path, may_change_kind: bool) -> None:
    if target.is_dir() and not temporary.is_dir() and not may_change_kind:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    other_kind = may_change_kind and target.exists() and temporary.is_dir()
    if not target.is_dir() and not other_kind:
        os.replace(temporary, target)
        return
    # A folder takes no other's place in one step: what is there steps aside first.
    aside = target.with_name(f".{target.name}.old")
    remove(aside)
    os.replace(target, aside)
    try:
        os.replace(temporary, target)
    except BaseException:
        os.replace(aside, target)
        raise
    remove(aside)


def sha256_of(path: Path) -> str:
    """Return the checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def spill_folder(path: str) -> Path:
    """Return ``engine.spill_directory`` as a folder that is there and can be written to.

    Raises:
        SeqrecError: it cannot be made, or nothing can be written into it.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass  # only writing shows that one may
    except OSError as error:
        raise SeqrecError(
            f"engine.spill_directory={path}: cannot write there, {error.strerror or error}; "
            "name another folder"
        ) from None
    return folder
