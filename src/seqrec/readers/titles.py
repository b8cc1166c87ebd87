"""Titles of items, from the side file that comes with a log: pairs of item id and title.

One function a form, as for logs; ``TITLE_READERS`` has them by the names that parameters use. A
row that is none (other columns than the header's, bytes that are not UTF-8) is yielded as None.
Tables of text are cut as logs are, so that a stray quote costs one row.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from seqrec.errors import SeqrecError, unknown_name
from seqrec.parameters.raw_sections import TitlesFileOptions
from seqrec.readers.parts.delimited import split_blocks
from seqrec.readers.parts.fields import Layout
from seqrec.readers.parts.first_lines import header_of
from seqrec.readers.parts.headers import (
    HeaderNames,
    find_column,
    find_position,
    guess_separator,
    is_counted_header,
    split_header,
)
from seqrec.readers.parts.ids import plain_id
from seqrec.readers.parts.json_lines import as_text, parse_object
from seqrec.readers.parts.parquet_values import as_text_column, id_texts, is_inexact
from seqrec.readers.parts.source import read_blocks, refuse_member
from seqrec.readers.table import is_parquet, refuse_packed_parquet

Title = tuple[str, str] | None
"""Item id and title, or None where a row holds neither."""
TitleReader = Callable[[Path, TitlesFileOptions], Iterator[Title]]
REPLACED = "\N{REPLACEMENT CHARACTER}"


def read_u_item(path: Path, options: TitlesFileOptions) -> Iterator[Title]:
    """Yield ``u.item`` (MovieLens 100K, latin-1): id, title and more between bars, no header."""
    return _split_lines(path, options, "|")


def read_movies_dat(path: Path, options: TitlesFileOptions) -> Iterator[Title]:
    """Yield ``movies.dat`` (1M in latin-1, 10M in UTF-8): ``id::title::genres``, no header."""
    return _split_lines(path, options, "::")


def read_movies_csv(path: Path, options: TitlesFileOptions) -> Iterator[Title]:
    """Yield ``movies.csv`` (20M, 25M, 32M, latest): ``movieId,title,genres``."""
    names = {"item": "movieId", "title": "title", "separator": ","}
    return _read_text_table(path, options.model_copy(update=names))


def read_title_table(path: Path, options: TitlesFileOptions) -> Iterator[Title]:
    """Yield two columns of a table, ``item`` and ``title``: CSV, TSV or Parquet."""
    if is_parquet(path):
        refuse_member(path, options.member)
        return _read_parquet(path, options)
    return _read_text_table(path, options)


def read_title_objects(path: Path, options: TitlesFileOptions) -> Iterator[Title]:
    """Yield two keys of JSON lines, or of Python dicts a line."""
    for block in read_blocks(path, options.member):
        for line in block.data.decode(errors="replace").split("\n")[:-1]:
            found = parse_object(line) if line else {}
            if found is None:
                yield None
            elif line:
                pair = [as_text(found.get(str(key))) for key in (options.item, options.title)]
                yield _picked(pair, 0, 1)


TITLE_READERS: dict[str, TitleReader] = {
    "movielens_u_item": read_u_item,
    "movielens_movies_dat": read_movies_dat,
    "movielens_movies_csv": read_movies_csv,
    "table": read_title_table,
    "json_lines": read_title_objects,
}


def find_title_reader(name: str) -> TitleReader:
    """Return the reader of that name.

    Raises:
        SeqrecError: there is none; the message names the nearest one.
    """
    if name not in TITLE_READERS:
        raise unknown_name("reader of titles", name, TITLE_READERS)
    return TITLE_READERS[name]


def _split_lines(path: Path, options: TitlesFileOptions, separator: str) -> Iterator[Title]:
    encoding = _encoding(path, options.member)
    for block in read_blocks(path, options.member, encoding):
        for line in block.data.decode().split("\n")[:-1]:
            yield _picked(line.split(separator), 0, 1)


def _encoding(path: Path, member: str | None) -> str:
    """Return UTF-8 if the whole file is, else latin-1, which every file could be."""
    try:
        for block in read_blocks(path, member, "utf-8"):
            block.data.decode()
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _read_text_table(path: Path, options: TitlesFileOptions) -> Iterator[Title]:
    header = header_of(refuse_packed_parquet(read_blocks(path, options.member), path), path)
    names = HeaderNames(options.item, options.title, None)
    separator = options.separator or header.separator or guess_separator(path, header.text, names)
    columns = split_header(header.text, separator)
    item, title = _places(path, columns, options)
    layout = Layout(  # of a log whose users are these items and whose items are the titles
        separator,
        len(columns),
        user=item,
        item=title,
        quoted=len(separator.encode()) == 1,
        row_is_line=separator == "\t" and '"' not in header.text,
    )
    is_row = names.by_position and not is_counted_header(columns)
    for fields in split_blocks(header.put_back() if is_row else header.below(), layout):
        texts = (column.to_numpy(zero_copy_only=False) for column in fields.columns)
        yield from map(_title, *texts)
        yield from [None] * len(fields.rejections)


def _read_parquet(path: Path, options: TitlesFileOptions) -> Iterator[Title]:
    try:
        with pq.ParquetFile(path) as file:
            inside = file.schema_arrow.names
            wanted = [inside[place] for place in _places(path, inside, options)]
            for batch in file.iter_batches(columns=wanted):
                ids, titles = (batch.column(name) for name in wanted)
                texts = _exact_ids(ids, path, wanted[0]), _title_texts(titles, path, wanted[1])
                yield from map(_title, *(column.to_pylist() for column in texts))
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise SeqrecError(f"{path} cannot be read ({reason}); is it Parquet?") from None


def _exact_ids(column: pa.Array, path: Path, name: str) -> pa.Array:
    """Return ids as a log has them, null where it would have none."""
    return pc.if_else(is_inexact(column), None, id_texts(column, path, name))


def _title_texts(column: pa.Array, path: Path, name: str) -> pa.Array:
    if pa.types.is_nested(column.type):
        raise SeqrecError(
            f"{path}: column '{name}' holds {column.type}, no titles; name another column"
        )
    return as_text_column(column)


def _places(path: Path, columns: list[str], options: TitlesFileOptions) -> tuple[int, int]:
    item, title = (
        find_position(name, columns, path)
        if isinstance(name, int)
        else find_column(name, columns, f"in the header of {path}")
        for name in (options.item, options.title)
    )
    return item, title


def _picked(row: list[str], item: int, title: int) -> Title:
    """Return the id and the title of a row, if it holds both."""
    return _title(row[item], row[title]) if len(row) > max(item, title) else None


def _title(item: str | None, title: str | None) -> Title:
    """Return an id and a title without outer white space, if there are both."""
    if item is None or title is None:
        return None
    pair = plain_id(item), title.strip()
    return pair if all(pair) and REPLACED not in "".join(pair) else None
