"""What an evaluation came to, as a table with standard errors."""

from __future__ import annotations

from functools import cached_property
from io import StringIO
from typing import Any

import pyarrow as pa

from seqrec.console import caption_of, metric_rows, metrics_table, title_of
from seqrec.evaluation.evaluate import EvaluationResult
from seqrec.notebook.tabular import Tabular, html_table

SHOWN = ("test", "valid")
"""The splits, the one that counts first."""
WIDTH = 120


class Measured(Tabular):
    """The metrics of a model: split, metric, value, standard_error."""

    def __init__(self, result: EvaluationResult) -> None:
        self.metrics: dict[str, Any] = result.metrics
        """Everything that was measured, as in the metrics file of a run."""
        self.ranks: pa.Table = result.ranks
        """split, user_index, item_index (the target), rank, candidates."""

    @cached_property
    def table(self) -> pa.Table:
        """A row a split and metric, with its standard error over users."""
        rows = [
            {"split": split, "metric": metric, **measured}
            for split in SHOWN
            for metric, measured in self.metrics["splits"][split]["metrics"].items()
        ]
        columns = ("split", "metric", "value", "standard_error")
        return pa.table({name: [row[name] for row in rows] for name in columns})

    def __repr__(self) -> str:
        from rich.console import Console

        text = StringIO()
        plain = Console(file=text, width=WIDTH, force_jupyter=False, color_system=None)
        plain.print(metrics_table(self.metrics))
        return text.getvalue().rstrip()

    def _repr_html_(self) -> str:
        return "".join(self._html(split) for split in SHOWN)

    def _html(self, split: str) -> str:
        measured = self.metrics["splits"][split]
        header, *rows = metric_rows(measured)
        caption = f"{title_of(self.metrics, split)}: {caption_of(measured)}"
        return html_table(header, rows, caption)
