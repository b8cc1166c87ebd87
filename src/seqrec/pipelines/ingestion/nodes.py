"""Read the raw log of a data set into the table ``interactions``, and its items' titles."""

import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from seqrec.files import spill_folder
from seqrec.parameters.raw_sections import RawOptions
from seqrec.parameters.sections import EngineOptions, IngestionOptions
from seqrec.preparation.demo_log import generate_if_absent
from seqrec.preparation.ingestion import read_log
from seqrec.preparation.raw_files import find_raw_file
from seqrec.preparation.tally import remarks
from seqrec.preparation.titles import read_titles

logger = logging.getLogger(__name__)


def read_raw_log(
    dataset: str,
    raw: RawOptions,
    raw_dir: str,
    options: IngestionOptions,
    engine: EngineOptions,
) -> tuple[Path, pa.Table, dict[str, Any], pa.Table]:
    """Read the raw log, row by row as it comes, and the titles beside it.

    Args:
        dataset: the data set's name.
        raw: the files it accepts, and their readers.
        raw_dir: the folder in which one of them lies.
        options: how tolerant reading is.
        engine: says where a large table may be written on its way.

    Returns:
        interactions as a finished Parquet file, rejected_rows, the report, and titles.
    """
    generate_if_absent(raw, Path(raw_dir))
    raw_file = find_raw_file(dataset, raw, Path(raw_dir))
    titles = read_titles(raw, Path(raw_dir))
    spill = spill_folder(engine.spill_directory)
    with TemporaryDirectory(prefix=f"ingestion-{dataset}-", dir=spill) as work_folder:
        log = read_log(raw_file, options, Path(work_folder))
        # Out of the folder that goes now; the catalog moves it to its place.
        finished = log.interactions.rename(f"{work_folder}.parquet")
    tell(log.report)
    return finished, log.rejected, log.report, titles


def tell(report: dict[str, Any]) -> None:
    """Say what was read, what was changed or left out, and what was guessed."""
    logger.info(
        "%s interactions in %s, %s rows rejected",
        f"{report['rows_kept']:,}",
        report["file"],
        f"{report['rows_rejected']:,}",
    )
    for line in remarks(report):
        logger.info(line)
