"""Readers: one file a raw format, each yields pieces of interactions and rejected rows.

A reader is a function of a path and the options of the file; ``READERS`` has them by the
names that parameters use.
"""

from seqrec.errors import unknown_name
from seqrec.readers import amazon, atomic, lastfm, movielens, sequence_lines, table, yelp
from seqrec.readers.parts.pieces import INTERACTIONS, REJECTED, Piece, Reader

READERS: dict[str, Reader] = {
    "amazon_reviews": amazon.read_reviews,
    "amazon_2014_ratings": amazon.read_ratings_2014,
    "amazon_2018_ratings": amazon.read_ratings_2018,
    "amazon_2023_ratings": amazon.read_ratings_2023,
    "movielens_u_data": movielens.read_u_data,
    "movielens_ratings_dat": movielens.read_ratings_dat,
    "movielens_ratings_csv": movielens.read_ratings_csv,
    "yelp_reviews": yelp.read_reviews,
    "yelp_extract": yelp.read_extract,
    "lastfm_timestamps": lastfm.read_timestamps,
    "lastfm_dates": lastfm.read_dates,
    "atomic": atomic.read_atomic,
    "sequence_lines": sequence_lines.read_sequence_lines,
    "table": table.read_table,
}

__all__ = ["INTERACTIONS", "READERS", "REJECTED", "Piece", "Reader", "find_reader"]


def find_reader(name: str) -> Reader:
    """Return the reader of that name.

    Raises:
        SeqrecError: there is none; the message names the nearest one.
    """
    if name not in READERS:
        raise unknown_name("reader", name, READERS)
    return READERS[name]
