"""Header lines: which column of a delimited file holds what."""

import csv
from pathlib import Path
from typing import NamedTuple

from seqrec.errors import SeqrecError, unknown_name
from seqrec.readers.parts.fields import Layout

SEPARATORS = (",", "\t", ";", "|")


class HeaderNames(NamedTuple):
    """The names of the columns that are read."""

    user: str
    item: str
    timestamp: str | None
    """None: rows are in order of time as they stand in the file."""
    rating: str | None = None
    rating_required: bool = False


def split_header(header: str, separator: str) -> list[str]:
    """Return the column names of a header line, without quotes and outer white space."""
    try:
        names = next(csv.reader([header], delimiter=separator), [])
    except csv.Error:
        names = header.split(separator)
    return [name.strip() for name in names]


def find_layout(path: Path, header: str, separator: str, names: HeaderNames) -> Layout:
    """Return where a row holds the named columns.

    In files with tabs a quote is a plain character, unless the header has quotes or a line's
    quotes stand around whole fields: ``quoted.py`` says why.

    Raises:
        SeqrecError: a column is missing, or there twice; the message names the nearest one.
    """
    columns = split_header(header, separator)
    check_apart(names, f"in the header of {path}")

    def place(name: str) -> int:
        return find_column(name, columns, f"in the header of {path}")

    has_rating = names.rating is not None and (names.rating_required or names.rating in columns)
    return Layout(
        separator=separator,
        width=len(columns),
        user=place(names.user),
        item=place(names.item),
        timestamp=() if names.timestamp is None else (place(names.timestamp),),
        rating=place(names.rating) if has_rating and names.rating else None,
        quoted=len(separator.encode()) == 1,
        row_is_line=separator == "\t" and '"' not in header,
    )


def check_apart(names: HeaderNames, place: str) -> None:
    """Raise a SeqrecError where one column is named for two things."""
    used = [name for name in names[:4] if name is not None]
    for name in used:
        if used.count(name) > 1:
            raise SeqrecError(
                f"column '{name}' {place} is named for two of user, item, timestamp and rating; "
                "name one for each"
            )


def find_column(name: str, columns: list[str], place: str) -> int:
    """Return which of the columns has a name.

    Raises:
        SeqrecError: none has it, or more than one.
    """
    if name not in columns:
        raise unknown_name("column", name, columns, place)
    if columns.count(name) > 1:
        raise SeqrecError(
            f"column '{name}' stands {columns.count(name)} times {place}; rename all but one"
        )
    return columns.index(name)


def guess_separator(path: Path, header: str, names: HeaderNames) -> str:
    """Return the separator of a header line: the one that gives the columns to read.

    Raises:
        SeqrecError: the line is a single column under every known separator.
    """
    columns_to_read = {names.user, names.item, names.timestamp}

    def hits(separator: str) -> tuple[int, int]:
        columns = split_header(header, separator)
        return len(columns_to_read.intersection(columns)), len(columns)

    best = max(SEPARATORS, key=hits)
    if hits(best)[1] < 2:
        raise SeqrecError(
            f"{path}, line 1: no known separator in the header; name it by 'separator'"
        )
    return best
