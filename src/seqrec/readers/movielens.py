"""MovieLens ratings in the publisher's three forms, plain or inside their zip.

Source: Harper and Konstan, ACM TiiS 2015.
"""

from collections.abc import Iterator
from pathlib import Path

from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.readers.parts.clocks import SECONDS
from seqrec.readers.parts.delimited import read_delimited, read_table_by_names
from seqrec.readers.parts.fields import Layout
from seqrec.readers.parts.headers import HeaderNames
from seqrec.readers.parts.pieces import Piece
from seqrec.readers.parts.source import read_blocks

TABBED = Layout("\t", width=4, user=0, item=1, rating=2, timestamp=(3,))
DOUBLE_COLONS = Layout("::", width=4, user=0, item=1, rating=2, timestamp=(3,))
NAMES = HeaderNames("userId", "movieId", "timestamp", "rating")


def read_u_data(path: Path, options: RawFileOptions) -> Iterator[Piece]:
    """Yield ``u.data`` (100K): user, item, rating, timestamp between tabs, no header."""
    return read_delimited(read_blocks(path, options.member, options.encoding), TABBED, SECONDS)


def read_ratings_dat(path: Path, options: RawFileOptions) -> Iterator[Piece]:
    """Yield ``ratings.dat`` (1M, 10M): ``user::item::rating::timestamp``, no header."""
    return read_delimited(
        read_blocks(path, options.member, options.encoding), DOUBLE_COLONS, SECONDS
    )


def read_ratings_csv(path: Path, options: RawFileOptions) -> Iterator[Piece]:
    """Yield ``ratings.csv`` (20M, 25M, 32M, latest): ``userId,movieId,rating,timestamp``."""
    return read_table_by_names(path, options, NAMES, SECONDS)
