"""What the tasks of Spark do: they read their shares, and tell what they found in rows of one form.

This runs on executors, where this package is installed as it is here.
"""

import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from seqrec.errors import SeqrecError
from seqrec.files import sha256_of
from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.preparation.raw_files import Reading, last_row
from seqrec.preparation.tally import Counts
from seqrec.readers import read_pieces
from seqrec.readers.parts.pieces import Piece, TimesRead
from seqrec.spark.slices import Share, reading, state_of, survey

ROW, REJECTED_ROW, TOLD = 0, 1, 2
FOUND = pa.schema(
    [
        ("kind", pa.int8()),
        ("file", pa.int32()),
        ("user_id", pa.string()),
        ("item_id", pa.string()),
        ("timestamp", pa.int64()),
        ("source_row", pa.int64()),
        ("rating", pa.float64()),
        ("order", pa.int64()),
        ("reason", pa.string()),
        ("text", pa.string()),
    ]
)
"""An interaction, a rejected row (its line in source_row, its place among them in order), or what a
task tells (in text, its number in source_row)."""
FOUND_IN_SPARK = (
    "kind tinyint, file int, user_id string, item_id string, timestamp bigint, source_row bigint, "
    "rating double, `order` bigint, reason string, text string"
)


class Told(NamedTuple):
    """What a task tells of its share."""

    share: int
    """Its number."""
    counts: list[Counts]
    """Of its pieces, one after the other: those up to each that has rejected rows are one."""
    first: Reading | None
    """How the timestamps of its first rows were read."""
    last_row: int
    """The last line, or row, that it has seen."""
    second_order: bool
    """Whether its interactions have a second column for the order."""
    sha256: str
    """Of the file; only by the task that reads its beginning."""
    error: str
    """The line for which reading ended."""
    said: list[tuple[int, str]]
    """Level and text of what readers say."""

    @property
    def last_position(self) -> int | None:
        """The last position, where the times of its interactions are positions."""
        if self.first is None or self.first.unit != "order":
            return None
        return max(one.span[1] for one in self.counts if one.span)

    def to_json(self) -> str:
        """Return it as text."""
        return json.dumps([self.share, [vars(one) for one in self.counts], *self[2:]])

    @classmethod
    def from_json(cls, text: str) -> "Told":
        """Return it again."""
        share, counts, first, *others = json.loads(text)
        return cls(share, [_counts(one) for one in counts], _reading(first), *others)


def _counts(values: dict[str, Any]) -> Counts:
    span = values["span"]
    again = {
        "changed": Counter(values["changed"]),
        "reasons": Counter(values["reasons"]),
        "times": TimesRead(*values["times"]),
        "span": None if span is None else tuple(span),
    }
    return Counts(**{**values, **again})


def _reading(values: list[Any] | None) -> Reading | None:
    return None if values is None else Reading(values[0], TimesRead(*values[1]), values[2])


class Heard(logging.Handler):
    """Keeps what readers say, for the program that people look at."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.said: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message."""
        self.said.append((record.levelno, record.getMessage()))


def read_shares(
    batches: Iterable[pa.RecordBatch], shares: list[Share], options: RawFileOptions, patient: bool
) -> Iterator[pa.RecordBatch]:
    """Read the shares whose numbers come in, in the form ``FOUND``.

    Args:
        batches: with a column of numbers, ``id``.
        shares: all of them.
        options: how the files are read.
        patient: go on where nearly all is rejected.
    """
    for batch in batches:
        for number in batch.column("id").to_pylist():
            yield from read_share(number, shares[number], options, patient)


