"""Downloads from a server of our own: whole, changed, broken off, gone."""

import gzip
import hashlib
import io
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import Publisher, RawFileOptions, RawOptions
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
SHA256 = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
WRONG = "md5:" + "0" * 32
UNSIZED = {"page": PAGE, "gzip": PACKED, "half-gzip": PACKED[:-9], "half-zip": CONTENT[:9000]}
FILES = (RawFileOptions(name="log.zip", reader="table"),)


class Server(BaseHTTPRequestHandler):
    """/good, /flaky (breaks off once), /broken (always), …; anything else is 404.

    /busy fails once and /down always; what is in UNSIZED comes without its length.
    """

    requests: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.requests.append(self.path)
        first = self.requests.count(self.path) == 1
        kind = self.path.split("/")[1]
        if kind in UNSIZED:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(UNSIZED[kind])
        elif kind == "down" or (kind == "busy" and first):
            self.send_error(503)
        elif kind not in ("good", "busy", "flaky", "broken"):
            self.send_error(404)
        else:
            breaks = kind == "broken" or (kind == "flaky" and first)
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT[:100_000] if breaks else CONTENT)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr("pooch.core.time.sleep", lambda _: None)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    Server.requests.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def published(url: str, checksum: str | None = MD5, file: str | None = None) -> RawOptions:
    return RawOptions(files=FILES, publisher=Publisher(url=url, checksum=checksum, file=file))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize("checksum", [MD5, SHA256, None])
@pytest.mark.parametrize(
    ("place", "file", "name"),
    [("good/log.zip?version=1", None, "log.zip"), ("good/x", "other.zip", "other.zip")],
)
def test_a_good_file_is_fetched_once(
    tmp_path: Path,
    address: str,
    capfd: pytest.CaptureFixture[str],
    checksum: str | None,
    place: str,
    file: str | None,
    name: str,
) -> None:
    folder = tmp_path / "a" / "b"
    raw = published(f"{address}/{place}", checksum, file)
    for _ in range(2):
        assert download_raw_file("d", raw, folder) == folder / name
    assert (folder / name).read_bytes() == CONTENT
    assert (folder / name).stat().st_mode & 0o777 == 0o644
    assert names(folder) == [name]
    assert len(Server.requests) == 1
    assert capfd.readouterr() == ("", "")  # no bar without a terminal, no advice on checksums


@pytest.mark.parametrize("kind", ["flaky", "busy"])
@pytest.mark.parametrize("checksum", [MD5, None])
def test_what_fails_once_is_tried_again(
    tmp_path: Path, address: str, kind: str, checksum: str | None
) -> None:
    path = download_raw_file("d", published(f"{address}/{kind}/log.zip", checksum), tmp_path)
    assert path.read_bytes() == CONTENT
    assert names(tmp_path) == ["log.zip"]
    assert len(Server.requests) == 2


@pytest.mark.parametrize(
    ("place", "checksum", "message"),
    [
        ("broken/log.zip", MD5, "download of URL broke off 3 times ("),
        ("broken/log.zip", None, "download of URL broke off 3 times ("),
        ("half-zip/log.zip", None, "download of URL broke off 3 times (log.zip ends too early)"),
        ("half-gzip/log.gz", None, "download of URL broke off 3 times (log.gz ends too early)"),
        ("down/log.zip", MD5, "the server of URL failed 3 times (503"),
        ("gone/log.zip", MD5, "404"),
        ("gone/log.zip", MD5, "the address may have changed: fetch the file by hand and put it at"),
        ("good/log.zip", WRONG, f"URL: the file does not have the checksum {WRONG}; it was "),
        ("page/log.zip", None, "URL did not give a zip file, though its name says so, but perhaps"),
        ("page/log.csv.gz", None, "URL did not give a gzip file"),
        ("page/log.tgz", None, "URL did not give a gzip file"),
    ],
)
def test_what_fails_is_one_line_and_leaves_nothing(
    tmp_path: Path, address: str, place: str, checksum: str | None, message: str
) -> None:
    url = f"{address}/{place}"
    with pytest.raises(SeqrecError) as error:
        download_raw_file("d", published(url, checksum), tmp_path)
    assert message.replace("URL", url) in str(error.value)
    assert "\n" not in str(error.value)
    assert names(tmp_path) == []
    assert len(Server.requests) == (1 if place.startswith("page") else 3)


def test_a_file_that_was_changed_is_replaced_by_the_right_one_only(
    tmp_path: Path, address: str
) -> None:
    (tmp_path / "log.zip").write_bytes(b"something else")
    with pytest.raises(SeqrecError, match="checksum"):
        download_raw_file("d", published(f"{address}/good/log.zip", WRONG), tmp_path)
    assert (tmp_path / "log.zip").read_bytes() == b"something else"
    path = download_raw_file("d", published(f"{address}/good/log.zip"), tmp_path)
    assert path.read_bytes() == CONTENT


def test_a_whole_gzip_without_length_or_checksum_is_taken(tmp_path: Path, address: str) -> None:
    path = download_raw_file("d", published(f"{address}/gzip/log.json.gz", None), tmp_path)
    assert path.read_bytes() == PACKED


@pytest.mark.parametrize(
    ("url", "message"),
    [
        *(
            (url, f"'{url}' is no address of a file (")
            for url in ("h/log.zip", "https:///log.zip", "ftp2://h/log.zip", "http://[::1/log.zip")
        ),
        ("https://host/", "https://host/ names no file; say how to store it"),
        ("http://127.0.0.1:9/log.zip", "broke off 3 times"),
    ],
)
@pytest.mark.usefixtures("address")
def test_what_is_no_address_is_named(tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(SeqrecError) as error:
        download_raw_file("d", published(url), tmp_path)
    assert message in str(error.value)
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path, address: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SeqrecError, match=r"cannot write .*log\.zip"):
        download_raw_file("d", published(f"{address}/good/log.zip"), tmp_path / "file" / "b")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (
            RawOptions(files=FILES, publisher=Publisher(form="https://x/form", file="r.json")),
            "is given through a form only: https://x/form; fill it in and put r.json into ",
        ),
        (
            RawOptions(files=FILES, note="part of the authors' code"),
            "has no address to fetch it from (part of the authors' code); put log.zip into ",
        ),
    ],
)
def test_a_file_to_be_fetched_by_hand(tmp_path: Path, raw: RawOptions, message: str) -> None:
    with pytest.raises(SeqrecError) as error:
        download_raw_file("d", raw, tmp_path)
    assert str(error.value) == f"data set 'd' {message}{tmp_path}"


def test_a_bar_on_a_terminal(
    tmp_path: Path,
    address: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    download_raw_file("d", published(f"{address}/good/log.zip"), tmp_path)
    assert "100%" in capsys.readouterr().err
