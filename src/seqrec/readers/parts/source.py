"""Raw files as blocks of whole lines: plain, packed, zip and tar, read in place and streaming.

Nothing is ever unpacked to disk. Line ends are ``\\n`` in every block, whatever they were in
the file, and text is UTF-8; a byte order mark is taken off; a missing last line end is added.
"""

import errno
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from contextvars import ContextVar
from difflib import get_close_matches
from itertools import count
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, NamedTuple, cast

from seqrec.errors import SeqrecError
from seqrec.readers.parts.compression import LONGEST, unpacked
from seqrec.readers.parts.encodings import LOOKED_AT, as_utf8

BLOCK_BYTES = 4 * 1024 * 1024
MAX_LINE_BYTES = 64 * 1024 * 1024
LOOKED_BACK = 64 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
TAR_SUFFIXES = (".tar", ".tgz", ".tbz2", ".txz")


class Slice(NamedTuple):
    """Some of the blocks of a plain file: what one of several readers reads of it.

    A reader sees the file's first block too, whatever its slice.
    """

    first: int
    """Number of its first block, from 0; a block begins where the one before was cut."""
    blocks: int
    first_line: int
    """Line number in the file, from 1, of what it begins with."""


SLICE: ContextVar[Slice | None] = ContextVar("SLICE", default=None)
"""What is read of a file: all of it, unless several share it out."""


class Block(NamedTuple):
    """Whole lines, each ending in ``\\n``."""

    data: bytes
    first_line: int
    """Line number in the file, from 1."""


