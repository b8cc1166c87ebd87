"""Saving that happens wholly or not at all."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seqrec.errors import SeqrecError

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NO_SPACE_TEXTS = ("No space left on device", "File too large", "Disk quota exceeded")


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Lend a temporary path beside the target, which takes the target's place at the end.

    Args:
        target: a file, or a folder if the block makes a folder at the temporary path.

    Yields:
        The path to write to. Nothing of it is left if the block fails.

    Raises:
        SeqrecError: the disk is full.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.saving")
    remove(temporary)  # what a killed run may have left
    try:
        yield temporary
        _put_in_place(temporary, target)
    except BaseException as error:
        remove(temporary)
        if is_disk_full(error):
            raise SeqrecError(
                f"no space left on the disk while saving {target}; nothing of it was kept:"
                " free some space and run the same command again"
            ) from error
        raise


def remove(path: Path) -> None:
    """Remove a file or a folder, whatever is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def is_disk_full(error: BaseException) -> bool:
    """Tell whether an error says that the disk, or the user's share of it, is full.

    DuckDB and Arrow have errors of their own that only quote the system's text.
    """
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        return True
    return any(text in str(error) for text in NO_SPACE_TEXTS)


def _put_in_place(temporary: Path, target: Path) -> None:
    if not target.is_dir():
        os.replace(temporary, target)
        return
    # A folder with content cannot be replaced in one step: it steps aside first.
    aside = target.with_name(f".{target.name}.old")
    remove(aside)
    os.replace(target, aside)
    try:
        os.replace(temporary, target)
    except BaseException:
        os.replace(aside, target)
        raise
    remove(aside)
