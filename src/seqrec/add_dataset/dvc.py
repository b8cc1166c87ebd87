"""What of adding a data set belongs to DVC."""

import sqlite3
from pathlib import Path

from dvc.exceptions import DvcException, NotDvcRepoError
from dvc.repo import Repo

from seqrec.errors import SeqrecError


def check_dvc(root: Path) -> None:
    """Raise where the project is not under DVC, or not under git.

    Raises:
        SeqrecError: it is not; the message names the command.
    """
    try:
        Repo(str(root)).close()
    except NotDvcRepoError:
        raise SeqrecError(
            f"{root} is not under DVC; run `git init` if it is not under git, then `dvc init`"
        ) from None
    except DvcException as error:
        raise SeqrecError(f"DVC: {_one_line(error)}; run `git init`") from None
    except sqlite3.Error as error:  # DVC's notes of what it has seen
        raise SeqrecError(f"DVC: {_one_line(error)}; free some space on the disk") from None


def dvc_add(root: Path, folder: Path) -> None:
    """Hand a folder over to DVC, as ``dvc add`` does.

    Raises:
        SeqrecError: DVC refuses it, or would not find it again.
    """
    try:
        with Repo(str(root)) as repo:
            # git hears of it when all is well, and of all the files at once.
            repo.scm_context.autostage, repo.scm_context.quiet = False, True
            (added,) = repo.add(str(folder))
        with Repo(str(root)) as repo:
            pointers = {stage.path for stage in repo.index.stages}
    except (DvcException, sqlite3.Error, OSError) as error:
        raise SeqrecError(f"dvc add {folder}: {_one_line(error)}; nothing was kept") from error
    if added.path not in pointers:
        # `dvc push` would say that all is up to date.
        raise SeqrecError(
            f"DVC reads .gitignore so that {added.path} is ignored, and would pass over it; "
            "mend .gitignore"
        )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).removesuffix(".")
