"""Downloads from a server of our own: whole, changed, broken off, gone."""

import gzip
import hashlib
import io
import logging
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pooch
import pytest

from seqrec.errors import SeqrecError
from seqrec.parameters.sections import Publisher, RawFileOptions, RawOptions
from seqrec.preparation import download
from seqrec.preparation.download import download_raw_file


def zipped(data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("log.csv"), data)
    return packed.getvalue()


CONTENT = zipped(bytes(range(256)) * 8000)
PACKED = gzip.compress(bytes(range(256)) * 8000)
PAGE = b"<html>please sign in</html>"
MD5 = "md5:" + hashlib.md5(CONTENT).hexdigest()


UNSIZED = {"page": PAGE, "gzip": PACKED, "half-gzip": PACKED[:-9], "half-zip": CONTENT[:9000]}


class Server(BaseHTTPRequestHandler):
    """/good, /flaky (breaks off once), /broken (always), …; anything else is 404.

    /busy fails once and /down always; what is in UNSIZED comes without its length.
    """

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        kind = self.path.split("/")[1]
        if kind in UNSIZED:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(UNSIZED[kind])
            return
        if kind == "down" or (kind == "busy" and self.asked.count(self.path) == 1):
            self.send_error(503)
            return
        if kind not in ("good", "busy", "flaky", "broken"):
            self.send_error(404)
            return
        breaks = kind == "broken" or (kind == "flaky" and self.asked.count(self.path) == 1)
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:100_000] if breaks else CONTENT)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(download, "PAUSE", 0.0)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    Server.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def published(url: str, checksum: str | None = MD5, file: str | None = None) -> RawOptions:
    return RawOptions(
        files=(RawFileOptions(name="log.zip", reader="table"),),
        publisher=Publisher(url=url, checksum=checksum, file=file),
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_good_file_is_fetched_once(tmp_path: Path, address: str) -> None:
    folder = tmp_path / "a" / "b"
    raw = published(f"{address}/good/log.zip?version=1")

    path = download_raw_file("d", raw, folder)
    again = download_raw_file("d", raw, folder)

    assert path == again == folder / "log.zip"
    assert path.read_bytes() == CONTENT
    assert names(folder) == ["log.zip"]
    assert len(Server.asked) == 1


@pytest.mark.parametrize("checksum", ["sha256:" + hashlib.sha256(CONTENT).hexdigest(), None])
def test_other_checksums_and_names(tmp_path: Path, address: str, checksum: str | None) -> None:
    raw = published(f"{address}/good/x", checksum, file="other.zip")

    for _ in range(2):
        assert download_raw_file("d", raw, tmp_path) == tmp_path / "other.zip"
    assert len(Server.asked) == 1


def test_a_wrong_checksum_leaves_nothing(tmp_path: Path, address: str) -> None:
    raw = published(f"{address}/good/log.zip", "md5:" + "0" * 32)

    with pytest.raises(SeqrecError) as error:
        download_raw_file("d", raw, tmp_path)

    assert str(error.value).startswith(
        f"{address}/good/log.zip: the file does not have the checksum md5:{'0' * 32}; it was "
    )
    assert names(tmp_path) == []


def test_a_file_that_was_changed_is_replaced_by_the_right_one(tmp_path: Path, address: str) -> None:
    (tmp_path / "log.zip").write_bytes(b"something else")

    path = download_raw_file("d", published(f"{address}/good/log.zip"), tmp_path)

    assert path.read_bytes() == CONTENT


def test_a_wrong_file_does_not_replace_the_one_there(tmp_path: Path, address: str) -> None:
    (tmp_path / "log.zip").write_bytes(b"something else")

    with pytest.raises(SeqrecError, match="checksum"):
        download_raw_file("d", published(f"{address}/good/log.zip", "md5:" + "0" * 32), tmp_path)

    assert (tmp_path / "log.zip").read_bytes() == b"something else"


@pytest.mark.parametrize("checksum", [MD5, None])
def test_a_transfer_that_breaks_off_once_is_tried_again(
    tmp_path: Path, address: str, checksum: str | None
) -> None:
    path = download_raw_file("d", published(f"{address}/flaky/log.zip", checksum), tmp_path)

    assert path.read_bytes() == CONTENT
    assert names(tmp_path) == ["log.zip"]
    assert len(Server.asked) == 2


@pytest.mark.parametrize("checksum", [MD5, None])
def test_a_transfer_that_always_breaks_off_leaves_nothing(
    tmp_path: Path, address: str, checksum: str | None
) -> None:
    with pytest.raises(SeqrecError) as error:
        download_raw_file("d", published(f"{address}/broken/log.zip", checksum), tmp_path)

    assert f"download of {address}/broken/log.zip broke off 3 times" in str(error.value)
    assert "\n" not in str(error.value)
    assert names(tmp_path) == []
    assert len(Server.asked) == 3


def test_an_address_that_is_gone_is_asked_once(tmp_path: Path, address: str) -> None:
    with pytest.raises(SeqrecError) as error:
        download_raw_file("d", published(f"{address}/gone/log.zip"), tmp_path)

    assert "404" in str(error.value)
    assert f"fetch the file by hand and put it at {tmp_path}/log.zip" in str(error.value)
    assert names(tmp_path) == []
    assert len(Server.asked) == 1


def test_a_server_that_fails_once_is_asked_again(tmp_path: Path, address: str) -> None:
    path = download_raw_file("d", published(f"{address}/busy/log.zip"), tmp_path)

    assert path.read_bytes() == CONTENT
    assert len(Server.asked) == 2


def test_a_server_that_always_fails_is_named(tmp_path: Path, address: str) -> None:
    with pytest.raises(SeqrecError) as error:
        download_raw_file("d", published(f"{address}/down/log.zip"), tmp_path)

    assert f"the server of {address}/down/log.zip failed 3 times (503" in str(error.value)
    assert len(Server.asked) == 3
    assert names(tmp_path) == []


def test_a_whole_gzip_without_length_or_checksum_is_taken(tmp_path: Path, address: str) -> None:
    said = io.StringIO()
    listener = logging.StreamHandler(said)
    pooch.get_logger().setLevel(logging.INFO)
    pooch.get_logger().addHandler(listener)

    path = download_raw_file("d", published(f"{address}/gzip/log.json.gz", None), tmp_path)

    pooch.get_logger().removeHandler(listener)
    assert path.read_bytes() == PACKED
    assert said.getvalue() == ""  # nothing of pooch's advice on checksums


@pytest.mark.parametrize("name", ["log.zip", "log.csv.gz", "log.tgz"])
def test_a_page_in_place_of_an_archive_is_not_kept(tmp_path: Path, address: str, name: str) -> None:
    with pytest.raises(SeqrecError, match="though its name says so, but perhaps a web page"):
        download_raw_file("d", published(f"{address}/page/{name}", None), tmp_path)

    assert names(tmp_path) == []
    assert len(Server.asked) == 1


@pytest.mark.parametrize("name", ["half-zip/log.zip", "half-gzip/log.csv.gz"])
def test_half_an_archive_is_not_kept(tmp_path: Path, address: str, name: str) -> None:
    with pytest.raises(SeqrecError, match=r"broke off 3 times \(log.* ends too early\)"):
        download_raw_file("d", published(f"{address}/{name}", None), tmp_path)

    assert names(tmp_path) == []
    assert len(Server.asked) == 3


@pytest.mark.parametrize(
    "url", ["host/log.zip", "https:///log.zip", "ftp2://host/log.zip", "http://[::1/log.zip"]
)
def test_what_is_no_address_is_named(tmp_path: Path, url: str) -> None:
    with pytest.raises(SeqrecError) as error:
        download_raw_file("d", published(url), tmp_path)

    assert str(error.value).startswith(f"'{url}' is no address of a file (")
    assert "write raw.publisher.url as https://" in str(error.value)


def test_an_address_without_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SeqrecError, match="https://host/ names no file; say how to store it"):
        download_raw_file("d", published("https://host/", None), tmp_path)


