"""How the files of a log are shared out among the tasks of Spark.

A plain file of lines is cut into slices of whole blocks, which readers see as they would in one
pass, so that every row comes out as it does there. What cannot be cut is one task.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.readers import read_pieces
from seqrec.readers.parts.compression import LONGEST, unpacker
from seqrec.readers.parts.encodings import LOOKED_AT, PLAIN, checked_encoding, is_plain_utf8
from seqrec.readers.parts.source import BLOCK_BYTES, SLICE, ZIP_MAGICS, Slice, is_tar
from seqrec.readers.table import is_parquet

logger = logging.getLogger(__name__)

BLOCKS_A_TASK = 16
TO_THE_END = 2**31
OBJECTS = ("amazon_reviews", "amazon_2023_reviews", "yelp_reviews", "json_lines")
"""Readers to which a quote is no sign of a row of several lines."""


class Share(NamedTuple):
    """What one task reads: a file, or a slice of one."""

    file: int
    """Place among the log's files, in name order."""
    path: str
    state: tuple[int, int]
    """The file's size and time, as they were when the log was shared out."""
    slice: Slice | None = None


class Survey(NamedTuple):
    """What a look at a slice told, before anything is read."""

    newlines: int
    quotes: bool
    """Rows may span lines."""
    starts_well: bool
    """The file's first block has rows; only told of the first slice."""


def whole_because(path: Path, options: RawFileOptions) -> str | None:
    """Return why a file is one task, None where it may be cut.

    Args:
        path: the file.
        options: how it is read.
    """
    if options.reader == "sequence_lines":
        return "a user may have one line only, and its lines are compared"
    if options.columns is not None and options.columns.timestamp is None:
        return "its rows have no timestamp but their place"
    if is_parquet(path):
        return "it is Parquet"
    with path.open("rb") as file:
        begin = file.read(LOOKED_AT)
    try:
        if is_tar(path) or begin.startswith(ZIP_MAGICS) or unpacker(path, begin[:LONGEST]):
            return "it is packed"
        encoding = options.encoding and checked_encoding(options.encoding)
    except SeqrecError:
        return "it cannot be read"  # which its reader says better
    if not is_plain_utf8(begin) if encoding is None else encoding not in PLAIN:
        return "it is not in UTF-8"
    return None if b"\n" in begin else "its lines end in another way, or are very long"


def share_out(
    files: dict[int, Path], options: RawFileOptions, look: Callable[[list[Share]], list[Survey]]
) -> list[Share]:
    """Return what each task reads: large files of lines in slices, all others whole.

    Args:
        files: by their places in name order.
        options: how they are read.
        look: surveys slices, wherever that is done.
    """
    cut = {file: cuts for file, path in files.items() if (cuts := cuts_of(path, options))}
    whole = {file: Share(file, str(p.absolute()), state_of(p)) for file, p in files.items()}
    slices = [whole[file]._replace(slice=part) for file in cut for part in cut[file]]
    surveys = iter(look(slices) if slices else [])
    shares: list[Share] = []
    for file, path in files.items():
        numbered: Sequence[Slice | None] = [None]
        if file in cut:
            found = [next(surveys) for _ in cut[file]]
            if reason := one_task_because(found):
                logger.info("%s is read by one task: %s", path.name, reason)
            else:
                numbered = with_lines(cut[file], found)
        shares += [whole[file]._replace(slice=part) for part in numbered]
    return shares


def state_of(path: Path) -> tuple[int, int]:
    """Return a file's size in bytes and the second of its last change."""
    status = path.stat()
    return status.st_size, int(status.st_mtime)


def cuts_of(path: Path, options: RawFileOptions) -> list[Slice]:
    """Return the slices of a large file, none of one that is small or one task."""
    size = path.stat().st_size
    if size <= BLOCKS_A_TASK * BLOCK_BYTES:
        return []
    if reason := whole_because(path, options):
        logger.info("%s is read by one task: %s", path.name, reason)
        return []
    return slices_of(size)


def slices_of(size: int) -> list[Slice]:
    """Return the slices of a file of some bytes; their lines are not known yet."""
    firsts = range(0, max(-(-size // BLOCK_BYTES), 1), BLOCKS_A_TASK)
    return [
        Slice(first, BLOCKS_A_TASK if first < firsts[-1] else TO_THE_END, 1) for first in firsts
    ]


def survey(share: Share, options: RawFileOptions) -> Survey:
    """Look at a slice: how many lines it has, and whether rows may span several."""
    assert share.slice is not None
    newlines, quotes = 0, False
    by_lines = options.reader in OBJECTS
    try:
        with Path(share.path).open("rb") as file:
            file.seek(share.slice.first * BLOCK_BYTES)
            for _ in range(share.slice.blocks):
                if not (chunk := file.read(BLOCK_BYTES)):
                    break
                newlines += chunk.count(b"\n")
                quotes = quotes or (not by_lines and b'"' in chunk)
    except OSError:  # whoever reads it says what is wrong
        return Survey(0, quotes=False, starts_well=False)
    return Survey(newlines, quotes, share.slice.first > 0 or _starts_well(share, options))


def _starts_well(share: Share, options: RawFileOptions) -> bool:
    """Return whether a file's first block has rows, which say how its timestamps are read."""
    try:
        with reading(Slice(0, 1, 1)):
            piece = next(read_pieces(Path(share.path), options), None)
    except SeqrecError:
        return False
    return piece is not None and len(piece.interactions) > 0


@contextmanager
def reading(part: Slice | None) -> Iterator[None]:
    """Let readers read a slice of a file in this block."""
    token = SLICE.set(part)
    try:
        yield
    finally:
        SLICE.reset(token)


def one_task_because(surveys: list[Survey]) -> str | None:
    """Return why a file is one task after all, None where its slices may be read."""
    if any(found.quotes for found in surveys):
        return "its rows may span lines"
    if not all(found.starts_well for found in surveys):
        return "its first lines have no row that says how it is written"
    return None


def with_lines(slices: list[Slice], surveys: list[Survey]) -> list[Slice]:
    """Return the slices of a file with the numbers of their lines."""
    lines, numbered = 1, []
    for part, found in zip(slices, surveys, strict=True):
        numbered.append(part._replace(first_line=lines))
        lines += found.newlines
    return numbered
