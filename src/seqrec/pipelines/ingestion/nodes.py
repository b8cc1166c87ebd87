"""Read the raw log of a data set into the table ``interactions``, and its items' titles."""

import logging
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from seqrec.errors import rows_in_words
from seqrec.files import spill_folder
from seqrec.parameters.raw_sections import RawOptions
from seqrec.parameters.sections import EngineOptions, IngestionOptions
from seqrec.preparation.demo_log import generate_if_absent
from seqrec.preparation.ingestion import IngestedLog, read_log
from seqrec.preparation.raw_files import RawFile, find_raw_file
from seqrec.preparation.tally import remarks
from seqrec.preparation.titles import read_titles
from seqrec.spark.session import passing

if TYPE_CHECKING:
    from seqrec.spark.ingestion import LogOnSpark

logger = logging.getLogger(__name__)


def read_raw_log(
    dataset: str,
    raw: RawOptions,
    raw_dir: str,
    options: IngestionOptions,
    engine: EngineOptions,
) -> tuple[Path, pa.Table | Path, dict[str, Any], pa.Table]:
    """Read the raw log, row by row as it comes, and the titles beside it.

    Args:
        dataset: the data set's name.
        raw: the files it accepts, and their readers.
        raw_dir: the folder in which one of them lies.
        options: how tolerant reading is.
        engine: says who reads it, and where a large table may be written on its way.

    Returns:
        interactions as a finished Parquet file or folder, rejected_rows, the report, and titles.
    """
    generate_if_absent(raw, Path(raw_dir))
    raw_file = find_raw_file(dataset, raw, Path(raw_dir))
    titles = read_titles(raw, Path(raw_dir))
    spill = spill_folder(engine.spill_directory)
    with TemporaryDirectory(prefix=f"ingestion-{dataset}-", dir=spill) as work_folder:
        log = reading_by(engine)(raw_file, options, Path(work_folder))
        # Out of the folder that goes now; the catalog moves them to their places.
        finished = log.interactions.rename(f"{work_folder}.parquet")
        rejected = log.rejected
        if isinstance(rejected, Path):
            rejected = rejected.rename(f"{work_folder}-rejected.parquet")
            passing.append(rejected)
    tell(log.report)
    return finished, rejected, log.report, titles


def reading_by(
    engine: EngineOptions,
) -> Callable[[RawFile, IngestionOptions, Path], "IngestedLog | LogOnSpark"]:
    """Return what reads a log: this process, or the tasks of Spark."""
    if engine.backend == "duckdb":
        return read_log
    from seqrec.spark.ingestion import read_log_on_spark

    return read_log_on_spark


def tell(report: dict[str, Any]) -> None:
    """Say what was read, what was changed or left out, and what was guessed."""
    logger.info(
        "%s interactions in %s, %s rejected",
        f"{report['rows_kept']:,}",
        report["file"],
        rows_in_words(report["rows_rejected"]),
    )
    for line in remarks(report):
        logger.info(line)
