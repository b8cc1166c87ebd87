"""The folder for what does not fit into memory."""

from pathlib import Path
from tempfile import TemporaryFile

from seqrec.errors import SeqrecError


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
