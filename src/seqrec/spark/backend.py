"""Ibis on Spark, where a cached table is a Parquet folder among what spills.

Spark's own cache keeps the plan of a table, which grows with every pass of a loop, and is lost with
an executor. A file has neither fault; the next step's plan begins with it.
"""

import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.pyspark import Backend
from ibis.util import gen_name

from seqrec.files import spill_folder
from seqrec.spark.session import address, clearing, parquet, spark_session

PREFIX = "tables-on-spark-"


class SparkTables(Backend):  # type: ignore[misc]  # Ibis comes without types
    """Ibis' backend for Spark with caches that are files."""

    def __init__(self, spill: str) -> None:
        """Connect to the session of this run.

        Args:
            spill: folder for cached tables; all machines of Spark see it under one path.
        """
        super().__init__()
        self.spill = spill
        self.folder: Path | None = None
        self.register_options()
        self.do_connect(spark_session())

    def _create_cached_table(self, name: str, expr: ir.Table) -> ir.Table:
        self._run_pre_execute_hooks(expr)
        path = self._own_folder() / name
        rows = self._session.sql(self.compile(expr))
        rows.write.parquet(address(path))
        parquet(self._session, path, rows.schema).createTempView(name)
        return self.table(name)

    def _drop_cached_table(self, name: str) -> None:
        self._session.catalog.dropTempView(name)
        if self.folder is not None:
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def _own_folder(self) -> Path:
        if self.folder is None or not self.folder.is_dir():
            spill = spill_folder(self.spill).resolve()
            self.folder = Path(mkdtemp(prefix=PREFIX, dir=spill))
        return self.folder

    def clear(self) -> None:
        """Remove what is left of the cached tables."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    def read_parquet(self, path: str | Path, /, **options: Any) -> ir.Table:
        """Return a Parquet file or folder."""
        name = gen_name("read_parquet")
        parquet(self._session, Path(path)).createTempView(name)
        return self.table(name)

    def to_parquet(self, expr: ir.Table, /, path: str | Path, **options: Any) -> None:
        """Write rows as a folder of Parquet parts."""
        self._run_pre_execute_hooks(expr)
        self._session.sql(self.compile(expr)).write.parquet(address(Path(path)))

    def to_pyarrow(self, expr: ir.Expr, /, **options: Any) -> pa.Table:
        """Return the rows of an expression, by way of Arrow alone."""
        table = expr.as_table()
        self._run_pre_execute_hooks(table)
        frame = self._session.sql(self.compile(table, **options))
        schema = table.schema().to_pyarrow()
        return expr.__pyarrow_result__(frame.toArrow().cast(schema))


_backends: dict[str, SparkTables] = {}


def spark_tables(spill: str) -> SparkTables:
    """Return the tables on Spark; one for all datasets of a run."""
    if spill not in _backends:
        _backends[spill] = SparkTables(spill)
        clearing.append(_backends[spill].clear)
    return _backends[spill]
