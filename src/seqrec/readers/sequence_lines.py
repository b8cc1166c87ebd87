"""Published sequences: ``user item item …`` a line, oldest first."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.readers.parts.lines import Lines, Mask, clean_lines
from seqrec.readers.parts.pieces import Piece, Rows, make_piece
from seqrec.readers.parts.source import read_blocks


def read_sequence_lines(path: Path, options: RawFileOptions) -> Iterator[Piece]:
    """Yield every item of every line as an interaction; its place in the line is its time.

    A user's second line in the file is rejected: which of the two comes first is not known.
    Several files come one after the other, so that a line in a later one goes on.
    """
    users: set[str] = set()
    for block in read_blocks(path, options.member, options.encoding):
        clean = clean_lines(block)
        words = split_words(clean.lines)
        fault = faults(words, users)
        lines = clean.lines
        rejections = clean.rejections + [
            lines.rejection(place, reason) for place, reason in fault.items()
        ]
        good = np.ones(len(lines), dtype=bool)
        good[list(fault)] = False
        rows = flatten(words.filter(pa.array(good)), lines, good)
        yield make_piece(rows, rejections, clean.blank_lines, "order")


def split_words(lines: Lines) -> pa.Array:
    """Return the words of every line as a list array."""
    return pc.ascii_split_whitespace(pc.ascii_trim_whitespace(lines.array()))


def faults(words: pa.Array, users: set[str]) -> dict[int, str]:
    """Return the places of the lines that cannot be taken, and note the users of the others."""
    short = np.flatnonzero(pc.list_value_length(words).to_numpy() < 2).tolist()
    fault = dict.fromkeys(short, "no items behind the user")
    for place, user in enumerate(pc.list_element(words, 0).to_pylist()):
        if user in users:
            fault.setdefault(place, "the user has a line already")
        if place not in fault:
            users.add(user)
    return fault


def flatten(words: pa.Array, lines: Lines, good: Mask) -> Rows:
    """Return an interaction for every word of a line but the first."""
    lengths = pc.list_value_length(words).to_numpy()
    starts = np.cumsum(lengths) - lengths
    is_item = np.ones(int(lengths.sum()), dtype=bool)
    is_item[starts] = False
    positions = np.arange(len(is_item)) - np.repeat(starts, lengths) - 1
    users = pc.list_element(words, 0) if len(words) else pa.array([], pa.string())
    line = np.repeat(np.arange(len(lengths)), lengths - 1)
    places = np.flatnonzero(good)
    return Rows(
        users.take(pa.array(line)),
        words.flatten().filter(pa.array(is_item)),
        pa.array(positions[is_item]),
        None,
        lines.numbers[places[line]],
        lambda row: lines.text(int(places[line[row]])),
    )
