"""Histories and item lists from files: CSV, Parquet, JSON lines, plain lines, or what stands ready.

Tables of one row an interaction go through the reader of raw logs, so that ids and timestamps are
taken as a training takes them.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from seqrec.errors import SeqrecError, unknown_name
from seqrec.parameters.sections import ColumnMapping, RawFileOptions
from seqrec.readers.parts.headers import HeaderNames, guess_separator, split_header
from seqrec.readers.parts.source import read_blocks, take_header
from seqrec.readers.table import is_parquet, read_table
from seqrec.recommendation.given_histories import Columns

log = logging.getLogger(__name__)

STANDARD_INPUT = "-"
JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
PLAIN_SUFFIXES = (".txt",)


@contextmanager
def lying_ready(file: str) -> Iterator[Path]:
    """Lend the path of an input file; ``-`` is the standard input, kept as a file meanwhile."""
    if file != STANDARD_INPUT:
        if not Path(file).is_file():
            raise SeqrecError(f"no file {file}; name one that is there, or - for standard input")
        yield Path(file)
        return
    with TemporaryDirectory() as folder:
        path = Path(folder, "standard input")
        with path.open("wb") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
        yield path


def read_histories(file: str, columns: Columns) -> pa.Table:
    """Return the histories of a file, as ``given_histories.from_table`` takes them.

    Args:
        file: its path, or ``-``.
        columns: how they are called.

    Raises:
        SeqrecError: the file is not there, has not these columns, or cannot be read.
    """
    with lying_ready(file) as path:
        if is_parquet(path):
            names = pq.read_schema(path).names
            return pq.read_table(path) if columns.history in names else _log(path, columns, names)
        if path.suffix in JSON_SUFFIXES or _first_byte(path) == b"{":
            return _json_lines(path, columns)
        header, separator = _header(path, columns)
        if columns.history in split_header(header, separator):
            return _lists_in_cells(path, separator, columns)
        return _log(path, columns, split_header(header, separator))


def read_items(file: str, columns: Columns) -> pa.Table:
    """Return an item list of a file: its item column, and the user's where it has one.

    Args:
        file: a table, or a text file (``.txt``) with one id a line.
        columns: how they are called.

    Raises:
        SeqrecError: as ``read_histories``.
    """
    with lying_ready(file) as path:
        if path.suffix in PLAIN_SUFFIXES:
            return pa.table({columns.item: _plain_lines(path)})
        if is_parquet(path):
            return _columns_of(pq.read_table(path), columns, path)
        if path.suffix in JSON_SUFFIXES or _first_byte(path) == b"{":
            return _columns_of(pa.Table.from_pylist(list(_objects(path))), columns, path)
        _, separator = _header(path, columns)
        return _columns_of(_cells(path, separator), columns, path)


def read_users(file: str, name: str) -> pa.ChunkedArray:
    """Return the user ids of a file, as ``read_items`` the items'."""
    return read_items(file, Columns(user=name, item=name))[name]


def _columns_of(table: pa.Table, columns: Columns, path: Path) -> pa.Table:
    if columns.item not in table.column_names:
        raise unknown_name("column", columns.item, table.column_names, f"in {path}")
    wanted = dict.fromkeys((columns.user, columns.item))
    return table.select([name for name in wanted if name in table.column_names])


def _log(path: Path, columns: Columns, names: list[str]) -> pa.Table:
    """Read one row an interaction, in order of time if the file says when."""
    mapping = ColumnMapping(
        user=columns.user,
        item=columns.item,
        timestamp=columns.timestamp if columns.timestamp in names else None,
    )
    options = RawFileOptions(name=path.name, reader="table", columns=mapping)
    pieces = list(read_table(path, options))
    rejected = pa.concat_tables([piece.rejected for piece in pieces])
    if len(rejected):
        first = rejected.slice(0, 1).to_pylist()[0]
        log.warning(
            "%s: %s rows cannot be read and are passed over, the first in line %s: %s",
            path,
            f"{len(rejected):,}",
            first["line_number"],
            first["reason"],
        )
    rows = pa.concat_tables([piece.interactions for piece in pieces])
    return pa.table(
        {
            columns.user: rows["user_id"],
            columns.item: rows["item_id"],
            columns.timestamp: rows["timestamp"],
        }
    )


def _json_lines(path: Path, columns: Columns) -> pa.Table:
    """Read one object a line, of an interaction or of a user with a history."""
    objects = list(_objects(path))
    if not objects or columns.history not in objects[0]:
        table = pa.Table.from_pylist(objects)
        for name in (columns.user, columns.item):
            if name not in table.column_names:
                raise unknown_name("key", name, table.column_names, f"in {path}")
        return table
    users, lists = [], []
    for number, row in enumerate(objects):
        if not isinstance(row.get(columns.history), list):
            raise SeqrecError(f"{path}, line {number + 1}: '{columns.history}' should be a list")
        users.append(row.get(columns.user, number))
        lists.append([str(item) for item in row[columns.history]])
    return pa.table({columns.user: [str(user) for user in users], columns.history: lists})


def _objects(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of the lines.

    Raises:
        SeqrecError: a line holds something else.
    """
    with _text(path) as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise SeqrecError(f"{path}, line {number} is no JSON ({error})") from None
            if not isinstance(row, dict):
                raise SeqrecError(f'{path}, line {number} is no object, as {{"history": […]}} is')
            yield row


def _lists_in_cells(path: Path, separator: str, columns: Columns) -> pa.Table:
    """Read a column whose cells are lists, their items between commas."""
    cells = _cells(path, separator)
    lists = [
        [item.strip() for item in cell.split(",") if item.strip()]
        for cell in cells[columns.history].to_pylist()
    ]
    users = cells[columns.user] if columns.user in cells.column_names else range(len(lists))
    return pa.table({columns.user: pa.array(users).cast(pa.string()), columns.history: lists})


def _cells(path: Path, separator: str) -> pa.Table:
    """Read a small table, all of it as text.

    Raises:
        SeqrecError: a row has more or fewer fields than the header.
    """
    with _text(path) as file:
        rows = csv.reader(file, delimiter=separator)
        names = [name.strip() for name in next(rows)]
        found = []
        for row in rows:
            if row and len(row) != len(names):
                raise SeqrecError(
                    f"{path}, line {rows.line_num}: {len(row)} fields instead of {len(names)}; "
                    "put quotes around what holds a separator"
                )
            found += [row] if row else []
    columns = zip(*found, strict=True) if found else iter([()] * len(names))
    texts = [pa.array(list(column), pa.string()) for column in columns]
    return pa.table(texts, names=names)


@contextmanager
def _text(path: Path) -> Iterator[io.StringIO]:
    try:
        yield io.StringIO(b"".join(block.data for block in read_blocks(path)).decode("utf-8"))
    except UnicodeDecodeError as error:
        raise SeqrecError(f"{path} is no UTF-8 text ({error.reason}); convert it") from None


def _plain_lines(path: Path) -> list[str]:
    with _text(path) as lines:
        return [line.strip() for line in lines if line.strip()]


def _header(path: Path, columns: Columns) -> tuple[str, str]:
    """Return the header line of a text table, and what stands between its names."""
    header, _ = take_header(read_blocks(path), path)
    if not any(separator in header for separator in ",\t;|"):
        return header, ","  # one column alone
    wanted = HeaderNames(columns.user, columns.item, columns.timestamp)
    return header, guess_separator(path, header, wanted)


def _first_byte(path: Path) -> bytes:
    return next(read_blocks(path)).data.lstrip()[:1]
