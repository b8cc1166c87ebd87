"""Download of a raw file from its publisher.

The file comes under a temporary name in the folder it is meant for, and gets its own name when
its checksum is right and it is the kind of file its name says. pooch tries again whatever fails.
"""

import gzip
import logging
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import Publisher, RawOptions

TRIES = 3
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
    with one_line_errors(path, publisher):
        fetch(path, publisher)
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


def fetch(path: Path, publisher: Publisher) -> None:
    """Download a file unless it is there, whole; what fails is tried again by pooch."""
    import pooch

    pooch.get_logger().setLevel(logging.WARNING)  # its own, not one of logging.getLogger
    transfer = pooch.HTTPDownloader(
        progressbar=sys.stderr.isatty(),
        chunk_size=CHUNK_BYTES,
        timeout=TIMEOUT,
        # The file as it is: some servers unpack .gz on the way when allowed to.
        headers={"Accept-Encoding": "identity"},
    )

    def download(url: str, unfinished: str, caller: object) -> None:
        transfer(url, unfinished, caller)
        if publisher.checksum is None:  # it would tell more
            check_archive(Path(unfinished), path.name, url)
        Path(unfinished).chmod(0o644)  # a temporary file is for its owner alone

    storage = pooch.create(
        path.parent,
        base_url="",
        registry={path.name: publisher.checksum},
        urls={path.name: publisher.url},
        retry_if_failed=TRIES - 1,
    )
    storage.fetch(path.name, downloader=download)


def check_archive(path: Path, name: str, url: str) -> None:
    """Raise where a file is no gzip or zip though its name says so, or is cut off.

    Raises:
        SeqrecError: it is something else.
        requests.ConnectionError: it is cut off, and worth another try.
    """
    kind, magic = KINDS.get(PurePosixPath(name).suffix.lower(), ("", b""))
    with path.open("rb") as file:
        if file.read(len(magic)) != magic:
            raise SeqrecError(
                f"{url} did not give a {kind} file, though its name says so, but perhaps "
                "a web page; the address may have changed: fetch the file by hand"
            )
    try:
        if kind == "zip":
            zipfile.ZipFile(path).close()
        elif kind == "gzip":  # only its end says whether it is whole
            with gzip.open(path) as unpacked:
                while unpacked.read(CHUNK_BYTES):
                    pass
    except (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile):
        from requests import ConnectionError

        raise ConnectionError(f"{name} ends too early") from None


@contextmanager
def one_line_errors(path: Path, publisher: Publisher) -> Iterator[None]:
    """Turn what may go wrong in a transfer into one line for the user."""
    from requests import HTTPError, RequestException

    hand = f"fetch the file by hand and put it at {path}"
    try:
        yield
    except HTTPError as error:
        if error.response is None or error.response.status_code < 500:
            raise SeqrecError(f"{cause(error)}; the address may have changed: {hand}") from None
        raise SeqrecError(
            f"the server of {publisher.url} failed {TRIES} times ({cause(error)}); try again "
            f"later, or {hand}"
        ) from None
    except RequestException as error:
        if isinstance(error, ValueError):  # so are those about the address alone
            raise bad_address(publisher, error) from None
        raise SeqrecError(
            f"download of {publisher.url} broke off {TRIES} times ({cause(error)}); run it again, "
            f"or {hand}"
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
