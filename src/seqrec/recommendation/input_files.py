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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from seqrec.errors import SeqrecError, rows_in_words, unknown_name
from seqrec.files import reaching
from seqrec.parameters.raw_sections import ColumnMapping, RawFileOptions
from seqrec.readers import read_pieces
from seqrec.readers.parts.headers import HeaderNames, guess_separator, split_header
from seqrec.readers.parts.pieces import INTERACTIONS, REJECTED
from seqrec.readers.parts.source import MAX_LINE_BYTES, read_blocks, take_header
from seqrec.readers.table import is_parquet
from seqrec.recommendation.given_histories import Columns
from seqrec.recommendation.item_ids import ids_between_commas, text_of

log = logging.getLogger(__name__)

STANDARD_INPUT = "-"
JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
PLAIN_SUFFIXES = (".txt",)


def _check_file(file: str) -> None:
    """Raise a SeqrecError for what is no file."""
    with reaching(file):
        if Path(file).is_dir():
            raise SeqrecError(f"{file} is a folder; name a file")
        if not Path(file).is_file():
            raise SeqrecError(f"no file {file}; name one that is there, or - for standard input")


@contextmanager
def lying_ready(file: str) -> Iterator[Path]:
    """Lend the path of an input file; ``-`` is the standard input, kept as a file meanwhile."""
    if file != STANDARD_INPUT:
        _check_file(file)
        yield Path(file)
        return
    with TemporaryDirectory() as folder:
        path = Path(folder, "standard input")
        with path.open("wb") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
        try:
            yield path
        except SeqrecError as error:
            raise SeqrecError(str(error).replace(str(path), "the standard input")) from None


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
            names = _parquet(path, pq.read_schema).names
            if columns.history not in names:
                return _log(path, columns, names)
            return _parquet(path, pq.read_table)
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
            return _columns_of(_parquet(path, pq.read_table), columns, path)
        if path.suffix in JSON_SUFFIXES or _first_byte(path) == b"{":
            return _columns_of(_in_columns(list(_objects(path)), columns, path), columns, path)
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
    for role, name in (("user", columns.user), ("item", columns.item)):
        if name not in names:
            remedy = f"name yours, --columns {role}=NAME"
            raise unknown_name("column", name, names, f"in the header of {path}", remedy)
    mapping = ColumnMapping(
        user=columns.user,
        item=columns.item,
        timestamp=columns.timestamp if columns.timestamp in names else None,
    )
    options = RawFileOptions(name=path.name, reader="table", columns=mapping)
    pieces = list(read_pieces(path, options))
    rejected = pa.concat_tables([REJECTED.empty_table(), *(piece.rejected for piece in pieces)])
    if len(rejected):
        first = rejected.slice(0, 1).to_pylist()[0]
        log.warning(
            "%s: passed over %s that cannot be read, the first in line %s: %s",
            path,
            rows_in_words(len(rejected)),
            first["line_number"],
            first["reason"],
        )
    rows = pa.concat_tables([INTERACTIONS.empty_table(), *(piece.interactions for piece in pieces)])
    if not len(rows):
        raise SeqrecError(f"{path} holds no interactions; is it the right file?")
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
    if not any(columns.history in row for row in objects):
        table = _in_columns(objects, columns, path)
        for name in (columns.user, columns.item):
            if name not in table.column_names:
                keys = ", ".join({name: None for row in objects for name in row}) or "none"
                raise SeqrecError(
                    f"no key '{name}' in {path}, which has {keys}; name yours, "
                    "--columns user=NAME,item=NAME"
                )
        return table
    users, lists = [], []
    for number, row in enumerate(objects):
        if not isinstance(row.get(columns.history), list):
            raise SeqrecError(f"{path}, line {number + 1}: '{columns.history}' should be a list")
        users.append(text_of(row.get(columns.user, number)))
        lists.append([text_of(item) for item in row[columns.history]])
    return pa.table({columns.user: pa.array(users, pa.string()), columns.history: lists})


def _in_columns(objects: list[dict[str, Any]], columns: Columns, path: Path) -> pa.Table:
    """Return the keys of any line as columns, ids as text; null where a line has not the key.

    Raises:
        SeqrecError: the values of a key do not fit together.
    """
    found: dict[str, list[Any]] = {name: [] for row in objects for name in row}
    for row in objects:
        for name, values in found.items():
            value = row.get(name)
            is_id = name in (columns.user, columns.item) and value is not None
            values.append(text_of(value) if is_id else value)
    wanted = (columns.user, columns.item, columns.timestamp)
    return pa.table({name: _column(found[name], name, path) for name in wanted if name in found})


def _column(values: list[Any], name: str, path: Path) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        raise SeqrecError(
            f"{path}: the values of key '{name}' are of several kinds or too large; give numbers "
            "below 2**63 in all lines, or ISO dates in all"
        ) from None


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
    texts = [cell or "" for cell in cells[columns.history].to_pylist()]
    if any(text.lstrip().startswith(("[", "{")) for text in texts):
        raise SeqrecError(
            f"{path}: column '{columns.history}' holds brackets; write items between commas, or "
            "JSON lines"
        )
    lists = [ids_between_commas(text) for text in texts]
    users = cells[columns.user] if columns.user in cells.column_names else range(len(lists))
    return pa.table({columns.user: pa.array(users).cast(pa.string()), columns.history: lists})


def _cells(path: Path, separator: str) -> pa.Table:
    """Read a small table, all of it as text.

    Raises:
        SeqrecError: a row has more or fewer fields than the header.
    """
    csv.field_size_limit(MAX_LINE_BYTES)
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
            found += [[cell or None for cell in row]] if row else []
    columns = zip(*found, strict=True) if found else iter([()] * len(names))
    texts = [pa.array(list(column), pa.string()) for column in columns]
    return pa.table(texts, names=names)


@contextmanager
def _text(path: Path) -> Iterator[io.StringIO]:
    try:
        yield io.StringIO(b"".join(block.data for block in read_blocks(path)).decode("utf-8"))
    except UnicodeDecodeError as error:
        raise SeqrecError(f"{path} is no UTF-8 text ({error.reason}); convert it") from None


def _parquet(path: Path, read: Callable[[Path], Any]) -> Any:
    try:
        return read(path)
    except (pa.ArrowException, OSError) as error:
        raise SeqrecError(f"{path} is no whole Parquet file ({error}); fetch it again") from None


def _plain_lines(path: Path) -> list[str]:
    with _text(path) as lines:
        return [line.strip() for line in lines if line.strip()]


def _header(path: Path, columns: Columns) -> tuple[str, str]:
    """Return the header line of a text table, and what stands between its names."""
    header, _ = take_header(read_blocks(path), path)
    if not header.strip():
        raise SeqrecError(
            f"{path} begins with a blank line; its first line should name the columns"
        )
    if not any(separator in header for separator in ",\t;|"):
        return header, ","  # one column alone
    wanted = HeaderNames(columns.user, columns.item, columns.timestamp)
    return header, guess_separator(path, header, wanted)


def _first_byte(path: Path) -> bytes:
    return next(read_blocks(path)).data.lstrip()[:1]