def test_a_server_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE", 0.0)

    with pytest.raises(SeqrecError, match=r"broke off 3 times .*put it at"):
        download_raw_file("d", published("http://127.0.0.1:9/log.zip"), tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path: Path, address: str) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SeqrecError, match=r"cannot write .*log\.zip"):
        download_raw_file("d", published(f"{address}/good/log.zip"), tmp_path / "file" / "b")


def test_a_form_is_named_with_the_place_for_the_file(tmp_path: Path) -> None:
    files = (RawFileOptions(name="log.zip", reader="table"),)
    form = RawOptions(files=files, publisher=Publisher(form="https://x/form", file="r.json"))
    nothing = RawOptions(files=files, note="part of the authors' code")

    with pytest.raises(SeqrecError) as error:
        download_raw_file("d", form, tmp_path)
    assert str(error.value) == (
        "data set 'd' is given through a form only: https://x/form; fill it in and put r.json "
        f"into {tmp_path}"
    )
    with pytest.raises(SeqrecError) as error:
        download_raw_file("d", nothing, tmp_path)
    assert str(error.value) == (
        "data set 'd' has no address to fetch it from (part of the authors' code); put log.zip "
        f"into {tmp_path}"
    )


def test_the_bar_shows_what_has_come(tmp_path: Path, address: str) -> None:
    publisher = Publisher(url=f"{address}/good/log.zip", checksum=MD5)
    with download.download_bar("log.zip") as bar:
        download.fetch_once(publisher, tmp_path / "x", bar)
        (task,) = bar.progress.tasks

    assert (task.total, task.completed) == (len(CONTENT), len(CONTENT))
