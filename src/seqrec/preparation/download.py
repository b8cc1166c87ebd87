"""Download of a raw file from its publisher.

The file comes under a temporary name in the folder it is meant for, and gets its own name when
its checksum is right and it is the kind of file its name says. A transfer that breaks or a server
that fails is tried again from the start.
"""

import gzip
import logging
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from seqrec.errors import SeqrecError
from seqrec.parameters.sections import Publisher, RawOptions

if TYPE_CHECKING:
    from requests import HTTPError
    from rich.progress import Progress, TaskID

TRIES = 3
PAUSE = 1.0
"""Seconds before the second try, twice as many before the third."""
TIMEOUT = 30
"""Seconds without an answer before a transfer counts as broken."""
CHUNK_BYTES = 256 * 1024
KINDS = {".gz": ("gzip", b"\x1f\x8b"), ".tgz": ("gzip", b"\x1f\x8b"), ".zip": ("zip", b"PK")}
"""What a file must be by its suffix, and how such a file begins."""


def download_raw_file(dataset: str, raw: RawOptions, folder: Path) -> Path:
    """Fetch the publisher's file of a data set into a folder, unless it is there already.

    Args:
        dataset: name of the data set, for the messages.
        raw: its files and its publisher.
        folder: where the file goes; made if it is not there.

    Returns:
        The file.

    Raises:
        SeqrecError: the publisher gives no address, the transfer fails, the checksum is not
            the publisher's, or the file is no archive though its name says so; nothing is left
            behind then.
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
    try:
        name = PurePosixPath(unquote(urlsplit(publisher.url or "").path)).name
    except ValueError as error:
        raise bad_address(publisher, error) from None
    if not name:
        raise SeqrecError(f"{publisher.url} names no file; say how to store it by 'file'")
    return name


def bad_address(publisher: Publisher, error: Exception) -> SeqrecError:
    """Return the error for an address that nothing can be fetched from."""
    return SeqrecError(
        f"'{publisher.url}' is no address of a file ({cause(error)}); write raw.publisher.url as "
        "https://…"
    )


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
        except requests.HTTPError as error:
            if attempt == TRIES or not server_failed(error):
                raise
        time.sleep(attempt * PAUSE)


def server_failed(error: "HTTPError") -> bool:
    """Return whether the server says that it failed (5xx), not that the address is wrong."""
    return error.response is not None and error.response.status_code >= 500


def fetch_once(publisher: Publisher, path: Path, bar: "DownloadBar") -> None:
    """Download to a temporary file beside the target, check it, and move it to its place."""
    import pooch

    pooch.get_logger().setLevel(logging.WARNING)  # its own, not one of logging.getLogger
    downloader = pooch.HTTPDownloader(
        progressbar=bar,
        chunk_size=CHUNK_BYTES,
        timeout=TIMEOUT,
        # The file as it is: some servers unpack .gz on the way when allowed to.
        headers={"Accept-Encoding": "identity"},
    )

    def download(url: str, unfinished: str, caller: object) -> None:
        downloader(url, unfinished, caller)
        check_kind(Path(unfinished), path.name, publisher)

    pooch.retrieve(
        publisher.url,
        known_hash=publisher.checksum,
        fname=path.name,
        path=path.parent,
        downloader=download,
    )
    path.chmod(0o644)  # a temporary file is for its owner alone


def check_kind(path: Path, name: str, publisher: Publisher) -> None:
    """Raise where a file is no gzip or zip though its name says so, or is cut off.

    A checksum tells both, and better.
    """
    if publisher.checksum is not None:
        return
    kind, magic = KINDS.get(PurePosixPath(name).suffix.lower(), ("", b""))
    with path.open("rb") as file:
        if file.read(len(magic)) != magic:
            raise SeqrecError(
                f"{publisher.url} did not give a {kind} file, though its name says so, but perhaps "
                "a web page; the address may have changed: fetch the file by hand"
            )
    if (kind == "zip" and not zipfile.is_zipfile(path)) or (kind == "gzip" and not is_gzip(path)):
        from requests import ConnectionError

        raise ConnectionError(f"{name} ends too early")


def is_gzip(path: Path) -> bool:
    """Return whether a gzip file is whole, which only reading it to its end shows."""
    try:
        with gzip.open(path) as file:
            while file.read(CHUNK_BYTES):
                pass
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return False
    return True


@contextmanager
def one_line_errors(path: Path, publisher: Publisher) -> Iterator[None]:
    """Turn what may go wrong in a transfer into one line for the user."""
    import requests

    unusable = (
        requests.exceptions.InvalidURL,
        requests.exceptions.MissingSchema,
        requests.exceptions.InvalidSchema,
    )
    try:
        yield
    except unusable as error:
        raise bad_address(publisher, error) from None
    except requests.HTTPError as error:
        if server_failed(error):
            raise SeqrecError(
                f"the server of {publisher.url} failed {TRIES} times ({cause(error)}); try again "
                f"later, or fetch the file by hand and put it at {path}"
            ) from None
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
