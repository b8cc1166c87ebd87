"""CSV files and figures, saved wholly or not at all.

Apart from the other files: what they stand on takes half a second to load, and a run that prepares
data makes none of them.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from kedro_datasets._typing import PlotlyPreview, TablePreview
from kedro_datasets.pandas import CSVDataset
from kedro_datasets.plotly import JSONDataset as PlotlyDataset

from seqrec.datasets.remedies import check_made, run_again
from seqrec.errors import SeqrecError
from seqrec.files import replacing


class AtomicCSVDataset(CSVDataset):
    """A CSV file as a data frame; saves Arrow tables too."""

    def __init__(self, *, made_by: str = "", **options: Any) -> None:
        """Point at a file; ``made_by`` is the pipeline named when it is missing or damaged."""
        super().__init__(**options)
        self._made_by = made_by

    def load(self) -> pd.DataFrame:
        """Return the content.

        Raises:
            SeqrecError: there is no such file, or it is no CSV.
        """
        path = Path(self._filepath)
        check_made(path, self._made_by)
        try:
            return as_written(path)
        except ValueError:
            raise SeqrecError(f"{path} is damaged or no CSV{run_again(self._made_by)}") from None

    def save(self, data: pd.DataFrame | pa.Table) -> None:
        """Write the file beside the old one, then put it in its place."""
        frame = data.to_pandas() if isinstance(data, pa.Table) else data
        with replacing(Path(self._filepath)) as temporary:
            frame.to_csv(temporary, index=False, lineterminator="\n")

    def preview(self, nrows: int = 10) -> TablePreview:
        """Return the first rows, for Kedro-Viz."""
        if not Path(self._filepath).is_file():
            return TablePreview({})
        return TablePreview(as_written(Path(self._filepath), nrows).to_dict(orient="split"))


def as_written(path: Path, nrows: int | None = None) -> pd.DataFrame:
    """Return a CSV file's table as it was before it was saved, or its first rows.

    By pieces, pandas would read a column of names and numbers as both; and a name may be ``NA``.
    """
    return pd.read_csv(path, nrows=nrows, low_memory=False, keep_default_na=False, na_values=[""])


class AtomicPlotlyDataset(PlotlyDataset):
    """A figure as Plotly's JSON, which Kedro-Viz shows."""

    def save(self, data: Any) -> None:
        """Write the file beside the old one, then put it in its place."""
        with replacing(Path(self._filepath)) as temporary:
            temporary.write_text(f"{data.to_json()}\n", encoding="utf-8")

    def preview(self) -> PlotlyPreview:
        """Return the figure, for Kedro-Viz."""
        path = Path(self._filepath)
        return PlotlyPreview(json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {})
