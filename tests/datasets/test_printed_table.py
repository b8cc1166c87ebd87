"""Tables in three forms: all of their files, or none."""

from pathlib import Path

import pandas as pd
import pytest
from kedro.io import DatasetError

from seqrec.datasets.printed_table import PrintedTableDataset
from seqrec.reporting.pages import PrintedTable

TABLE = pd.DataFrame({"model": ["NA", "bsarec"], "group": ["0", "1–4"], "value": [0.1 + 0.2, None]})
PRINTED = PrintedTable(TABLE, "# Leaderboard\n\n± –\n", "\\begin{table}\n")


@pytest.fixture
def dataset(tmp_path: Path) -> PrintedTableDataset:
    return PrintedTableDataset(filepath=str(tmp_path / "book" / "leaderboard.csv"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_table_has_three_files_and_is_loaded_as_it_was(
    dataset: PrintedTableDataset, tmp_path: Path
) -> None:
    dataset.save(PRINTED)
    assert contents(tmp_path / "book") == {
        "leaderboard.csv": "model,group,value\nNA,0,0.30000000000000004\nbsarec,1–4,\n".encode(),
        "leaderboard.md": PRINTED.markdown.encode(),
        "leaderboard.tex": PRINTED.latex.encode(),
    }
    assert [path.name for path in dataset.paths] == [
        "leaderboard.csv",
        "leaderboard.md",
        "leaderboard.tex",
    ]
    pd.testing.assert_frame_equal(dataset.load(), TABLE)
    assert dataset.preview(nrows=1)["data"] == [["NA", 0, 0.1 + 0.2]]


class Cut(pd.DataFrame):
    """A table whose saving ends in the middle."""

    def to_csv(self, path: Path, **options: object) -> None:  # type: ignore[override]
        path.write_text("model,val")
        raise RuntimeError("cut off")


def test_a_failed_save_leaves_all_old_files(dataset: PrintedTableDataset, tmp_path: Path) -> None:
    dataset.save(PRINTED)
    before = contents(tmp_path / "book")
    with pytest.raises(DatasetError, match="cut off"):
        dataset.save(PrintedTable(Cut(TABLE), "# New\n", "new\n"))
    assert contents(tmp_path / "book") == before
