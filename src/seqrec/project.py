"""Where the project is that a command belongs to."""

import os
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

import yaml
from kedro.framework.project import LOGGING
from kedro.utils import find_kedro_project

from seqrec.errors import SeqrecError

LOGGING_FILE = "conf/logging.yml"


def project_root() -> Path:
    """Return the root of the project that the working folder belongs to.

    Raises:
        SeqrecError: it belongs to none.
    """
    root: Path | None = find_kedro_project(Path.cwd())
    if root is None:
        raise SeqrecError(
            f"no project in {Path.cwd()} or above it; change into the folder of the project"
        )
    return root


@contextmanager
def working_in(root: Path) -> Iterator[None]:
    """Make the root the working folder while the block lasts."""
    if Path.cwd() == root:
        yield
        return
    with chdir(root):
        _log_as_the_project_says()
        yield


def _log_as_the_project_says() -> None:
    """Do what Kedro does when it starts in the root."""
    file = Path(LOGGING_FILE)
    if file.is_file() and not os.environ.get("KEDRO_LOGGING_CONFIG"):
        LOGGING.configure(yaml.safe_load(file.read_text(encoding="utf-8")))
