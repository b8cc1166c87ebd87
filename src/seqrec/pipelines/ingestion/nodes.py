"""Read the raw log of a data set into the table ``interactions``."""

import logging
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa

from seqrec.configuration import EngineOptions, IngestionOptions, RawOptions
from seqrec.ingestion import find_raw_file, read_log
from seqrec.synthetic import write_demo_log

logger = logging.getLogger(__name__)


def read_raw_log(
    dataset: str,
    raw: RawOptions,
    raw_dir: str,
    options: IngestionOptions,
    engine: EngineOptions,
) -> tuple[Path, pa.Table, dict[str, Any]]:
    """Read the raw log, row by row as it comes.

    Args:
        dataset: the data set's name.
        raw: the files it accepts, and their readers.
        raw_dir: the folder in which one of them lies.
        options: how tolerant reading is.
        engine: says where a large table may be written on its way.

    Returns:
        interactions as a finished Parquet file, rejected_rows, and the report.
    """
    generate_if_absent(raw, Path(raw_dir))
    found = find_raw_file(dataset, raw, Path(raw_dir))
    work_folder = Path(engine.spill_directory) / f"ingestion-{dataset}"
    work_folder.mkdir(parents=True, exist_ok=True)
    try:
        log = read_log(found, options, work_folder)
    except BaseException:
        shutil.rmtree(work_folder, ignore_errors=True)
        raise
    logger.info(
        "%s interactions in %s, %s rows rejected",
        f"{log.report['rows_kept']:,}",
        log.report["file"],
        f"{log.report['rows_rejected']:,}",
    )
    return log.interactions, log.rejected, log.report


def generate_if_absent(raw: RawOptions, folder: Path) -> Path | None:
    """Write the log of a data set that the project makes itself, unless it is there.

    Returns:
        The file, or None where a publisher gives the log.
    """
    if raw.generator is None:
        return None
    path = folder / raw.files[0].name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_demo_log(path)
        logger.info("generated %s", path)
    return path
