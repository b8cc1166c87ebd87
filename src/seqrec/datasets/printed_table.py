"""A table to compute with, to read and to print: CSV, Markdown and LaTeX."""

from contextlib import ExitStack
from pathlib import Path

from seqrec.datasets.csv_table import AtomicCSVDataset
from seqrec.files import replacing
from seqrec.reporting.pages import PrintedTable


class PrintedTableDataset(AtomicCSVDataset):
    """Three files of one name; the old ones stay until all new ones are written.

    Example in catalog.yml::

        leaderboard:
          type: seqrec.datasets.printed_table.PrintedTableDataset
          filepath: data/08_reporting/book/leaderboard.csv

    It loads, and previews, the CSV file; the others are leaderboard.md and leaderboard.tex.
    """

    @property
    def paths(self) -> tuple[Path, Path, Path]:
        """Where the three lie."""
        path = Path(self._filepath)
        return path, path.with_suffix(".md"), path.with_suffix(".tex")

    def save(self, data: PrintedTable) -> None:  # type: ignore[override]
        """Write the files beside the old ones, then put all of them in their places."""
        with ExitStack() as stack:
            table, markdown, latex = [stack.enter_context(replacing(path)) for path in self.paths]
            markdown.write_text(data.markdown, encoding="utf-8", newline="\n")
            latex.write_text(data.latex, encoding="utf-8", newline="\n")
            data.table.to_csv(table, index=False, lineterminator="\n")
