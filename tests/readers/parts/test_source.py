"""Raw files as blocks of lines: every container, every line end, every kind of damage."""

import contextlib
import errno
import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqrec.errors import SeqrecError
from seqrec.readers.parts import source
from seqrec.readers.parts.source import read_blocks, take_header
from tests.readers.parts.blocks import blocks_of

TEXT = b"1,a\n2,b\n3,c\n"


def content(path: Path, member: str | None = None) -> bytes:
    return b"".join(block.data for block in read_blocks(path, member))


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return path


def tarred(path: Path, files: dict[str, bytes], mode: str) -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def test_the_same_lines_from_every_container(tmp_path: Path) -> None:
    plain, packed = tmp_path / "log.csv", tmp_path / "log.csv.gz"
    plain.write_bytes(TEXT)
    packed.write_bytes(gzip.compress(TEXT))
    files = {"d/other.txt": b"x", "d/log.csv": TEXT}
    archive = zipped(tmp_path / "log.zip", files)
    tar = tarred(tmp_path / "log.tar", files, "w")
    tgz = tarred(tmp_path / "log.tgz", files, "w:gz")

    assert content(plain) == content(packed) == TEXT
    assert content(archive, "d/log.csv") == TEXT
    assert content(tar, "d/log.csv") == content(tgz, "d/log.csv") == TEXT


def test_the_only_file_of_a_zip_needs_no_name(tmp_path: Path) -> None:
    assert content(zipped(tmp_path / "log.zip", {"d/": b"", "d/log.csv": TEXT})) == TEXT


@pytest.mark.parametrize(("name", "mode"), [("log.tar", "w"), ("log.tgz", "w:gz")])
def test_the_only_file_of_a_tar_needs_no_name(tmp_path: Path, name: str, mode: str) -> None:
    path = tmp_path / name
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        (tmp_path / "d").mkdir()
        (tmp_path / "d" / "log.csv").write_bytes(TEXT)
        archive.add(tmp_path / "d", "d")
    assert content(path) == TEXT

    tarred(path, {"a.csv": TEXT, "b.csv": TEXT}, mode)
    with pytest.raises(SeqrecError, match=r"holds a\.csv, b\.csv; name the one to read"):
        content(path)
    tarred(path, {}, mode)
    with pytest.raises(SeqrecError, match="holds nothing"):
        content(path)


@pytest.mark.parametrize(
    "raw",
    [
        b"1,a\r\n2,b\r\n3,c\r\n",
        b"\xef\xbb\xbf1,a\n2,b\n3,c\n",
        b"1,a\n2,b\n3,c",
        b"1,a\r\n2,b\r\n3,c\r",
    ],
    ids=["windows", "byte order mark", "no last line end", "half a last line end"],
)
def test_line_ends_and_marks_are_levelled(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(raw)

    assert content(path) == TEXT


@given(
    raw=st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b"\r", b"bc"]), max_size=30).map(b"".join),
    size=st.integers(1, 12),
)
def test_blocks_are_whole_lines_with_their_numbers(raw: bytes, size: int) -> None:
    blocks = list(blocks_of(raw, size))

    lines = [line.removesuffix(b"\r") for line in raw.split(b"\n")]
    if raw.endswith(b"\n") or not raw:
        lines.pop()
    line = 1
    for block in blocks:
        assert block.first_line == line
        line += block.data.count(b"\n")
    assert b"".join(block.data for block in blocks).split(b"\n")[:-1] == lines


