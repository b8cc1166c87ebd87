"""Parquet tables: read in pieces, only the columns that are named."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.readers.parts.headers import HeaderNames
from seqrec.readers.parts.pieces import Piece
from seqrec.readers.parts.records import Records, columns_to_read, read_records

BATCH_ROWS = 1024 * 1024
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def read_parquet(
    path: Path, names: HeaderNames, options: RawFileOptions | None = None
) -> Iterator[Piece]:
    """Yield a Parquet table; the row number, from 1, stands for the line number.

    Folders such as ``event=buy`` around the file stand for columns that it lacks.

    Raises:
        SeqrecError: the file is not Parquet, or a column is missing or of no use.
    """
    try:
        with pq.ParquetFile(path) as file:
            inside = file.schema_arrow.names
            around = {k: v for k, v in partition_values(path).items() if k not in inside}
            wanted = columns_to_read(path, names, [*inside, *around])
            columns = [name for name in wanted if name in inside]
            batches = (
                with_constants(batch, {name: around[name] for name in wanted if name in around})
                for batch in file.iter_batches(BATCH_ROWS, columns=columns)
            )
            yield from read_records(records_of(batches), names, path, options)
    except (pa.ArrowException, OSError) as error:
        line = str(error).partition("\n")[0]
        raise SeqrecError(f"{path} cannot be read as Parquet ({line}); write it again") from None


def partition_values(path: Path) -> dict[str, str | None]:
    """Return what the folders around a file say, as Hive and Spark name them: ``event=buy``."""
    pairs = [part.split("=", 1) for part in path.parent.parts if "=" in part]
    return {name: None if value == NO_VALUE else unquote(value) for name, value in pairs}


def with_constants(batch: pa.RecordBatch, values: dict[str, str | None]) -> pa.RecordBatch:
    """Return a batch with more columns, each with one value in all rows."""
    for name, value in values.items():
        column = pa.repeat(pa.scalar(value, pa.string()), len(batch))
        batch = batch.append_column(name, column)
    return batch


def records_of(batches: Iterable[pa.RecordBatch]) -> Iterator[Records]:
    """Yield batches as records whose line numbers are their row numbers, from 1."""
    first = 1
    for batch in batches:
        yield Records(batch, np.arange(first, first + len(batch)), row_texts(batch))
        first += len(batch)


def row_texts(batch: pa.RecordBatch) -> Callable[[int], str]:
    """Return what gives a row of a batch as one line for people."""
    return lambda row: ",".join(value_text(c[row]) for c in batch.columns).replace("\n", " ")


def value_text(value: pa.Scalar) -> str:
    """Return a value as text; Python has no nanoseconds, and text may be broken."""
    if isinstance(value, pa.DictionaryScalar):
        return value_text(value.value)
    try:
        return str(value.as_py())
    except UnicodeDecodeError:
        return bytes(value.as_buffer()).decode(errors="replace")
    except (ValueError, OverflowError):
        return str(value.value)
