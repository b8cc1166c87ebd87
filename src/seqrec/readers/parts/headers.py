"""Header lines: which column of a delimited file holds what."""

import csv
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from seqrec.errors import SeqrecError, unknown_name
from seqrec.parameters.raw_sections import ColumnMapping, RawFileOptions
from seqrec.readers.parts.fields import Layout
from seqrec.readers.parts.values import integer, microseconds

logger = logging.getLogger(__name__)

SEPARATORS = (",", "\t", ";", "|")
Where = tuple[tuple[str | int, tuple[str, ...]], ...]
"""Columns, each with the values whose rows are asked for."""


class HeaderNames(NamedTuple):
    """The columns that are read, by name, or by position where there is no header."""

    user: str | int
    item: str | int
    timestamp: str | int | None
    """None: rows are in order of time as they stand in the file."""
    rating: str | int | None = None
    rating_required: bool = False
    order: str | int | None = None
    items_are_lists: bool = False
    where: Where = ()
    told: bool = False
    """Whether a user names them, and not the form of the log."""

    def remedy(self, name: str) -> str:
        """Return what to write where no column is called so; nothing where it cannot be told."""
        item = "items" if self.items_are_lists else "item"
        roles = {self.user: "user", self.item: item, self.timestamp: "timestamp"}
        told = self.told and name in roles
        return f"name yours, raw.columns.{roles[name]}=NAME" if told else ""

    @property
    def roles(self) -> list[str | int]:
        """The columns that have a role each."""
        named = (self.user, self.item, self.timestamp, self.rating, self.order)
        return [name for name in named if name is not None]

    @property
    def by_position(self) -> bool:
        """Whether columns are named by position."""
        return any(isinstance(name, int) for name in self.roles)


def names_of(options: RawFileOptions) -> HeaderNames:
    """Return the columns that a user names.

    Raises:
        SeqrecError: some are named and others counted.
    """
    columns = options.columns or ColumnMapping()
    names = HeaderNames(
        columns.user,
        columns.item if columns.items is None else columns.items,
        columns.timestamp,
        columns.rating,
        rating_required=True,
        order=columns.order,
        items_are_lists=columns.items is not None,
        told=True,
    )
    if names.by_position and (texts := [name for name in names.roles if isinstance(name, str)]):
        raise SeqrecError(
            f"raw.columns: column '{texts[0]}' by its name, column {_first_number(names)} by its "
            "position; name all, or count all from 0 (raw.columns.timestamp=null: there is none)"
        )
    return names._replace(where=where_of(options, names.by_position))


def _first_number(names: HeaderNames) -> int:
    return next(name for name in names.roles if isinstance(name, int))


def where_of(options: RawFileOptions, by_position: bool) -> Where:
    """Return which values of which columns are asked for."""
    chosen = []
    for column, value in options.where.items():
        texts = str(value).split(";")
        if isinstance(value, bool):
            texts = [str(value), str(value).lower(), str(value).upper()]
        chosen.append((_position(column) if by_position else column, tuple(texts)))
    return tuple(chosen)


def _position(column: str) -> int:
    if not column.isdecimal():
        raise SeqrecError(
            f"raw.where.{column}: columns are counted from 0 here, as in raw.columns; give a number"
        )
    return int(column)


def split_header(header: str, separator: str) -> list[str]:
    """Return the column names of a header line, without quotes and outer white space."""
    try:
        names = next(csv.reader([header], delimiter=separator), [])
    except (csv.Error, TypeError):  # no CSV, or a separator of several characters
        names = header.split(separator)
    return [name.strip() for name in names]


def find_layout(path: Path, header: str, separator: str, names: HeaderNames) -> Layout:
    """Return where a row holds the named columns.

    In files with tabs a quote is a plain character, unless the header has quotes or a line's
    quotes stand around whole fields: ``quoted.py`` says why.

    Raises:
        SeqrecError: a column is missing, or there twice, or the line is no header; the message
            names the nearest column.
    """
    columns = split_header(header, separator)
    where = f"in the header of {path}"
    check_apart(names, where)
    if not names.by_position:
        refuse_row_as_header(path, names, columns)

    def place(name: str | int) -> int:
        return (
            find_position(name, columns, path)
            if isinstance(name, int)
            else find_column(name, columns, where, names.remedy(name))
        )

    has_rating = names.rating is not None and (names.rating_required or names.rating in columns)
    return Layout(
        separator=separator,
        width=len(columns),
        user=place(names.user),
        item=place(names.item),
        timestamp=() if names.timestamp is None else (place(names.timestamp),),
        rating=place(names.rating) if has_rating and names.rating is not None else None,
        order=None if names.order is None else place(names.order),
        items_are_lists=names.items_are_lists,
        where=tuple((place(name), values) for name, values in names.where),
        quoted=len(separator.encode()) == 1,
        row_is_line=separator == "\t" and '"' not in header,
        place=f"{path}, column '{names.timestamp}'",
    )


