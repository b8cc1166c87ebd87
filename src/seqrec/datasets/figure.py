"""A figure, saved wholly or not at all."""

import json
from pathlib import Path
from typing import Any

from kedro_datasets._typing import PlotlyPreview
from kedro_datasets.plotly import JSONDataset as PlotlyDataset

from seqrec.files import replacing


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
