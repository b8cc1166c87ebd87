"""Ingestion on Spark: tasks read the log, what they tell makes the report that one pass makes.

Lines and files are numbered as in one pass: a slice knows its first line from a survey, and the
rows of a file are moved on by those of the files before when they are written.
"""

import json
import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from seqrec.errors import SeqrecError
from seqrec.files import sha256_of
from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.parameters.sections import IngestionOptions
from seqrec.preparation.raw_files import OneClock, RawFile, Reached, full_parts, parts_of
from seqrec.preparation.tally import Tally
from seqrec.readers.parts.pieces import IN_ORDER, INTERACTIONS
from seqrec.spark.session import address, cancel_jobs, parquet, spark_session
from seqrec.spark.slices import Share, Survey, share_out
from seqrec.spark.tasks import (
    FOUND_IN_SPARK,
    REJECTED_ROW,
    ROW,
    TOLD,
    Told,
    read_shares,
    survey_shares,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

logger = logging.getLogger(__name__)


class LogOnSpark(NamedTuple):
    """A raw log as tables; rows stay where Spark has written them."""

    interactions: Path
    """Folder of Parquet parts, columns of the interactions table."""
    rejected: Path
    """Folder of Parquet parts: source_file, line_number, reason, text."""
    report: dict[str, Any]


def read_log_on_spark(
    raw_file: RawFile, options: IngestionOptions, work_folder: Path
) -> LogOnSpark:
    """Read a raw file, as ``read_log`` does, by the tasks of Spark.

    Args:
        raw_file: the raw file and its reader; executors see it under the same path.
        options: how many broken rows are tolerated.
        work_folder: where the tables go; executors see it under the same path.

    Returns:
        Folders of Parquet parts for the interactions and the rejected rows, and the report.

    Raises:
        SeqrecError: as ``read_log``.
    """
    session, work_folder = spark_session(), work_folder.absolute()
    try:
        return _read(session, raw_file, options, work_folder)
    except BaseException:
        cancel_jobs()  # or they would write on into a folder that goes
        raise


def _read(
    session: "SparkSession", raw_file: RawFile, options: IngestionOptions, work_folder: Path
) -> LogOnSpark:
    files = dict(enumerate(full_parts(raw_file)))
    shares = share_out(
        {file: path for file, (path, _) in files.items()},
        raw_file.options,
        partial(surveys, session, raw_file.options),
    )
    patient = options.max_rejected_share >= 0.5
    task = partial(read_shares, shares=shares, options=raw_file.options, patient=patient)
    numbers = session.range(0, len(shares), 1, max(len(shares), 1))
    found = work_folder / "found.parquet"
    numbers.mapInArrow(task, FOUND_IN_SPARK).write.parquet(address(found))
    rows = parquet(session, found, FOUND_IN_SPARK)
    log = Gathered(raw_file, options, files, shares)
    for told in told_by(rows, shares):
        log.add(told)
    log.tally.check()
    interactions, rejected = work_folder / "interactions.parquet", work_folder / "rejected.parquet"
    write_interactions(session, rows, log, interactions)
    write_rejected(session, rows, log, rejected)
    return LogOnSpark(interactions, rejected, log.report())


def surveys(session: "SparkSession", options: RawFileOptions, parts: list[Share]) -> list[Survey]:
    """Let tasks survey slices; return what they found, in the order of the slices."""
    task = partial(survey_shares, shares=parts, options=options)
    numbers = session.range(0, len(parts), 1, len(parts))
    rows = numbers.mapInArrow(task, "share bigint, text string").collect()
    found = {row.share: Survey(*json.loads(row.text)) for row in rows}
    return [found[number] for number in range(len(parts))]


def told_by(rows: "DataFrame", shares: list[Share]) -> list[Told]:
    """Return what the tasks tell, in the order of the log."""
    texts = rows.filter(rows.kind == TOLD).select("text").collect()
    told = sorted((Told.from_json(row.text) for row in texts), key=lambda one: one.share)
    assert [one.share for one in told] == list(range(len(shares)))
    return told


class Gathered:
    """What the tasks tell of a log, one after the other in its order."""

    def __init__(
        self,
        raw_file: RawFile,
        options: IngestionOptions,
        files: dict[int, tuple[Path, str]],
        shares: list[Share],
    ) -> None:
        self.tally = Tally(raw_file, options)
        self.files = files
        self.shares = shares
        self.before: dict[int, Reached] = {}
        """How much of the log stands before each file."""
        self.second_order = False
        self._clocks = OneClock()
        self._reached = Reached()
        self._digests: dict[Path, str] = {}
        self._said: set[tuple[Path, str]] = set()

    def add(self, told: Told) -> None:
        """Add what one task tells.

        Raises:
            SeqrecError: its reader did, or its timestamps were read otherwise than those before.
        """
        share = self.shares[told.share]
        path, label = self.files[share.file]
        for level, text in told.said:
            if (path, text) not in self._said:  # each slice sees the beginning of its file
                self._said.add((path, text))
                logger.log(level, "%s", text)
        if told.first is not None:
            self._clocks.check(path, told.first)
        for counts in told.counts:
            self.tally.take(label, counts)
            if self.tally.hopeless:
                self.tally.check()
        if told.error:
            raise SeqrecError(told.error.replace(share.path, str(path)))
        before = self.before.setdefault(share.file, self._reached)
        self._reached = self._reached.beyond(before, told.last_row, told.last_position)
        self.second_order = self.second_order or told.second_order
        if told.sha256:
            self._digests[path] = told.sha256

    def report(self) -> dict[str, Any]:
        """Return the report of the ingestion."""
        parts = parts_of(self.tally.raw_file.path)
        return self.tally.report([self._digests.get(part) or sha256_of(part) for part in parts])

    def offsets(self, session: "SparkSession") -> "DataFrame":
        """Return what stands before each file, and what it is called."""
        rows = [(file, *before, self.files[file][1]) for file, before in self.before.items()]
        form = "file int, rows_before bigint, positions_before bigint, source_file string"
        return session.createDataFrame(rows, form)


def write_interactions(
    session: "SparkSession", rows: "DataFrame", log: Gathered, path: Path
) -> None:
    """Write the interactions, their rows counted through all files."""
    from pyspark.sql import functions as sql

    kept = rows.filter(rows.kind == ROW).join(sql.broadcast(log.offsets(session)), "file")
    moved = {"source_row": "rows_before"}
    if log.tally.all.timestamp_unit == "order":
        moved["timestamp"] = "positions_before"
    for name, by in moved.items():
        kept = kept.withColumn(name, sql.col(name) + sql.col(by))
    names = (IN_ORDER if log.second_order else INTERACTIONS).names
    kept.select(*names).write.parquet(address(path))


def write_rejected(session: "SparkSession", rows: "DataFrame", log: Gathered, path: Path) -> None:
    """Write the rejected rows, each with its file and line, in their order."""
    from pyspark.sql import functions as sql

    broken = rows.filter(rows.kind == REJECTED_ROW)
    named = broken.join(sql.broadcast(log.offsets(session)), "file")
    ordered = named.orderBy("file", "source_row", "order")
    line = sql.col("source_row").alias("line_number")
    ordered.select("source_file", line, "reason", "text").write.parquet(address(path))
