"""What form a raw log has: which reader takes it, and which columns there are to choose from."""

import codecs
import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from seqrec.add_dataset.column_guesses import FIRST_SECOND, LAST_SECOND, Sample
from seqrec.errors import SeqrecError
from seqrec.parameters.sections import ColumnMapping, RawFileOptions
from seqrec.readers import amazon, find_reader, lastfm, yelp
from seqrec.readers.amazon import share_of_products
from seqrec.readers.parts.headers import SEPARATORS, split_header
from seqrec.readers.parts.json_lines import parse_object
from seqrec.readers.parts.source import Block, read_blocks, refuse_member, take_header
from seqrec.readers.parts.values import decimal, microseconds
from seqrec.readers.table import is_parquet, refuse_packed_parquet

SAMPLE_ROWS = 1000
NAMED_COLUMNS = ("table", "atomic")
"""The readers whose columns have to be named; the others know theirs."""
ATOMIC_TYPES = ("token", "token_seq", "float", "float_seq")
DOUBLE_COLONS = "::"
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
"""Bytes that text has no use for, but perhaps as a separator."""
LOOKED_AT = 8192
"""So many bytes tell text from what is none."""
A_HEADER = "write one on top, such as user_id,item_id,timestamp"


@dataclass(frozen=True)
class LogForm:
    """A raw log and how to read it, but for which column holds what."""

    path: Path
    reader: str
    member: str | None = None
    separator: str | None = None
    """As the user gave it; None: the reader finds it, which is the one seen here."""
    sample: Sample = field(default_factory=dict)
    """The columns to choose from, with their first values; none where the reader knows them."""

    def options(self, columns: ColumnMapping | None) -> RawFileOptions:
        """Return how the file is read with these columns."""
        return RawFileOptions(
            name=self.path.name,
            reader=self.reader,
            member=self.member,
            columns=columns,
            separator=self.separator,
        )


def find_form(
    path: Path,
    reader: str | None = None,
    member: str | None = None,
    separator: str | None = None,
) -> LogForm:
    """Return the form of a raw log, told by its first lines.

    Args:
        path: the file: text (plain, gzip, zip or tar) or Parquet.
        reader: its reader, where the user says so.
        member: the file inside an archive.
        separator: what stands between two columns, where the user says so.

    Raises:
        SeqrecError: the file cannot be read, or no reader takes its form.
    """
    if reader is not None:
        find_reader(reader)
        if reader not in NAMED_COLUMNS:
            return LogForm(path, reader, member, separator)
    if is_parquet(path):
        refuse_member(path, member)
        return LogForm(path, "table", sample=parquet_sample(path))
    lines = first_lines(path, member, separator)
    found = reader or ("table" if separator else own_reader(path, lines))
    if found not in NAMED_COLUMNS:
        return LogForm(path, found, member)
    sample = text_sample(path, lines, "\t" if found == "atomic" else separator)
    if found == "atomic":
        sample = {name.partition(":")[0]: values for name, values in sample.items()}
    return LogForm(path, found, member, separator, sample)


def first_lines(path: Path, member: str | None, separator: str | None = None) -> list[str]:
    """Return the first lines of a text file, the first of which is UTF-8."""
    blocks = refuse_packed_parquet(read_blocks(path, member), path)
    blocks = refuse_no_text(blocks, path, separator)
    header, blocks = take_header(blocks, path)
    for block in islice(blocks, 1):
        rows = block.data.split(b"\n", SAMPLE_ROWS)[:SAMPLE_ROWS]
        return [header, *(row.decode(errors="replace") for row in rows if row.strip())]
    return [header]


def refuse_no_text(blocks: Iterator[Block], path: Path, separator: str | None) -> Iterator[Block]:
    """Return the blocks, unless they begin like a picture, a spreadsheet or a program.

    Args:
        blocks: of the file.
        path: the file, for the message.
        separator: as the user gave it, perhaps a control character.

    Raises:
        SeqrecError: they do.
    """
    first = next(blocks)
    head = first.data[:LOOKED_AT].replace((separator or "\t").encode(), b"\t")
    line, _, _ = head.partition(b"\n")
    try:
        head[: head.rfind(b"\n") + 1].decode()
        suspicious = line  # a stray one further down is only a flaw
    except UnicodeDecodeError:
        suspicious = head
    # UTF-16 is full of zeros, and text.
    marked = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if (b"\0" in head or CONTROL.search(suspicious)) and not marked:
        raise SeqrecError(
            f"{path} is no text and no format that is read here; save it as CSV or Parquet"
        )
    return chain([first], blocks)


