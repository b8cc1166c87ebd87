"""Yelp reviews: the publisher's JSON lines, and a table extracted from them."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.readers.parts.clocks import INSTANTS, SECONDS
from seqrec.readers.parts.delimited import read_table_by_names
from seqrec.readers.parts.headers import HeaderNames
from seqrec.readers.parts.json_lines import Keys, read_json_lines
from seqrec.readers.parts.pieces import Piece
from seqrec.readers.parts.source import read_blocks

REVIEW = Keys("user_id", "business_id", "date", "stars", pa.string())
EXTRACT = HeaderNames("user_id", "business_id", "timestamp", "stars")


def read_reviews(path: Path, options: RawFileOptions) -> Iterator[Piece]:
    """Yield ``review.json``: an object a line, ``date`` as ``2019-01-31 12:00:00`` (UTC)."""
    return read_json_lines(read_blocks(path, options.member, options.encoding), REVIEW, INSTANTS)


def read_extract(path: Path, options: RawFileOptions) -> Iterator[Piece]:
    """Yield a table with the header ``user_id,business_id,timestamp``, in seconds."""
    return read_table_by_names(path, options, EXTRACT, SECONDS)