def refuse_row_as_header(path: Path, names: HeaderNames, columns: list[str]) -> None:
    """Raise where the header is a row: timestamps are named by one, or no name is there."""
    name = str(names.timestamp)
    if not _is_time(name):
        if not {str(name) for name in names.roles}.isdisjoint(columns):
            return
        if not (name := next(filter(_is_time, columns), "")):
            return
    raise SeqrecError(
        f"{path}, first line: '{name}' is a number or a date, no name; where there is no header, "
        "count the columns from 0, raw.columns.user=0,raw.columns.item=1,raw.columns.timestamp=2 "
        "say"
    )


def _is_time(text: str) -> bool:
    return integer(text) is not None or microseconds(text) is not None


def check_apart(names: HeaderNames, place: str) -> None:
    """Raise a SeqrecError where one column is named for two things."""
    for name in names.roles:
        if names.roles.count(name) > 1:
            raise SeqrecError(
                f"column '{name}' {place} is named for two of user, item, timestamp and rating; "
                "name one for each"
            )


def find_column(name: str, columns: list[str], place: str, far: str = "") -> int:
    """Return which of the columns has a name; ``far`` is the remedy where none is near.

    Raises:
        SeqrecError: none has it, or more than one.
    """
    if name not in columns:
        raise unknown_name("column", name, columns, place, far)
    if columns.count(name) > 1:
        raise SeqrecError(
            f"column '{name}' stands {columns.count(name)} times {place}; rename all but one"
        )
    return columns.index(name)


def find_position(position: int, columns: list[str], path: Path) -> int:
    """Return the position of a column, if the first line has so many.

    Raises:
        SeqrecError: it has not.
    """
    if position >= len(columns):
        raise SeqrecError(
            f"{path}: the first line has {len(columns)} columns, none at position {position}; they "
            f"count from 0 (a column called {position}: in quotes, '\"{position}\"')"
        )
    return position


def is_counted_header(columns: Iterable[str]) -> bool:
    """Return whether a line is 0, 1, 2, …, which pandas writes where columns have no names."""
    return all(name == str(place) for place, name in enumerate(columns))


def guess_separator(path: Path, header: str, names: HeaderNames) -> str:
    """Return the separator of a header line: the one that gives the columns to read.

    Raises:
        SeqrecError: the line is a single column under every known separator, or, where columns are
            counted, lists of items may be taken for columns.
    """
    if names.by_position:
        return _separator_of_row(path, header, names)
    columns_to_read = set(names.roles)

    def hits(separator: str) -> tuple[int, int]:
        columns = split_header(header, separator)
        return len(columns_to_read.intersection(columns)), len(columns)

    best = max(SEPARATORS, key=hits)
    if hits(best)[1] < 2:
        raise _no_separator(path)
    return best


def _separator_of_row(path: Path, row: str, names: HeaderNames) -> str:
    """Return the separator that cuts a row into most columns, and say so if others do as well."""
    rows = {separator: split_header(row, separator) for separator in SEPARATORS}
    whole = [one for one in SEPARATORS if not any(text.count('"') % 2 for text in rows[one])]
    widths = {one: len(rows[one]) for one in whole or SEPARATORS}
    best = max(widths, key=widths.__getitem__)
    if widths[best] < 2:
        raise _no_separator(path)
    counted = (*names.roles, *(name for name, _ in names.where))
    last = max(name for name in counted if isinstance(name, int))
    enough = [f"'{one}'".replace("\t", "\\t") for one in widths if widths[one] > last]
    if len(enough) > 1 and names.items_are_lists:
        raise SeqrecError(
            f"{path}, first line: {' or '.join(enough)} may separate the columns, or the items of "
            "a list; say which, raw.separator=';' for example"
        )
    if len(enough) > 1:
        logger.info(
            "%s: columns taken to be separated by '%s' (guessed among %s; raw.separator says it)",
            path.name,
            best.replace("\t", "\\t"),
            " or ".join(enough),
        )
    return best


def _no_separator(path: Path) -> SeqrecError:
    return SeqrecError(
        f"{path}, first line: no known separator in the header; name it by 'separator'"
    )
