"""LastFM tags (hetrec2011-lastfm-2k): a user tagged an artist.

Source: Cantador, Brusilovsky and Kuflik, HetRec 2011.
"""

from collections.abc import Iterator
from pathlib import Path

from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.readers.parts.clocks import CALENDAR_DAYS, MILLISECONDS, Clock
from seqrec.readers.parts.delimited import read_delimited
from seqrec.readers.parts.fields import Layout
from seqrec.readers.parts.first_lines import header_of
from seqrec.readers.parts.headers import split_header
from seqrec.readers.parts.pieces import Piece
from seqrec.readers.parts.source import read_blocks

TIMESTAMPS = ("userID", "artistID", "tagID", "timestamp")
DATES = ("userID", "artistID", "tagID", "day", "month", "year")


def read_timestamps(path: Path, options: RawFileOptions) -> Iterator[Piece]:
    """Yield ``user_taggedartists-timestamps.dat``: tabs, header, timestamps in milliseconds."""
    return read_tags(path, options, TIMESTAMPS, MILLISECONDS)


def read_dates(path: Path, options: RawFileOptions) -> Iterator[Piece]:
    """Yield ``user_taggedartists.dat``: tabs, header, day, month and year.

    A date becomes the seconds of its midnight at UTC, whatever year it claims.
    """
    return read_tags(path, options, DATES, CALENDAR_DAYS)


def read_tags(
    path: Path, options: RawFileOptions, names: tuple[str, ...], clock: Clock
) -> Iterator[Piece]:
    """Yield a file of tags: user, artist, tag, then the columns of the timestamp."""
    header = header_of(read_blocks(path, options.member, options.encoding), path)
    columns = tuple(split_header(header.text, "\t"))
    if columns != names:
        raise SeqrecError(
            f"{path}, line {header.line}: the header is '{' '.join(columns)}' instead of "
            f"'{' '.join(names)}'; is it the right reader?"
        )
    timestamp = tuple(range(3, len(names)))
    layout = Layout("\t", width=len(names), user=0, item=1, timestamp=timestamp)
    return read_delimited(header.below(), layout, clock)
