"""What form a raw log has: which reader takes it, and which columns there are to choose from.

The header is cut as the reader cuts it. DuckDB's sniffer is no help: one short row makes it see a
single column, 13/01/2024 is a date to it but not to the readers, and it reads no archives.
"""

import codecs
import re
from collections.abc import Mapping
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from seqrec.add_dataset.column_guesses import FIRST_SECOND, LAST_SECOND, Sample
from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.readers import amazon, find_reader, lastfm, yelp
from seqrec.readers.json_keys import keys_of, known_keys, values_at
from seqrec.readers.parts.first_lines import header_of
from seqrec.readers.parts.headers import SEPARATORS, split_header
from seqrec.readers.parts.json_lines import parse_object
from seqrec.readers.parts.lines import is_utf8
from seqrec.readers.parts.source import Block, read_blocks, refuse_member
from seqrec.readers.parts.values import decimal, microseconds
from seqrec.readers.table import is_parquet, refuse_packed_parquet

SAMPLE_ROWS = 1000
ATOMIC = "atomic"
BY_KEYS = "json_lines"
NAMED_COLUMNS = ("table", ATOMIC, BY_KEYS)
"""The readers whose columns have to be named; the others know theirs."""
ATOMIC_TYPES = ("token", "token_seq", "float", "float_seq")
DOUBLE_COLONS = "::"
JSON_KEYS = {"amazon_reviews": amazon.REVIEW, "yelp_reviews": yelp.REVIEW}
HEADERS = {lastfm.TIMESTAMPS: "lastfm_timestamps", lastfm.DATES: "lastfm_dates"}
HEADERLESS: Mapping[str, str] = {
    "\t": "movielens_u_data",
    DOUBLE_COLONS: "movielens_ratings_dat",
    ",": "amazon_2014_ratings",
}
"""Tables without a header by their separators: four columns, the last two a rating and seconds."""
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
"""Bytes that text has no use for, but perhaps as a separator."""
LOOKED_AT = 8192
"""So many bytes tell text from what is none."""


def find_form(
    path: Path,
    reader: str | None = None,
    member: str | None = None,
    separator: str | None = None,
) -> tuple[RawFileOptions, Sample]:
    """Return how a raw log is read but for its columns, and the columns to choose from.

    Args:
        path: the file: text (plain, gzip, zip or tar) or Parquet.
        reader: its reader, where the user says so; else its first lines tell.
        member: the file inside an archive.
        separator: what stands between two columns; None: what the reader finds by itself.

    Returns:
        The options, and the columns with their first values; none where the reader knows them.

    Raises:
        SeqrecError: the file cannot be read, or no reader takes its form.
    """
    sample: Sample = {}
    if reader is not None:
        find_reader(reader)
    if reader in (None, *NAMED_COLUMNS):
        if is_parquet(path):
            refuse_member(path, member)
            reader, separator, sample = "table", None, parquet_sample(path)
        else:
            lines, marked = first_lines(path, member, separator)
            known = separator or marked
            reader = reader or ("table" if known else own_reader(path, lines))
            if reader == BY_KEYS:
                sample = json_sample(path, lines)
            elif reader in NAMED_COLUMNS:
                sample = text_sample(path, lines, "\t" if reader == ATOMIC else known)
            if reader == ATOMIC:
                sample = {name.partition(":")[0]: values for name, values in sample.items()}
    options = RawFileOptions(name=path.name, reader=str(reader), member=member, separator=separator)
    return options, sample


def first_lines(
    path: Path, member: str | None, separator: str | None = None
) -> tuple[list[str], str | None]:
    """Return the first lines of a text from its header on, which is UTF-8, and its separator.

    That is what a line above the header says, None where there is no such line.
    """
    blocks = refuse_packed_parquet(read_blocks(path, member), path)
    first = next(blocks)
    _refuse_no_text(first.data[:LOOKED_AT], path, separator)
    header = header_of(chain([first], blocks), path)
    rows = next(header.rest, Block(b"", 0)).data.split(b"\n", SAMPLE_ROWS)[:SAMPLE_ROWS]
    texts = [row.decode(errors="replace") for row in rows if row.strip()]
    return [header.text, *texts], header.separator


