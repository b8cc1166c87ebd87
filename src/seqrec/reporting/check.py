"""What the book cannot be made of, found before any of it is written."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from seqrec.cell import Cell
from seqrec.errors import SeqrecError, unknown_name
from seqrec.parameters.blocks import KNOWN_MODELS
from seqrec.parameters.sections import ReportingOptions
from seqrec.reporting.leaderboard import check_measured
from seqrec.reporting.of_its_models import check_of_its_models, check_of_the_data
from seqrec.reporting.pictures.depth import WITH_ATTENTION

DATA = Path("data")
"""The folder of the project's data."""


def check_report(options: ReportingOptions, all_metrics: Mapping[str, Callable[[], Any]]) -> None:
    """Raise a SeqrecError for what the book cannot be made of, before any of it is written.

    Args:
        options: the section ``reporting``.
        all_metrics: what loads the metrics.json of each cell.
    """
    for name in options.pictures:
        if name not in KNOWN_MODELS:
            raise unknown_name("model", name, WITH_ATTENTION, "in reporting.pictures")
        if name not in WITH_ATTENTION:
            raise SeqrecError(
                f"model '{name}' in reporting.pictures has no attention weights to look at; "
                f"choose from {', '.join(WITH_ATTENTION)}"
            )
    if options.reference not in (None, *KNOWN_MODELS):
        raise unknown_name("model", str(options.reference), KNOWN_MODELS, "in reporting.reference")
    metrics = {Cell.from_id(name): load() for name, load in all_metrics.items()}
    for cell, content in metrics.items():
        check_of_its_models(cell, content, DATA)
    check_of_the_data(metrics, DATA)
    check_measured(metrics, options.metrics, options.reference)
