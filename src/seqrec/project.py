"""Where the project is that a command belongs to, and how a run of it logs."""

import os
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

import yaml
from kedro.utils import find_kedro_project

from seqrec.errors import SeqrecError

LOGGING_FILE = "conf/logging.yml"
QUIET = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"short": {"format": "%(asctime)s  %(message)s", "datefmt": "%H:%M:%S"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "short"}},
    "loggers": {
        "seqrec": {"level": "INFO"},
        "kedro": {"level": "CRITICAL"},
        "kedro_viz": {"level": "CRITICAL"},
    },
    "root": {"level": "WARNING", "handlers": ["console"]},
}
"""The logging of a run whose configuration has none."""


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


def run_folder(conf_source: str | None) -> Path:
    """Return the folder a run works in: the project's root or, without one, the working folder.

    Args:
        conf_source: the configuration the user named.

    Raises:
        SeqrecError: there is neither a project nor a configuration.
    """
    folder = Path.cwd()
    root: Path | None = find_kedro_project(folder)
    if root is None and conf_source is None and not (folder / "conf").is_dir():
        raise SeqrecError(
            f"no project in {folder} or above it, and no folder conf; change into the folder of "
            "the project, or name its configuration, --conf-source conf-seqrec.tar.gz"
        )
    return root or folder


@contextmanager
def working_in(folder: Path, conf_source: str | None) -> Iterator[None]:
    """Make it the working folder while the block lasts, and log as the configuration says.

    Args:
        folder: of the run.
        conf_source: the configuration the user named, for a folder that has none.
    """
    started_here = Path.cwd() == folder
    with chdir(folder):
        if not (started_here and Path(LOGGING_FILE).is_file()):  # Kedro has read it then
            _log_as_configured(conf_source)
        yield


def _log_as_configured(conf_source: str | None) -> None:
    """Do what Kedro does when it starts in a folder that has the configuration."""
    from kedro.framework.project import LOGGING

    if os.environ.get("KEDRO_LOGGING_CONFIG"):
        return
    file = Path(LOGGING_FILE)
    text = file.read_bytes() if file.is_file() else _logging_in(conf_source)
    configuration: dict[str, Any] = yaml.safe_load(text) if text else QUIET
    LOGGING.configure(configuration)


def _logging_in(conf_source: str | None) -> bytes | None:
    """Return the logging file of a configuration on this machine, if it has one.

    Raises:
        SeqrecError: it is neither a folder nor an archive.
    """
    if conf_source is None or "://" in conf_source:
        return None
    import fsspec

    try:
        if Path(conf_source).is_dir():
            files, name = fsspec.filesystem("dir", path=conf_source, target_protocol="file"), ""
        else:
            kind = "zip" if conf_source.endswith(".zip") else "tar"
            files, name = fsspec.filesystem(kind, fo=conf_source), "*/"
        return next((files.cat_file(path) for path in files.glob(f"{name}logging.yml")), None)
    except Exception as error:
        raise SeqrecError(
            f"--conf-source {conf_source} cannot be read ({error}); name a folder, or an archive "
            "that `kedro package` made"
        ) from None
