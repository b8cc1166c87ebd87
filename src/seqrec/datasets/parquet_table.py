"""A Parquet file, or a folder of parts as Spark writes it, as an Ibis table."""

import shutil
from glob import escape
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import duckdb
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
from kedro_datasets._typing import TablePreview
from kedro_datasets.ibis import FileDataset

from seqrec.datasets.remedies import check_made, run_again
from seqrec.errors import SeqrecError
from seqrec.files import remove, replacing, spill_folder

SPARK = "spark"


class ParquetTableDataset(FileDataset):
    """Loads an Ibis table; saves an Ibis table, an Arrow table or finished Parquet.

    The backend ``spark`` reads and writes by Spark; what it wrote, a folder of parts, DuckDB reads
    as it reads a file.

    Example in catalog.yml::

        sequences:
          type: seqrec.datasets.parquet_table.ParquetTableDataset
          filepath: data/05_model_input/demo/sequences.parquet
          made_by: sequences
          connection: {backend: duckdb, database: ":memory:", memory_limit: 4GB}
    """

    def __init__(
        self,
        *,
        filepath: str,
        made_by: str = "",
        connection: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Point at a Parquet file.

        Args:
            filepath: where the file lies.
            made_by: the pipeline that makes it, named when it is missing.
            connection: the Ibis backend and its settings; a setting that is null is left out.
            metadata: for Kedro-Viz.
        """
        self._made_by = made_by
        settings = {key: value for key, value in (connection or {}).items() if value is not None}
        super().__init__(
            filepath=filepath, file_format="parquet", connection=settings, metadata=metadata
        )

    def load(self) -> ir.Table:
        """Return the table; its rows are read when it is used.

        Raises:
            SeqrecError: there is no such file, or it is no Parquet file.
        """
        check_made(self._path, self._made_by)
        try:
            table: ir.Table = self.connection.read_parquet(self._name_for_engine())
        except duckdb.Error as error:
            if not _is_about_content(error):
                raise
            raise SeqrecError(
                f"{self._path} is damaged or no Parquet file{run_again(self._made_by)}"
            ) from None
        return table

    def save(self, data: ir.Table | pa.Table | Path) -> None:
        """Write the table, or move a finished file here; the old file stays until then."""
        try:
            check_table(self._path)
            with replacing(self._path, may_change_kind=True) as temporary:
                self._write(data, temporary)
        finally:
            if isinstance(data, Path):
                remove(data)  # nobody else knows of it

    def _write(self, data: ir.Table | pa.Table | Path, path: Path) -> None:
        if isinstance(data, Path):
            shutil.move(data, path)
        elif isinstance(data, pa.Table):
            pq.write_table(data, path)
        else:
            self.connection.to_parquet(data, path)

    def preview(self, nrows: int = 10) -> TablePreview:
        """Return the first rows, for Kedro-Viz."""
        if not self._path.exists():
            return TablePreview({})
        table = pads.dataset(self._path, format="parquet")
        rows, columns = table.head(nrows).to_pylist(), table.schema.names
        return TablePreview(
            {
                "index": list(range(len(rows))),
                "columns": columns,
                "data": [list(row.values()) for row in rows],
            }
        )

    @property
    def _path(self) -> Path:
        return Path(self._filepath)

    def _name_for_engine(self) -> str:
        return str(self._path) if self._is_of_spark else name_for_duckdb(self._path)

    @property
    def _is_of_spark(self) -> bool:
        return bool(self._connection_config["backend"] == SPARK)

    def _connect(self) -> Any:
        folder = self._connection_config.get("temp_directory")
        if folder:
            spill_folder(folder)
        if not self._is_of_spark:
            return super()._connect()
        from seqrec.spark.backend import spark_tables

        return spark_tables(folder or gettempdir())


def name_for_duckdb(path: Path) -> str:
    """Return how DuckDB calls a table: it has no folders, only patterns for the parts in them."""
    return f"{escape(str(path))}/*.parquet" if path.is_dir() else str(path)


def check_table(path: Path) -> None:
    """Raise a SeqrecError where a folder lies that holds something else than a table's parts."""
    if not path.is_dir() or (path / "_SUCCESS").is_file() or any(path.glob("part-*.parquet")):
        return
    if any(path.iterdir()):
        raise SeqrecError(f"cannot write {path}: Is a directory, and no table; move it away")


def _is_about_content(error: duckdb.Error) -> bool:
    """Tell whether DuckDB found something else than Parquet; a broken footer has no error class."""
    return isinstance(error, duckdb.InvalidInputException) or type(error) is duckdb.Error
