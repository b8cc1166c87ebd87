"""The book of packed cells: the same tables as the pipeline's, and the same bytes anywhere.

Numbers are written with nine digits: what processors add up in ways of their own differs behind
them.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from seqrec.files import replacing
from seqrec.reporting import tables
from seqrec.reporting.breakdowns import breakdowns
from seqrec.reporting.cells import grouped
from seqrec.reporting.curves import trainings
from seqrec.reporting.glance import glance_figure
from seqrec.reporting.leaderboard import (
    check_ranked_alike,
    leaderboard,
    of_as_many_targets,
    published_table,
)
from seqrec.reporting.pages import PrintedTable, printed
from seqrec.reporting.significance import significance
from seqrec.reporting.unpacked_cells import Unpacked

log = logging.getLogger(__name__)

DIGITS, NOTHING = "%.9g", 1e-12
PICTURED = "NDCG@10"


def book_of(
    cells: Unpacked, published: dict[str, Any], *, metrics: Sequence[str], resamples: int
) -> dict[str, PrintedTable]:
    """Return the printed tables by their names.

    Args:
        cells: what is compared.
        published: the content of published.yml, what others report.
        metrics: labels of the comparisons and breakdowns.
        resamples: of the users.

    Raises:
        SeqrecError: cells to be compared were ranked in different ways.
    """
    check_ranked_alike(cells.metrics)
    elsewhere = of_as_many_targets(
        published_table(published.get("published") or []),
        published.get("targets") or {},
        cells.metrics,
    )
    board = leaderboard(cells.metrics, elsewhere)
    compared = significance(
        cells.ranks, metrics=metrics, reference=cells.references, resamples=resamples
    )
    groups = pd.concat(
        [
            breakdowns(
                {cell: cells.ranks[cell] for cell in of_group},
                {group.dataset: cells.facts[group]},
                metrics=metrics,
            )
            for group, of_group in grouped(cells.ranks).items()
        ],
        ignore_index=True,
    )
    trained = trainings(cells.histories, cells.metrics)
    return {
        "leaderboard": printed("Leaderboard", board, tables.leaderboard_views(board, elsewhere)),
        "significance": printed("Significance", compared, tables.significance_views(compared)),
        "breakdowns": printed(
            "By groups of targets", groups, tables.breakdown_views(groups, metrics[-1])
        ),
        "trainings": printed("Trainings", trained, tables.training_views(trained)),
    }


def write_book(book: dict[str, PrintedTable], folder: Path) -> list[Path]:
    """Write each table as CSV, Markdown and LaTeX, and the picture of all models at a glance.

    Args:
        book: as from ``book_of``.
        folder: where they go; other files in it stay.

    Returns:
        What was written.
    """
    written = []
    for name, page in book.items():
        csv = _rounded(page.table).to_csv(index=False, lineterminator="\n", float_format=DIGITS)
        texts = {".csv": csv, ".md": page.markdown, ".tex": page.latex}
        for ending, text in texts.items():
            written.append(folder / f"{name}{ending}")
            with replacing(written[-1]) as unfinished:
                unfinished.write_text(text, encoding="utf-8", newline="\n")
    written.append(folder / "glance_plot.json")
    with replacing(written[-1]) as unfinished:
        text = glance_figure(_rounded(book["leaderboard"].table), PICTURED).to_json(engine="json")
        unfinished.write_text(text + "\n", encoding="utf-8", newline="\n")
    return written


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose numbers are those that are written; what only rounding left is 0."""
    numbers = table.select_dtypes("float").columns
    return table.assign(
        **{
            name: [float(DIGITS % (0 if abs(value) < NOTHING else value)) for value in table[name]]
            for name in numbers
        }
    )
