"""How a raw file is packed, by how it begins; what is read here and what is refused by its name."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, cast

from seqrec.errors import SeqrecError


def _gzip(file: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(fileobj=file))


def _bzip2(file: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], bz2.BZ2File(file))


def _xz(file: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], lzma.LZMAFile(file))


def _zstandard(file: IO[bytes]) -> IO[bytes]:
    import pyarrow as pa

    return cast(IO[bytes], pa.CompressedInputStream(file, "zstd"))


def _lz4(file: IO[bytes]) -> IO[bytes]:
    import pyarrow as pa

    return cast(IO[bytes], pa.CompressedInputStream(file, "lz4"))


PACKED: dict[bytes, Callable[[IO[bytes]], IO[bytes]]] = {
    b"\x1f\x8b": _gzip,
    b"BZh": _bzip2,
    b"\xfd7zXZ\x00": _xz,
    b"\x28\xb5\x2f\xfd": _zstandard,
    b"\x04\x22\x4d\x18": _lz4,
}
"""The first bytes of a packed stream to what unpacks it."""
SUFFIXES = {
    ".gz": (b"\x1f\x8b", "gzip"),
    ".bz2": (b"BZh", "bzip2"),
    ".xz": (b"\xfd7zXZ\x00", "xz"),
    ".zst": (b"\x28\xb5\x2f\xfd", "Zstandard"),
    ".lz4": (b"\x04\x22\x4d\x18", "LZ4"),
    ".zip": (b"PK\x03\x04", "zip"),
}
"""What a file must begin with by its name."""
NOT_READ: dict[bytes, str] = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; unpack it, or pack it as zip, gzip or xz",
    b"Rar!": "a rar archive; unpack it, or pack it as zip, gzip or xz",
    b"\x1f\x9d": "packed by compress (.Z); unpack it, or pack it as gzip",
    b"\x5d\x00\x00": "packed by old lzma; unpack it, or pack it as xz",
    b"\xff\x06\x00\x00sNaPpY": "packed by snappy; unpack it, or pack it as gzip",
    b"LZIP": "packed by lzip; unpack it, or pack it as gzip",
    b"\xd0\xcf\x11\xe0": "an old Excel or Office file; save it as CSV",
    b"SQLite format 3": "a SQLite database; export the table as CSV",
    b"ARROW1": "an Arrow (Feather) file; write it as Parquet",
    b"ORC": "an ORC file; write it as Parquet",
    b"Obj\x01": "an Avro file; write it as Parquet",
    b"\x89HDF": "an HDF5 file; write it as Parquet or CSV",
    b"\x93NUMPY": "an array of numpy; write it as Parquet or CSV",
    b"\x89PNG": "a picture; is it the right file?",
    b"%PDF": "a PDF; save its table as CSV",
    b"<!DOCTYPE": "a web page; fetch the file itself",
    b"<html": "a web page; fetch the file itself",
    b"version https://git-lfs": "a pointer of git LFS; fetch the file by `git lfs pull`",
}
"""How formats begin that are not read, and what can be done."""
LONGEST = max(map(len, [*PACKED, *NOT_READ]))


def unpacker(path: Path, begin: bytes) -> Callable[[IO[bytes]], IO[bytes]] | None:
    """Return what unpacks a file that begins so; None for a plain one.

    Raises:
        SeqrecError: it is of a kind that is not read, or not of the kind its name says.
    """
    for magic, what in NOT_READ.items():
        if begin.startswith(magic):
            raise SeqrecError(f"{path} is {what}")
    magic, kind = SUFFIXES.get(path.suffix.lower(), (b"", ""))
    if not begin.startswith(magic):
        raise SeqrecError(f"{path} is not a {kind} file, though its name says so; fetch it again")
    return next((unpack for start, unpack in PACKED.items() if begin.startswith(start)), None)


def unpacked(file: IO[bytes], path: Path, begin: bytes, stack: ExitStack) -> IO[bytes]:
    """Return a file's content; the stack closes it."""
    unpack = unpacker(path, begin)
    return file if unpack is None else stack.enter_context(unpack(file))
