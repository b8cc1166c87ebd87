"""The same file, or folder, of all cells: what a report reads."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset
from kedro.io.core import parse_dataset_definition

from seqrec.errors import SeqrecError


class CellsDataset(AbstractDataset[None, dict[str, Callable[[], Any]]]):
    """Loads functions by the cells' names, ``demo/bsarec/standard``; each reads one cell.

    kedro-datasets' PartitionedDataset has files alone, and one can't say how deep they lie.

    Example in catalog.yml::

        all_ranks:
          type: seqrec.datasets.cell_files.CellsDataset
          filepath: data/07_model_output/*/*/*/ranks.parquet
          dataset: {type: seqrec.datasets.parquet_table.ParquetTableDataset, …}
    """

    def __init__(
        self,
        *,
        filepath: str,
        dataset: dict[str, Any],
        made_by: str = "",
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Point at the files, or folders.

        Args:
            filepath: where they lie, a star for each part of a cell's name.
            dataset: how one is loaded, as in the catalog, without its path.
            made_by: the pipeline named where there is none, or where one is damaged; without
                it none is no error. The ``dataset`` takes it too, as those of this package do.
            metadata: for Kedro-Viz.
        """
        folder, _, pattern = filepath.partition("/*")
        self._path = Path(folder)
        self._pattern = f"*{pattern}"
        self._dataset = dataset
        self._made_by = made_by
        self.metadata = metadata

    def load(self) -> dict[str, Callable[[], Any]]:
        """Return functions that load a cell each, by its name, sorted.

        Raises:
            SeqrecError: there is none.
        """
        paths = {path.parent.relative_to(self._path).as_posix(): path for path in self._paths()}
        if self._made_by and not paths:
            raise SeqrecError(
                f"no {self._pattern} in {self._path}; run `kedro run`, or "
                f"`kedro run --pipeline {self._made_by}`, first"
            )
        return {name: partial(self._load_cell, paths[name]) for name in sorted(paths)}

    def save(self, data: None) -> None:
        """Refuse: each cell is saved by its own run."""
        raise SeqrecError(f"{self._path} is read only here; each cell is saved by its own run")

    def covers(self, path: Path) -> bool:
        """Return whether a file, or folder, is one of those: it need not be there yet."""
        return path.match(str(self._path / self._pattern))

    def _load_cell(self, path: Path) -> Any:
        place = {"filepath": str(path)} | ({"made_by": self._made_by} if self._made_by else {})
        kind, options = parse_dataset_definition({**self._dataset, **place})
        return kind(**options).load()

    def _paths(self) -> Iterator[Path]:
        return self._path.glob(self._pattern)

    def _exists(self) -> bool:
        return any(True for _ in self._paths())

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._path / self._pattern)}
