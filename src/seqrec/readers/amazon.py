"""Amazon reviews: the JSON lines and the rating tables of 2014, 2018 and 2023.

Sources: He and McAuley, WWW 2016 (2014); Ni, Li and McAuley, EMNLP 2019 (2018); Hou et al.,
arXiv 2403.03952 (2023).
"""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.readers.parts.clocks import MILLISECONDS, SECONDS
from seqrec.readers.parts.delimited import read_delimited, read_table_by_names
from seqrec.readers.parts.fields import Layout
from seqrec.readers.parts.first_lines import header_of
from seqrec.readers.parts.headers import HeaderNames, find_layout
from seqrec.readers.parts.json_lines import Keys, read_json_lines
from seqrec.readers.parts.pieces import Piece
from seqrec.readers.parts.source import read_blocks

REVIEW = Keys("reviewerID", "asin", "unixReviewTime", "overall", pa.int64())
REVIEW_2023 = Keys("user_id", "parent_asin", "timestamp", "rating", pa.int64())
REVIEW_TABLE = HeaderNames("reviewerID", "asin", "unixReviewTime", "overall")
TABLE_2014 = Layout(",", width=4, user=0, item=1, rating=2, timestamp=(3,), quoted=True)
TABLE_2018 = Layout(",", width=4, item=0, user=1, rating=2, timestamp=(3,), quoted=True)
PRODUCT = "^(B[0-9A-Z]{9}|[0-9]{9}[0-9X])$"
SAMPLE = 10_000
TABLE_2023 = HeaderNames("user_id", "parent_asin", "timestamp", "rating")


def read_reviews(path: Path, options: RawFileOptions) -> Iterator[Piece]:
    """Yield full reviews of 2014 or 2018, an object a line (JSON, or a Python dict)."""
    return read_json_lines(read_blocks(path, options.member, options.encoding), REVIEW, SECONDS)


def read_reviews_2023(path: Path, options: RawFileOptions) -> Iterator[Piece]:
    """Yield full reviews of 2023, a JSON object a line, timestamps in milliseconds."""
    blocks = read_blocks(path, options.member, options.encoding)
    return read_json_lines(blocks, REVIEW_2023, MILLISECONDS)


def read_ratings_2014(path: Path, options: RawFileOptions) -> Iterator[Piece]:
    """Yield ratings of 2014: ``user,item,rating,timestamp`` without a header.

    A table with the header ``reviewerID,asin,…,unixReviewTime`` is read by its names.
    """
    header = header_of(read_blocks(path, options.member, options.encoding), path)
    if header.text.startswith("reviewerID"):
        layout = find_layout(path, header.text, ",", REVIEW_TABLE)
        return read_delimited(header.below(), layout, SECONDS)
    pieces = read_delimited(header.put_back(), TABLE_2014, SECONDS)
    return refuse_swapped(pieces, path, other="amazon_2018_ratings")


def read_ratings_2018(path: Path, options: RawFileOptions) -> Iterator[Piece]:
    """Yield ratings of 2018: ``item,user,rating,timestamp`` without a header.

    Nothing but the order of the columns tells this form from that of 2014, so it is a
    reader of its own.
    """
    pieces = read_delimited(
        read_blocks(path, options.member, options.encoding), TABLE_2018, SECONDS
    )
    return refuse_swapped(pieces, path, other="amazon_2014_ratings")


def read_ratings_2023(path: Path, options: RawFileOptions) -> Iterator[Piece]:
    """Yield ratings of 2023: header ``user_id,parent_asin,rating,timestamp``, milliseconds."""
    return read_table_by_names(path, options, TABLE_2023, MILLISECONDS)


def refuse_swapped(pieces: Iterator[Piece], path: Path, other: str) -> Iterator[Piece]:
    """Yield the pieces, unless in the first one the users are products and the items are not.

    Raises:
        SeqrecError: the table is of the other form; the message names its reader.
    """
    first = next(pieces, None)
    if first is None:
        return
    users, items = (share_of_products(first.interactions[name]) for name in ("user_id", "item_id"))
    if users > 0.9 and items < 0.1:
        raise SeqrecError(
            f"{path}: the columns of users and items are the other way round; "
            f"use the reader '{other}'"
        )
    yield first
    yield from pieces


def share_of_products(ids: pa.ChunkedArray) -> float:
    """Return how many of the ids are product numbers (ASIN: ten characters, or an ISBN)."""
    matches = pc.match_substring_regex(ids.slice(0, SAMPLE), PRODUCT)
    return pc.mean(matches).as_py() or 0.0
