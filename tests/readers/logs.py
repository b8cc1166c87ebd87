"""A log of a test's own, read as a run reads it."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from seqrec.parameters.raw_sections import ColumnMapping, RawFileOptions
from seqrec.parameters.sections import IngestionOptions
from seqrec.preparation.ingestion import IngestedLog, read_log
from seqrec.preparation.raw_files import RawFile


def read(
    path: Path,
    work: Path,
    reader: str = "table",
    share: float = 0.0,
    columns: dict[str, Any] | None = None,
    **form: Any,
) -> IngestedLog:
    """Read a file, a folder or a pattern; without tolerance unless a test says so."""
    mapping = None if columns is None else ColumnMapping(**columns)
    options = RawFileOptions(name=path.name, reader=reader, columns=mapping, **form)
    return read_log(RawFile(path, options), IngestionOptions(max_rejected_share=share), work)


def frame(log: IngestedLog) -> pd.DataFrame:
    """The interactions in the order of the file."""
    table: pd.DataFrame = pq.read_table(log.interactions).to_pandas()
    return table
