"""A CSV file as a data frame, saved wholly or not at all."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from kedro.io import AbstractDataset
from kedro_datasets._typing import TablePreview

from seqrec.datasets.remedies import check_made, run_again
from seqrec.errors import SeqrecError
from seqrec.files import replacing


class AtomicCSVDataset(AbstractDataset[Any, pd.DataFrame]):
    """A CSV file as a data frame; saves Arrow tables too.

    Kedro's own brings a database's toolkit with it, which takes a quarter of a second to load.

    Example in catalog.yml::

        progress:
          type: seqrec.datasets.csv_table.AtomicCSVDataset
          filepath: data/06_models/demo/bsarec/standard/progress.csv
          made_by: training
    """

    def __init__(
        self, *, filepath: str, made_by: str = "", metadata: dict[str, Any] | None = None
    ) -> None:
        """Point at a file.

        Args:
            filepath: where it lies.
            made_by: the pipeline named when it is missing or damaged.
            metadata: for Kedro-Viz.
        """
        self._filepath, self._made_by, self.metadata = Path(filepath), made_by, metadata

    def load(self) -> pd.DataFrame:
        """Return the content.

        Raises:
            SeqrecError: there is no such file, or it is no CSV.
        """
        path = self._filepath
        check_made(path, self._made_by)
        try:
            return as_written(path)
        except ValueError:
            raise SeqrecError(f"{path} is damaged or no CSV{run_again(self._made_by)}") from None

    def save(self, data: pd.DataFrame | pa.Table) -> None:
        """Write the file beside the old one, then put it in its place."""
        frame = data.to_pandas() if isinstance(data, pa.Table) else data
        with replacing(self._filepath) as temporary:
            frame.to_csv(temporary, index=False, lineterminator="\n")

    def preview(self, nrows: int = 10) -> TablePreview:
        """Return the first rows, for Kedro-Viz."""
        if not self._filepath.is_file():
            return TablePreview({})
        return TablePreview(as_written(self._filepath, nrows).to_dict(orient="split"))

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "made_by": self._made_by}


def as_written(path: Path, nrows: int | None = None) -> pd.DataFrame:
    """Return a CSV file's table as it was before it was saved, or its first rows.

    By pieces, pandas would read a column of names and numbers as both; and a name may be ``NA``.
    """
    return pd.read_csv(path, nrows=nrows, low_memory=False, keep_default_na=False, na_values=[""])
