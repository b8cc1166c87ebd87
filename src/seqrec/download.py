"""Download of a raw file from its publisher.

The file comes under a temporary name in the folder it is meant for, and gets its own name when
its checksum is right. A transfer that breaks is tried again from the start.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from seqrec.configuration import Publisher, RawOptions
from seqrec.errors import SeqrecError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

TRIES = 3
PAUSE = 1.0
"""Seconds before the second try, twice as many before the third."""
TIMEOUT = 30
"""Seconds without an answer before a transfer counts as broken."""
CHUNK_BYTES = 256 * 1024


def download_raw_file(dataset: str, raw: RawOptions, folder: Path) -> Path:
    """Fetch the publisher's file of a data set into a folder, unless it is there already.

    Args:
        dataset: name of the data set, for the messages.
        raw: its files and its publisher.
        folder: where the file goes; made if it is not there.

    Returns:
        The file.

    Raises:
        SeqrecError: the publisher gives no address, the transfer fails, or the checksum is not
            the publisher's; nothing is left behind then.
    """
    publisher = raw.publisher
    if publisher is None or publisher.url is None:
        raise SeqrecError(by_hand(dataset, raw, folder))
    path = folder / file_name(publisher)
    if path.exists() and publisher.checksum is None:
        return path
    with one_line_errors(path, publisher), download_bar(path.name) as bar:
        fetch(publisher, path, bar)
    return path


def file_name(publisher: Publisher) -> str:
    """Return the name a publisher's file is stored under."""
    if publisher.file:
        return publisher.file
    return PurePosixPath(unquote(urlsplit(publisher.url or "").path)).name


def by_hand(dataset: str, raw: RawOptions, folder: Path) -> str:
    """Return how to get a data set that has no address to fetch it from."""
    wanted = " or ".join(options.name for options in raw.files)
    if raw.publisher and raw.publisher.form:
        return (
            f"data set '{dataset}' is given through a form only: {raw.publisher.form}; fill it "
            f"in and put {raw.publisher.file or wanted} into {folder}"
        )
    note = f" ({raw.note})" if raw.note else ""
    return f"data set '{dataset}' has no address to fetch it from{note}; put {wanted} into {folder}"


def fetch(publisher: Publisher, path: Path, bar: "DownloadBar") -> None:
    """Download a file; a transfer that breaks is tried again, a wrong file or address is not."""
    import requests

    broken = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
    for attempt in range(1, TRIES + 1):
        try:
            fetch_once(publisher, path, bar)
            break
        except broken:
            if attempt == TRIES:
                raise
            time.sleep(attempt * PAUSE)


def fetch_once(publisher: Publisher, path: Path, bar: "DownloadBar") -> None:
    """Download to a temporary file beside the target, check it, and move it to its place."""
    import pooch

    logging.getLogger("pooch").setLevel(logging.WARNING)
    downloader = pooch.HTTPDownloader(
        progressbar=bar,
        chunk_size=CHUNK_BYTES,
        timeout=TIMEOUT,
        # The file as it is: some servers unpack .gz on the way when allowed to.
        headers={"Accept-Encoding": "identity"},
    )
    pooch.retrieve(
        publisher.url,
        known_hash=publisher.checksum,
        fname=path.name,
        path=path.parent,
        downloader=downloader,
    )
    path.chmod(0o644)  # a temporary file is for its owner alone


@contextmanager
def one_line_errors(path: Path, publisher: Publisher) -> Iterator[None]:
    """Turn what may go wrong in a transfer into one line for the user."""
    import requests

    try:
        yield
    except requests.HTTPError as error:
        raise SeqrecError(
            f"{cause(error)}; the address may have changed: fetch the file by hand and put it "
            f"at {path}"
        ) from None
    except requests.RequestException as error:
        raise SeqrecError(
            f"download of {publisher.url} broke off {TRIES} times ({cause(error)}); run it again, "
            f"or fetch the file by hand and put it at {path}"
        ) from None
    except ValueError:
        raise SeqrecError(
            f"{publisher.url}: the file does not have the checksum {publisher.checksum}; it was "
            "changed or damaged on the way: run it again, or ask its publisher"
        ) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise SeqrecError(f"cannot write {path}: {reason}; free or choose another place") from None


def cause(error: Exception) -> str:
    """Return the innermost reason of an error, short."""
    while isinstance(error.args[0] if error.args else None, Exception):
        error = error.args[0]
    return str(error).partition("\n")[0][:120]


@contextmanager
def download_bar(name: str) -> Iterator["DownloadBar"]:
    """Show a progress bar while the context lasts; nothing where there is no terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield DownloadBar(progress, progress.add_task(name, total=None))


class DownloadBar:
    """A rich progress bar with the face pooch asks of one."""

    def __init__(self, progress: "Progress", task: "TaskID") -> None:
        self.progress = progress
        self.task = task

    @property
    def total(self) -> float | None:
        """Bytes of the whole file; None where the server does not say."""
        return self.progress.tasks[self.task].total

    @total.setter
    def total(self, size: int) -> None:
        self.progress.reset(self.task, total=size or None)  # also where a try starts afresh

    def update(self, size: int) -> None:
        """Note that so many bytes more have come."""
        self.progress.update(self.task, advance=size)

    def reset(self) -> None:
        """Start again from nothing."""
        self.progress.update(self.task, completed=0)

    def close(self) -> None:
        """Nothing to do: the bar goes with its context."""