def _refuse_no_text(head: bytes, path: Path, separator: str | None) -> None:
    """Raise where a file begins like a picture, a spreadsheet or a program."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return  # full of zeros, and text
    # The user's separator may be a control character.
    head = head.replace((separator or "\t").encode(), b"\t")
    # In text a stray control character below the first line is only a flaw.
    is_text = is_utf8(head[: head.rfind(b"\n") + 1])
    if b"\0" in head or CONTROL.search(head.partition(b"\n")[0] if is_text else head):
        raise SeqrecError(
            f"{path} is no text and no format that is read here; save it as CSV or Parquet"
        )


def parquet_sample(path: Path) -> Sample:
    """Return the columns of a Parquet file with their first values as text."""
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            rows = next(file.iter_batches(SAMPLE_ROWS), pa.table({})).to_pylist()
    except (pa.ArrowException, OSError) as error:
        line = str(error).partition("\n")[0]
        raise SeqrecError(f"{path} cannot be read as Parquet ({line}); write it again") from None
    return {name: ["" if row[name] is None else str(row[name]) for row in rows] for name in names}


def text_sample(path: Path, lines: list[str], separator: str | None) -> Sample:
    """Return the columns of a table with a header; rows that are broken or go on are left out."""
    mark = widest_separator(lines[0]) if separator is None else separator
    if len(mark) != 1:
        raise SeqrecError(
            f"--separator '{mark}' is not one character, as a table's has to be; name another one"
        )
    header, *rows = (split_header(line, mark) for line in lines)
    if len(header) < 2:
        missing = "known separator" if separator is None else repr(separator)
        raise SeqrecError(f"{path}, first line: no {missing} in the header; name it by --separator")
    whole = [row for row in rows if len(row) == len(header)]
    return {name: [row[place] for row in whole] for place, name in enumerate(header)}


def widest_separator(header: str) -> str:
    """Return the separator that cuts a line into the most columns."""
    return max(SEPARATORS, key=lambda separator: len(split_header(header, separator)))


def own_reader(path: Path, lines: list[str]) -> str:
    """Return the reader for a text, told by its first lines.

    Raises:
        SeqrecError: it is JSON with other keys, or a table without a header that none knows.
    """
    header = lines[0]
    if header.lstrip().startswith("{"):
        return json_reader(path, header)
    columns = tuple(split_header(header, "\t"))
    if columns in HEADERS:
        return HEADERS[columns]
    if all(name.partition(":")[2] in ATOMIC_TYPES for name in columns):
        return ATOMIC
    separator = DOUBLE_COLONS if DOUBLE_COLONS in header else widest_separator(header)
    fields = header.replace('"', "").split(separator if separator in header else None)
    if any(decimal(field) is not None or microseconds(field) is not None for field in fields):
        return headerless_reader(path, lines, separator)
    return "table"


def json_reader(path: Path, line: str) -> str:
    """Return the reader for JSON lines with the keys of the first one."""
    keys = set(parse_object(line) or ())
    for reader, known in JSON_KEYS.items():
        if {known.user, known.item, known.timestamp} <= keys:
            return reader
    return BY_KEYS


def json_sample(path: Path, lines: list[str]) -> Sample:
    """Return the paths of the keys of JSON lines with their first values as text."""
    objects = [found for line in lines if (found := parse_object(line)) is not None]
    if not objects:
        raise SeqrecError(f"{path}: the first line is no JSON object; give another --reader")
    return {
        key: [str(value) for found in objects for value in values_at(found, keys_of(key, objects))]
        for key in known_keys(objects)
    }


def headerless_reader(path: Path, lines: list[str], separator: str) -> str:
    """Return the reader for a text without a header.

    Raises:
        SeqrecError: it is neither published sequences nor one of the known tables.
    """
    if separator not in lines[0]:
        return "sequence_lines"
    rows = [row for line in lines if len(row := line.split(separator)) == 4]
    if separator not in HEADERLESS or 2 * len(rows) < len(lines) or not all(map(_is_rated, rows)):
        raise SeqrecError(
            f"{path}: the first line is no header line; count the columns from 0, "
            "--user 0 --item 1 --timestamp 2 say"
        )
    if separator == "," and _items_stand_first(rows):
        return "amazon_2018_ratings"
    return HEADERLESS[separator]


def _is_rated(row: list[str]) -> bool:
    """Return whether a row ends in a rating and seconds, as publishers' tables do."""
    rating, seconds = decimal(row[2]), decimal(row[3])
    return rating is not None and FIRST_SECOND <= (seconds or 0) <= LAST_SECOND


def _items_stand_first(rows: list[list[str]]) -> bool:
    """Return whether the first column, and not the second, holds Amazon's product numbers."""
    first, second = (
        amazon.share_of_products(pa.chunked_array([[row[place] for row in rows]]))
        for place in (0, 1)
    )
    return bool(first > 0.9 and second < 0.1)
