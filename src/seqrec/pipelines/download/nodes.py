"""Fetch the raw log of a data set from its publisher."""

import logging
from pathlib import Path

from seqrec.parameters.raw_sections import RawOptions
from seqrec.preparation.demo_log import generate_if_absent
from seqrec.preparation.download import download_raw_file

logger = logging.getLogger(__name__)


def download_raw_log(dataset: str, raw: RawOptions, raw_dir: str) -> None:
    """Put the publisher's file, or the generated log, into the folder.

    Args:
        dataset: the data set's name.
        raw: its files and its publisher.
        raw_dir: the folder to put the file into.
    """
    folder = Path(raw_dir)
    path = generate_if_absent(raw, folder) or download_raw_file(dataset, raw, folder)
    logger.info("the raw log of '%s' is %s", dataset, path)