def parquet_sample(path: Path) -> Sample:
    """Return the columns of a Parquet file with their first values as text."""
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            first = next(file.iter_batches(SAMPLE_ROWS), None)
            values = [[] for _ in names] if first is None else map(_texts, first.columns)
            return dict(zip(names, values, strict=True))
    except (pa.ArrowException, OSError) as error:
        line = str(error).partition("\n")[0]
        raise SeqrecError(f"{path} cannot be read as Parquet ({line}); write it again") from None


def _texts(column: pa.Array) -> list[str]:
    """Return the values of a column as text; nanoseconds, which Python lacks, are cut off."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return ["" if value is None else str(value) for value in column.to_pylist()]


def text_sample(path: Path, lines: list[str], separator: str | None) -> Sample:
    """Return the columns of a table with a header; rows that are broken or go on are left out."""
    mark = separator or widest_separator(lines[0])
    names = split_header(lines[0], mark)
    if len(names) < 2:
        what = "known separator" if separator is None else repr(separator)
        raise SeqrecError(f"{path}, line 1: no {what} in the header; name it by --separator")
    rows = [row for row in split_rows(lines[1:], mark) if len(row) == len(names)]
    columns = [[row[place] for row in rows] for place in range(len(names))]
    return dict(zip(names, columns, strict=True))


def split_rows(lines: list[str], separator: str) -> list[list[str]]:
    """Return the fields of the lines."""
    if len(separator.encode()) > 1:
        return [line.split(separator) for line in lines]
    try:
        return list(csv.reader(lines, delimiter=separator))
    except csv.Error:
        return [line.split(separator) for line in lines]


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
    columns = split_header(header, "\t")
    for reader, names in (
        ("lastfm_timestamps", lastfm.TIMESTAMPS),
        ("lastfm_dates", lastfm.DATES),
    ):
        if tuple(columns) == names:
            return reader
    if all(name.partition(":")[2] in ATOMIC_TYPES for name in columns):
        return "atomic"
    return headerless_reader(path, lines) if is_data(header) else "table"


def json_reader(path: Path, line: str) -> str:
    """Return the reader for JSON lines with the keys of the first one."""
    keys = set(parse_object(line) or ())
    for reader, known in (("amazon_reviews", amazon.REVIEW), ("yelp_reviews", yelp.REVIEW)):
        if {known.user, known.item, known.timestamp} <= keys:
            return reader
    raise SeqrecError(
        f"{path}, line 1: JSON lines are read with the keys of Amazon's reviews (reviewerID, asin,"
        " unixReviewTime) or of Yelp's (user_id, business_id, date); write it as CSV or Parquet"
    )


def is_data(line: str) -> bool:
    """Return whether a first line is no header: one of its fields is a number or a date."""
    if DOUBLE_COLONS in line:
        fields = line.split(DOUBLE_COLONS)
    else:
        fields = split_header(line, widest_separator(line))
        fields = fields if len(fields) > 1 else line.split()
    return any(decimal(field) is not None or microseconds(field) is not None for field in fields)


def headerless_reader(path: Path, lines: list[str]) -> str:
    """Return the reader for a text without a header.

    Raises:
        SeqrecError: it is neither published sequences nor one of the known tables.
    """
    separator = widest_separator(lines[0])
    if DOUBLE_COLONS in lines[0]:
        separator = DOUBLE_COLONS
    elif separator not in lines[0]:
        return "sequence_lines"
    rows = [row for row in split_rows(lines, separator) if len(row) == 4]
    reader = HEADERLESS.get(separator)
    if reader is None or 2 * len(rows) < len(lines) or not all(map(_rated, rows)):
        raise SeqrecError(f"{path}, line 1 is no header line; {A_HEADER}")
    return reader(rows)


def _rated(row: list[str]) -> bool:
    """Return whether a row ends in a rating and seconds, as publishers' tables do."""
    rating, seconds = decimal(row[2]), decimal(row[3])
    return None not in (rating, seconds) and FIRST_SECOND <= float(row[3]) <= LAST_SECOND


def amazon_ratings(rows: list[list[str]]) -> str:
    """Return the reader of Amazon's ratings: in 2018 the items stand before the users."""
    columns = (pa.chunked_array([[row[place] for row in rows]]) for place in (0, 1))
    first, second = map(share_of_products, columns)
    return "amazon_2018_ratings" if first > 0.9 and second < 0.1 else "amazon_2014_ratings"


HEADERLESS: dict[str, Callable[[list[list[str]]], str]] = {
    "\t": lambda rows: "movielens_u_data",
    DOUBLE_COLONS: lambda rows: "movielens_ratings_dat",
    ",": amazon_ratings,
}