def read_share(
    number: int, share: Share, options: RawFileOptions, patient: bool
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of one share, and at the end what is told of it."""
    told = Told(number, [Counts()], None, 0, False, "", "", [])
    try:
        with hearing() as said:
            told = told._replace(said=said)
            check_unchanged(share)
            for piece in pieces_of(share, options):
                yield from found(piece, share.file, sum(one.broken for one in told.counts))
                told = with_piece(told, piece)
                # what stands before it is unknown, unless it is the log's beginning
                if number == 0 and told.counts[0].hopeless and not patient:
                    break
            check_unchanged(share)
            if share.slice is None or share.slice.first == 0:
                told = told._replace(sha256=sha256_of(Path(share.path)))
    except SeqrecError as refusal:
        told = told._replace(error=str(refusal))
    yield told_row(share.file, number, told.to_json())


def with_piece(told: Told, piece: Piece) -> Told:
    """Return what is told, after one more piece."""
    told.counts[-1].add(piece)
    counts = [*told.counts, Counts()] if len(piece.rejected) else told.counts
    told = told._replace(counts=counts, last_row=max(told.last_row, last_row(piece)))
    if told.first is not None or not len(piece.interactions):
        return told
    second_order = "order" in piece.interactions.column_names
    return told._replace(first=Reading.of(piece), second_order=second_order)


@contextmanager
def hearing() -> Iterator[list[tuple[int, str]]]:
    """Keep what readers say in this block."""
    logger, heard = logging.getLogger("seqrec"), Heard()
    level = logger.level
    logger.addHandler(heard)
    logger.setLevel(logging.INFO)
    try:
        yield heard.said
    finally:
        logger.removeHandler(heard)
        logger.setLevel(level)


def check_unchanged(share: Share) -> None:
    """Raise a SeqrecError where a share's file is not to be seen, or is another than it was."""
    try:
        state = state_of(Path(share.path))
    except OSError:
        raise SeqrecError(
            f"{share.path} is not to be seen by an executor of Spark; let the log and data/ lie in "
            "a folder that all machines have under one path"
        ) from None
    if state != share.state:
        raise SeqrecError(f"{share.path} was changed while it was read; run again")


def pieces_of(share: Share, options: RawFileOptions) -> Iterator[Piece]:
    """Yield the pieces of a share; the first one of its file only where it is part of it."""
    with reading(share.slice):
        pieces = read_pieces(Path(share.path), options)
        if share.slice is not None and share.slice.first:
            begin = next(pieces)
            assert last_row(begin) < share.slice.first_line
        yield from pieces


def found(piece: Piece, file: int, rejected: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a piece in the form ``FOUND``."""
    if count := len(piece.interactions):
        yield from _batches(ROW, file, count, piece.interactions)
    if count := len(piece.rejected):
        names = ["source_row", "reason", "text"]
        table = piece.rejected.rename_columns(names)
        places = pa.array(np.arange(rejected, rejected + count))
        yield from _batches(REJECTED_ROW, file, count, table.append_column("order", places))


def told_row(file: int, number: int, text: str) -> pa.RecordBatch:
    """Return one row of what a task tells."""
    (batch,) = _batches(TOLD, file, 1, pa.table({"source_row": [number], "text": [text]}))
    return batch


def _batches(kind: int, file: int, count: int, table: pa.Table) -> Iterator[pa.RecordBatch]:
    """Yield a table with the columns it lacks."""
    columns = {"kind": pa.repeat(pa.scalar(kind, pa.int8()), count)}
    columns["file"] = pa.repeat(pa.scalar(file, pa.int32()), count)
    for field in FOUND:
        if field.name in table.column_names:
            columns[field.name] = table[field.name]
        columns.setdefault(field.name, pa.nulls(count, field.type))
    yield from pa.table(columns, schema=FOUND).to_batches()


def survey_shares(
    batches: Iterable[pa.RecordBatch], shares: list[Share], options: RawFileOptions
) -> Iterator[pa.RecordBatch]:
    """Survey the shares whose numbers come in: a row each, with its number and what was found."""
    for batch in batches:
        numbers = batch.column("id").to_pylist()
        texts = [json.dumps(survey(shares[number], options)) for number in numbers]
        yield pa.RecordBatch.from_pydict({"share": numbers, "text": texts})