def read_blocks(
    path: Path, member: str | None = None, encoding: str | None = None
) -> Iterator[Block]:
    """Yield the file's lines in blocks of about ``BLOCK_BYTES``.

    Args:
        path: the raw file; gzip, bzip2, xz, Zstandard, LZ4, zip and tar are told by the content
            or the name.
        member: the file inside an archive; not needed where the archive holds one file.
        encoding: of the text; UTF-8 where absent, or what it seems to be.

    Raises:
        SeqrecError: the file is empty, cut off, broken or not what its name says, or the
            archive has no such member or a hostile path in it.
    """
    empty = True
    try:
        with ExitStack() as stack:
            text = open_text(path, member, encoding, stack)
            part = SLICE.get()
            for block in cut_blocks(text, path) if part is None else of_slice(part, text, path):
                empty = False
                yield block
    except EOFError:
        raise SeqrecError(f"{path} is cut off before its end; fetch the file again") from None
    except OSError as error:
        if error.errno is not None:  # a fault of the machine, not of the file
            raise SeqrecError(
                f"{path} cannot be read ({error.strerror}); {way_in(error)}"
            ) from None
        cause = str(error).partition("\n")[0]
        raise SeqrecError(f"{path} cannot be read ({cause}); fetch the file again") from None
    except (zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise SeqrecError(f"{path} cannot be read ({error}); fetch the file again") from None
    except (NotImplementedError, RuntimeError) as error:
        # What zipfile raises on an encrypted member or an unknown compression.
        raise SeqrecError(f"{path} cannot be read ({error}); pack it as a plain zip") from None
    if empty:
        raise SeqrecError(f"{path} is empty; fetch the file again")


def way_in(error: OSError) -> str:
    """Return what can be done about a file that cannot be opened or read."""
    return {
        errno.EACCES: "give yourself the right to read it",
        errno.EISDIR: "name a file in it",
        errno.ENOENT: "check its name",
    }.get(error.errno or 0, "is its disk in order?")


def open_text(path: Path, member: str | None, encoding: str | None, stack: ExitStack) -> IO[bytes]:
    """Open a raw file as UTF-8 text with ``\\n`` at each line's end, but for those of Windows."""
    raw = Peeked(open_raw(path, member, stack))
    begin = raw.peek(LOOKED_AT)
    text = Peeked(as_utf8(cast(IO[bytes], raw), encoding, begin, path))
    begin = text.peek(LOOKED_AT)
    if b"\r" in begin and b"\n" not in begin:  # as Macs wrote it, and Excel on them
        return cast(IO[bytes], ReturnsAsNewlines(text))
    return cast(IO[bytes], text)


class Peeked:
    """A stream whose first bytes can be seen before they are read."""

    def __init__(self, stream: IO[bytes]) -> None:
        """Wrap a stream."""
        self.stream = stream
        self.begin = b""

    def peek(self, size: int) -> bytes:
        """Return the first bytes, as many, where there are so many."""
        while len(self.begin) < size and (more := self.stream.read(size - len(self.begin))):
            self.begin += more
        return self.begin

    def read(self, size: int) -> bytes:
        """Return about so many bytes, nothing at the end."""
        if self.begin:
            begin, self.begin = self.begin[:size], self.begin[size:]
            return begin + (self.stream.read(size - len(begin)) if len(begin) < size else b"")
        return self.stream.read(size)


class ReturnsAsNewlines:
    """A stream whose lines end in carriage returns, with newlines instead."""

    def __init__(self, stream: Peeked) -> None:
        """Wrap a stream."""
        self.stream = stream

    def read(self, size: int) -> bytes:
        """Return about so many bytes, nothing at the end."""
        return self.stream.read(size).replace(b"\r", b"\n")


def cut_blocks(
    stream: IO[bytes], path: Path, rest: bytes = b"", line: int = 1, most: int | None = None
) -> Iterator[Block]:
    """Yield a stream in blocks cut behind the last line end.

    Args:
        stream: the text.
        path: what it is called in messages.
        rest: what stands before it since the last line end.
        line: number of the line that begins with that.
        most: blocks to read; to the end where absent.
    """
    for _ in count() if most is None else range(most):
        if not (chunk := stream.read(BLOCK_BYTES)):
            break
        if line == 1 and not rest:
            chunk = chunk.removeprefix(BYTE_ORDER_MARK)
        end = chunk.rfind(b"\n") + 1
        if end:
            data = rest + chunk[:end]
            yield Block(data.replace(b"\r\n", b"\n") if b"\r" in data else data, line)
            line += data.count(b"\n")
            rest = b""
        rest += chunk[end:]
        if len(rest) > MAX_LINE_BYTES:
            size = MAX_LINE_BYTES // 1024**2
            raise SeqrecError(f"{path}, line {line} is longer than {size} MB; is it a text file?")
    else:
        return  # the next slice begins with what is left
    if rest:
        yield Block(rest.removesuffix(b"\r") + b"\n", line)


def of_slice(part: Slice, text: IO[bytes], path: Path) -> Iterator[Block]:
    """Yield the first block of a file, which says how it is written, then those of a slice."""
    if part.first == 0:
        yield from cut_blocks(text, path, most=part.blocks)
        return
    yield from cut_blocks(text, path, most=1)
    with path.open("rb") as file:
        rest = since_last_line_end(file, part.first * BLOCK_BYTES)
        yield from cut_blocks(file, path, rest, part.first_line, part.blocks)


def since_last_line_end(file: IO[bytes], place: int) -> bytes:
    """Return what stands between the last line end before a place and the place, and go there."""
    rest, start, step = b"", place, LOOKED_BACK
    # a line that is too long is refused by who cuts the blocks
    while start and b"\n" not in rest and len(rest) <= MAX_LINE_BYTES:
        begin = max(start - step, 0)
        file.seek(begin)
        rest = file.read(start - begin) + rest
        start, step = begin, 2 * step
    file.seek(place)
    return rest[rest.rfind(b"\n") + 1 :]


def open_raw(path: Path, member: str | None, stack: ExitStack) -> IO[bytes]:
    """Open a raw file for reading, decompressed; the stack closes it."""
    file = stack.enter_context(path.open("rb"))
    magic = file.read(LONGEST)
    file.seek(0)
    if not magic:
        raise SeqrecError(f"{path} is empty; fetch the file again")
    if is_tar(path):
        return open_tar_member(file, path, magic, member, stack)
    if magic.startswith(ZIP_MAGICS):
        return open_zip_member(file, path, member, stack)
    stream = unpacked(file, path, magic, stack)
    refuse_member(path, member)
    return stream


def is_tar(path: Path) -> bool:
    """Return whether a file is a tar archive by its name, packed or not."""
    name = path.name.lower()
    return name.endswith(TAR_SUFFIXES) or ".tar." in name


def refuse_member(path: Path, member: str | None) -> None:
    """Raise where a member is named of a file that is no archive."""
    if member is not None:
        raise SeqrecError(
            f"{path} is no zip or tar archive and has no member '{member}'; leave out 'member'"
        )


def read_to_end(stream: IO[bytes]) -> None:
    """Read what is left: only at its end does a gzip stream say whether it was whole."""
    while stream.read(BLOCK_BYTES):
        pass


def open_zip_member(file: IO[bytes], path: Path, member: str | None, stack: ExitStack) -> IO[bytes]:
    """Open one file of a zip archive."""
    archive = stack.enter_context(zipfile.ZipFile(file))
    files = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
    if {"[Content_Types].xml", "xl/workbook.xml"} <= set(files):
        raise SeqrecError(f"{path} is an Excel workbook; save the sheet as CSV")
    refuse_hostile_paths(path, archive.namelist())
    return stack.enter_context(archive.open(choose_member(path, member, files)))


def open_tar_member(
    file: IO[bytes], path: Path, magic: bytes, member: str | None, stack: ExitStack
) -> IO[bytes]:
    """Open one file of a tar archive; without a table of contents the only one takes two passes."""
    if member is None:
        member = choose_member(path, None, names_in_tar(path, magic))
    stream = unpacked(file, path, magic, stack)
    archive = tarfile.open(fileobj=stream, mode="r|")  # noqa: SIM115 the stack closes it
    stack.enter_context(archive)
    stack.push(lambda failed, *_: None if failed else read_to_end(stream))
    names = []
    for entry in files_in_tar(archive, path):
        names.append(entry.name)
        if entry.name == member:
            opened = archive.extractfile(entry)
            assert opened is not None  # a regular file
            return stack.enter_context(opened)
    raise missing_member(path, member, names)


def names_in_tar(path: Path, magic: bytes) -> list[str]:
    """Return the names of the files in a tar archive: a pass over all of it."""
    with path.open("rb") as file, ExitStack() as stack:
        stream = unpacked(file, path, magic, stack)
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            return [entry.name for entry in files_in_tar(archive, path)]


def files_in_tar(archive: tarfile.TarFile, path: Path) -> Iterator[tarfile.TarInfo]:
    """Yield the entries that are files, and refuse hostile paths on the way."""
    for entry in archive:
        refuse_hostile_paths(path, [entry.name])
        if entry.isreg():
            yield entry


def refuse_hostile_paths(path: Path, names: list[str]) -> None:
    """Raise where an archive holds a path that points out of it."""
    for name in names:
        windows = PureWindowsPath(name)
        if windows.drive or windows.root or PurePosixPath(name).root or ".." in windows.parts:
            raise SeqrecError(
                f"{path} holds a path that points outside ({name!r}); do not trust this file, "
                "fetch it from its publisher"
            )


def choose_member(path: Path, member: str | None, files: list[str]) -> str:
    """Return the member to read; where none is named, the only one."""
    if member is None and len(files) == 1:
        return files[0]
    if member not in files:
        raise missing_member(path, member, files)
    return member


def missing_member(path: Path, member: str | None, files: list[str]) -> SeqrecError:
    """Return the error for an archive without the member to read, with the names there are."""
    if member is None:
        return SeqrecError(f"{path} holds {shown(files)}; name the one to read by 'member'")
    near = get_close_matches(member, files, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"it holds {shown(files)}"
    return SeqrecError(f"{path} has no member '{member}'; {hint}")


def shown(names: list[str], most: int = 8) -> str:
    """Return a list of names short enough for one line."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "nothing") + more


def take_header(blocks: Iterator[Block], path: Path) -> tuple[str, Iterator[Block]]:
    """Return the first line, without its end, and the blocks without it.

    Raises:
        SeqrecError: the first line is not text.
    """
    first = next(blocks, None)
    if first is None:
        raise SeqrecError(f"{path} holds nothing but blank lines; is it the right file?")
    data, line = first
    end = data.index(b"\n") + 1
    try:
        header = data[: end - 1].decode()
    except UnicodeDecodeError:
        raise SeqrecError(
            f"{path}, line {line}: the header is not UTF-8 text; save the file as UTF-8, or name "
            "its encoding, raw.encoding=cp1252 say"
        ) from None
    return header, after_header(Block(data[end:], line + 1), blocks)


def after_header(first: Block, blocks: Iterator[Block]) -> Iterator[Block]:
    """Yield what is left of the first block, then the others."""
    if first.data:
        yield first
    yield from blocks
