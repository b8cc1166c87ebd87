"""The lines of a block as flat arrays: no Python object a line."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from seqrec.readers.parts.pieces import LineNumbers, Rejection
from seqrec.readers.parts.reasons import NOT_UTF8
from seqrec.readers.parts.source import Block

NEWLINE = 10
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Lines:
    """Lines of UTF-8 text, none of them blank."""

    data: bytes
    """The lines one behind the other, each ending in a newline."""
    ends: npt.NDArray[np.int64]
    """Where in ``data`` each line's newline stands."""
    numbers: LineNumbers
    """Line numbers in the file, from 1."""

    def __len__(self) -> int:
        return len(self.ends)

    def bytes_at(self, place: int) -> bytes:
        """Return one line without its newline."""
        start = self.ends[place - 1] + 1 if place else 0
        return self.data[start : self.ends[place]]

    def text(self, place: int) -> str:
        """Return one line without its newline."""
        return self.bytes_at(place).decode(errors="replace")

    def rejection(self, place: int, reason: str) -> Rejection:
        """Return one line as a rejected row."""
        return Rejection(int(self.numbers[place]), reason, self.text(place))

    def array(self) -> pa.Array:
        """Return the lines, newlines included, as a string array over the same memory."""
        offsets = np.zeros(len(self) + 1, dtype=np.int32)
        offsets[1:] = self.ends + 1
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(self.data)]
        return pa.Array.from_buffers(pa.string(), len(self), buffers)

    def select(self, mask: Mask) -> "Lines":
        """Return the lines where the mask is true, packed."""
        starts = np.concatenate([[0], self.ends[:-1] + 1])[: len(self)]
        lengths = (self.ends + 1 - starts)[mask]
        keep = np.repeat(mask, self.ends + 1 - starts)
        data = np.frombuffer(self.data, np.uint8)[keep].tobytes()
        return Lines(data, np.cumsum(lengths) - 1, self.numbers[mask])


class CleanLines(NamedTuple):
    """The lines of a block that are text, and what was taken out."""

    lines: Lines
    rejections: list[Rejection]
    blank_lines: int


def clean_lines(block: Block) -> CleanLines:
    """Return the block's lines without the blank ones and those that are not UTF-8."""
    lines = find_lines(block)
    lines, blank_lines = without_blank_lines(lines)
    if is_utf8(lines.data):
        return CleanLines(lines, [], blank_lines)
    broken = broken_lines(lines)
    rejections = [lines.rejection(place, NOT_UTF8) for place in np.flatnonzero(broken).tolist()]
    return CleanLines(lines.select(~broken), rejections, blank_lines)


def find_lines(block: Block) -> Lines:
    """Return all lines of a block."""
    ends = np.flatnonzero(np.frombuffer(block.data, np.uint8) == NEWLINE)
    return Lines(block.data, ends, block.first_line + np.arange(len(ends)))


def without_blank_lines(lines: Lines) -> tuple[Lines, int]:
    """Return the lines that hold something, and how many do not."""
    blank = np.diff(lines.ends, prepend=-1) == 1
    count = int(blank.sum())
    return (lines.select(~blank) if count else lines), count


def is_utf8(data: bytes) -> bool:
    """Return whether the bytes are UTF-8."""
    offsets = pa.py_buffer(np.array([0, len(data)], dtype=np.int32))
    whole = pa.Array.from_buffers(pa.binary(), 1, [None, offsets, pa.py_buffer(data)])
    try:
        whole.cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True


def broken_lines(lines: Lines) -> Mask:
    """Return which lines are not UTF-8; only lines beyond ASCII need a closer look."""
    beyond_ascii = np.flatnonzero(np.frombuffer(lines.data, np.uint8) >= 128)
    broken = np.zeros(len(lines), dtype=bool)
    for place in np.unique(np.searchsorted(lines.ends, beyond_ascii)):
        broken[place] = not is_utf8(lines.bytes_at(place))
    return broken
