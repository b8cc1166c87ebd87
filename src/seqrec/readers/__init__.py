"""Readers: one file a raw format, each yields pieces of interactions and rejected rows.

A reader is a function of a path and the options of the file; ``READERS`` has them by the
names that parameters use.
"""

from collections.abc import Iterator
from pathlib import Path

from seqrec.errors import SeqrecError, unknown_name
from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.readers import (
    amazon,
    atomic,
    json_keys,
    lastfm,
    movielens,
    sequence_lines,
    table,
    yelp,
)
from seqrec.readers.parts.ids import tidy_ids
from seqrec.readers.parts.pieces import INTERACTIONS, REJECTED, Piece, Reader

READERS: dict[str, Reader] = {
    "amazon_reviews": amazon.read_reviews,
    "amazon_2023_reviews": amazon.read_reviews_2023,
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
    "json_lines": json_keys.read_json_table,
}

COLUMNS_ARE_NAMED = ("table", "atomic", "json_lines")
"""The readers to which columns are named, and their times described."""
FOR_NAMED_COLUMNS = ("columns", "where", "timestamp_unit", "timestamp_format")

__all__ = ["INTERACTIONS", "READERS", "REJECTED", "Piece", "Reader", "find_reader", "read_pieces"]


def read_pieces(path: Path, options: RawFileOptions) -> Iterator[Piece]:
    """Yield a log by the reader that its options name, with ids as they are kept.

    Args:
        path: the file.
        options: how it is read.

    Raises:
        SeqrecError: there is no such reader, or something is said that it takes no notice of; and
            what the reader raises.
    """
    reader = find_reader(options.reader)
    if options.reader not in COLUMNS_ARE_NAMED:
        fields = type(options).model_fields
        for name in FOR_NAMED_COLUMNS:
            if getattr(options, name) not in (None, fields[name].default):
                raise SeqrecError(
                    f"raw.{name} means nothing to reader '{options.reader}', which knows its form; "
                    "leave it out"
                )
    if options.separator is not None and options.reader != "table":
        raise SeqrecError(f"raw.separator means nothing to reader '{options.reader}'; leave it out")
    return tidy_ids(reader(path, options), options.missing)


def find_reader(name: str) -> Reader:
    """Return the reader of that name.

    Raises:
        SeqrecError: there is none; the message names the nearest one.
    """
    if name not in READERS:
        raise unknown_name("reader", name, READERS)
    return READERS[name]