def damaged(folder: Path, kind: str) -> tuple[Path, str | None]:
    path = folder / "log.csv"
    noise = bytes(range(256)) * 40
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "empty inside":
        path.write_bytes(gzip.compress(b""))
    elif kind == "truncated gzip":
        path.write_bytes(gzip.compress(noise)[:-20])
    elif kind == "damaged gzip":
        packed = bytearray(gzip.compress(noise))
        packed[60] ^= 255
        path.write_bytes(packed)
    elif kind == "not a gzip":
        path = folder / "log.csv.gz"
        path.write_bytes(b"<html>not found</html>")
    elif kind in ("not a zip", "two bytes of a zip"):
        path = folder / "log.zip"
        path.write_bytes(b"PK" if kind.startswith("two") else b"<html>not found</html>")
    elif kind == "truncated zip":
        path = zipped(folder / "log.zip", {"log.csv": noise})
        path.write_bytes(path.read_bytes()[:300])
    elif kind == "truncated tar":
        path = tarred(folder / "log.tgz", {"log.csv": noise}, "w:gz")
        path.write_bytes(path.read_bytes()[:60])
        return path, "log.csv"
    elif kind == "several members":
        path = zipped(folder / "log.zip", {"a.csv": TEXT, "b.csv": TEXT})
    return path, None


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("empty", "log.csv is empty; fetch the file again"),
        ("empty inside", "log.csv is empty; fetch the file again"),
        ("truncated gzip", "log.csv is cut off before its end; fetch the file again"),
        ("damaged gzip", "log.csv cannot be read (CRC check failed"),
        ("not a gzip", "log.csv.gz is a web page; fetch the file itself"),
        ("not a zip", "log.zip is a web page; fetch the file itself"),
        ("two bytes of a zip", "log.zip is not a zip file, though its name says so"),
        ("truncated zip", "log.zip cannot be read (File is not a zip file)"),
        ("truncated tar", "log.tgz"),
        ("several members", "log.zip holds a.csv, b.csv; name the one to read by 'member'"),
        ("missing", "log.csv cannot be read (No such file or directory)"),
    ],
)
def test_damage_is_one_clear_line(tmp_path: Path, kind: str, message: str) -> None:
    path, member = damaged(tmp_path, kind)

    with pytest.raises(SeqrecError) as error:
        content(path, member)

    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name", ["/etc/log.csv", "../log.csv", "a/../../log.csv", "..\\log.csv", "C:\\log.csv", "C:x"]
)
def test_an_archive_with_a_path_out_of_it_is_refused(tmp_path: Path, name: str) -> None:
    archive = zipped(tmp_path / "log.zip", {"log.csv": TEXT, name: b""})
    tar = tarred(tmp_path / "log.tar", {name: b"", "log.csv": TEXT}, "w")

    for path in (archive, tar):
        with pytest.raises(SeqrecError, match="holds a path that points outside"):
            content(path, "log.csv")


def test_a_missing_member_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    files = {"ml/ratings.csv": TEXT, "ml/tags.csv": TEXT}
    archive = zipped(tmp_path / "log.zip", files)
    tar = tarred(tmp_path / "log.tar", files, "w")

    for path in (archive, tar):
        with pytest.raises(SeqrecError, match=r"no member 'ratings.csv'; did you mean 'ml/ratings"):
            content(path, "ratings.csv")
    with pytest.raises(SeqrecError, match=r"no member 'zzz'; it holds ml/ratings.csv, ml/tags.csv"):
        content(archive, "zzz")


def test_a_file_without_lines_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "BLOCK_BYTES", 1024)
    monkeypatch.setattr(source, "MAX_LINE_BYTES", 4096)
    path = tmp_path / "log.csv"
    path.write_bytes(b"a\n" + b"x" * 10_000)

    with pytest.raises(SeqrecError, match="line 2 is longer than"):
        content(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(data=st.data(), container=st.sampled_from(["log.csv.gz", "log.zip", "log.tgz"]))
def test_any_damage_gives_the_whole_text_or_an_error(
    tmp_path: Path, data: st.DataObject, container: str
) -> None:
    path = tmp_path / container
    if container == "log.zip":
        zipped(path, {"log.csv": TEXT})
    elif container == "log.tgz":
        tarred(path, {"log.csv": TEXT}, "w:gz")
    else:
        path.write_bytes(gzip.compress(TEXT))
    packed = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(packed) - 1), min_size=1, max_size=3)):
        packed[place] = data.draw(st.integers(0, 255))
    path.write_bytes(packed[: data.draw(st.integers(0, len(packed)))])

    with contextlib.suppress(SeqrecError):
        named = container != "log.csv.gz" and data.draw(st.booleans())
        assert content(path, "log.csv" if named else None) == TEXT


def test_a_member_of_a_file_that_is_no_archive(tmp_path: Path) -> None:
    plain, packed = tmp_path / "log.csv", tmp_path / "log.csv.gz"
    plain.write_bytes(TEXT)
    packed.write_bytes(gzip.compress(TEXT))

    for path in (plain, packed):
        with pytest.raises(SeqrecError) as error:
            content(path, "ratings.csv")
        assert str(error.value) == (
            f"{path} is no zip or tar archive and has no member 'ratings.csv'; leave out 'member'"
        )


def test_a_header_can_be_taken(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b"user,item\n1,a\n")

    header, rest = take_header(read_blocks(path), path)
    assert (header, list(rest)) == ("user,item", [(b"1,a\n", 2)])


def test_a_header_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes("usér,item\n1,a\n".encode("latin-1"))

    with pytest.raises(SeqrecError, match="line 1: the header is not UTF-8 text"):
        take_header(read_blocks(path), path)


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.EACCES, "cannot be read (Permission denied); give yourself the right to read it"),
        (errno.EIO, "cannot be read (Input/output error); is its disk in order?"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, message: str
) -> None:
    """The tests may run as root, who may read anything: the system's answer is put in its mouth."""
    path = tmp_path / "log.csv"
    path.write_bytes(TEXT)

    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(SeqrecError) as error:
        content(path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
