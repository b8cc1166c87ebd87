"""The titles of a data set's items, where its log comes with a file of them."""

import logging
from pathlib import Path

import pyarrow as pa

from seqrec.errors import SeqrecError, rows_in_words
from seqrec.parameters.raw_sections import RawOptions, TitlesFileOptions
from seqrec.readers.titles import find_title_reader

logger = logging.getLogger(__name__)

TITLES = pa.schema([("item_id", pa.string()), ("title", pa.string())])
"""Columns of the table ``titles``."""


def read_titles(raw: RawOptions, folder: Path) -> pa.Table:
    """Return the titles of a data set's items: item_id, title; an id stands there once.

    Args:
        raw: says in which file they are; the first one that is there counts.
        folder: where the raw log lies, and the titles beside it.

    Returns:
        An empty table where the data set has none.

    Raises:
        SeqrecError: the file, or a column, that the data set names is not there, or holds no title.
    """
    options = _file_that_is_there(raw, folder)
    if options is None:
        return TITLES.empty_table()
    path = folder / options.name
    titles: dict[str, str] = {}
    rows = broken = 0
    for title in find_title_reader(options.reader)(path, options):
        rows += 1
        if title is None:
            broken += 1
        else:
            titles.setdefault(*title)
    _report(path, titles, rows, broken)
    return pa.table([list(titles), list(titles.values())], schema=TITLES)


def _file_that_is_there(raw: RawOptions, folder: Path) -> TitlesFileOptions | None:
    """Return where the titles are; a file that is the only one named must be there."""
    for options in raw.titles:
        if (folder / options.name).is_file():
            return options
        if (folder / options.name).is_dir():
            raise SeqrecError(
                f"raw.titles: {folder / options.name} is a folder; name the file in it"
            )
    names = " or ".join(options.name for options in raw.titles)
    if len(raw.titles) == 1:
        raise SeqrecError(
            f"raw.titles: no {names} in {folder}; put it there or leave raw.titles out"
        )
    if raw.titles:
        logger.info("no %s in %s: the items have no titles", names, folder)
    return None


def _report(path: Path, titles: dict[str, str], rows: int, broken: int) -> None:
    """Say how many titles there are, and what was dropped.

    Raises:
        SeqrecError: there is none.
    """
    if not titles:
        raise SeqrecError(
            f"raw.titles: {path} holds no titles in {rows_in_words(rows)}; is it the right file?"
        )
    logger.info(
        "%s titles in %s, %s dropped as broken or without an id or a title, %s for an id again",
        f"{len(titles):,}",
        path.name,
        rows_in_words(broken),
        f"{rows - broken - len(titles):,}",
    )
