"""The first lines of a text: its header, or its first row, and what may stand above it."""

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from seqrec.readers.parts.source import Block, take_header

SEPARATOR_LINE = re.compile('"?sep=(.)"?')
"""What some programs write above the header, for Excel."""
BLANK_LINES = re.compile(rb"(\s*\n)?")


class Header(NamedTuple):
    """The first line that holds something, and what surrounds it."""

    text: str
    separator: str | None
    """What stands between two columns, where a line above says so: ``sep=;``."""
    line: int
    """Line number in the file, from 1."""
    blank_lines: int
    """How many are above."""
    rest: Iterator[Block]
    """The lines below."""

    def below(self) -> Iterator[Block]:
        """Return the lines below as blocks; the blank ones above are counted among them."""
        return in_front(self.blank_lines * b"\n", self.line + 1 - self.blank_lines, self.rest)

    def put_back(self) -> Iterator[Block]:
        """Return the line with those below, for it was a row, and the blank ones above."""
        text = self.blank_lines * b"\n" + self.text.encode() + b"\n"
        return in_front(text, self.line - self.blank_lines, self.rest)


def header_of(blocks: Iterator[Block], path: Path) -> Header:
    """Return the header of a text, whether or not blank lines and a separator's stand above.

    Args:
        blocks: the text from its first line on.
        path: what it is called in messages.

    Raises:
        SeqrecError: there is no line that holds something, or it is not text.
    """
    blank_lines, blocks = without_blank_lines(blocks)
    text, blocks = take_header(blocks, path)
    marked = SEPARATOR_LINE.fullmatch(text)
    if marked is None:
        return Header(text, None, blank_lines + 1, blank_lines, blocks)
    more, blocks = without_blank_lines(blocks)
    blank_lines += more
    text, blocks = take_header(blocks, path)
    return Header(text, marked[1], blank_lines + 2, blank_lines, blocks)


def without_blank_lines(blocks: Iterator[Block]) -> tuple[int, Iterator[Block]]:
    """Return how many lines hold nothing before the first that does, and the blocks from there."""
    count = 0
    for block in blocks:
        blank = BLANK_LINES.match(block.data)
        assert blank is not None  # it matches nothing too
        lines = blank[0].count(b"\n")
        count += lines
        if rest := block.data[blank.end() :]:
            return count, chain([Block(rest, block.first_line + lines)], blocks)
    return count, iter(())


def in_front(text: bytes, line: int, blocks: Iterator[Block]) -> Iterator[Block]:
    """Yield the blocks with some lines in front, the first of which has a number."""
    if text:
        yield Block(text + next(blocks, Block(b"", 0)).data, line)
    yield from blocks
