"""Paths as the user types them, read from the root of the project."""

from pathlib import Path

import pytest

from seqrec.errors import SeqrecError
from seqrec.parameters.typed_paths import typed_in, with_typed_paths
from seqrec.project import project_root

ROOT = Path("/project")


@pytest.mark.parametrize(
    ("folder", "path", "read"),
    [
        ("/project", "logs/shop.csv", "logs/shop.csv"),
        ("/project", "~/shop.csv", "/home/me/shop.csv"),
        ("/project/sub", "logs/shop.csv", "/project/sub/logs/shop.csv"),
        ("/project/sub", "~/shop.csv", "/home/me/shop.csv"),
        ("/project/sub", "/logs/shop.csv", "/logs/shop.csv"),
    ],
)
def test_a_path_counts_from_where_it_was_typed(
    folder: str, path: str, read: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert typed_in(Path(folder), ROOT, path) == read


def test_the_paths_among_the_parameters() -> None:
    params = {
        "dataset": "shop",
        "raw_dir": "logs",
        "raw": {"file": "shop.csv", "reader": "table"},
        "engine": {"spill_directory": "spill", "threads": 2},
    }
    assert with_typed_paths(params, ROOT / "sub", ROOT) == {
        "dataset": "shop",
        "raw_dir": "/project/sub/logs",
        "raw": {"file": "/project/sub/shop.csv", "reader": "table"},
        "engine": {"spill_directory": "/project/sub/spill", "threads": 2},
    }
    # What is no path is left for the checks of the parameters.
    strange = {"raw_dir": 3, "raw": None, "engine": "x"}
    assert with_typed_paths(strange, ROOT / "sub", ROOT) == strange


def test_a_folder_outside_any_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SeqrecError, match=r"no project in .*; change into the folder"):
        project_root()
