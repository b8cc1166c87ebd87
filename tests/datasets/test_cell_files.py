"""The same file, or folder, of all cells."""

from pathlib import Path
from typing import Any

import pytest
from kedro.io import DatasetError

from seqrec.cli import explanation
from seqrec.datasets.cell_files import CellsDataset

JSON = {"type": "seqrec.datasets.text_files.AtomicJSONDataset"}


def cells(folder: Path, **more: Any) -> CellsDataset:
    return CellsDataset(filepath=f"{folder}/*/*/*/metrics.json", dataset=JSON, **more)


def line(error: pytest.ExceptionInfo[DatasetError]) -> str:
    """What ``kedro run`` prints."""
    text = explanation(error.value)
    assert text is not None
    assert "\n" not in text
    return text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three cells, and what is none."""
    for name in ("ml-1m/bsarec/standard", "demo/sasrec/authors", "demo/bsarec/standard"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "metrics.json").write_text(f'{{"of": "{name}"}}')
    (tmp_path / "metrics.json").write_text("{}")
    (tmp_path / "demo" / "metrics.json").write_text("{}")
    (tmp_path / "demo/bsarec/standard/scores.json").write_text("{}")
    return tmp_path


def test_cells_are_loaded_by_their_names_in_order(folder: Path) -> None:
    loaders = cells(folder).load()
    assert list(loaders) == [
        "demo/bsarec/standard",
        "demo/sasrec/authors",
        "ml-1m/bsarec/standard",
    ]
    assert {name: load() for name, load in loaders.items()} == {
        name: {"of": name} for name in loaders
    }


def test_a_cell_is_read_when_it_is_asked_for(folder: Path) -> None:
    load = cells(folder).load()["demo/sasrec/authors"]
    (folder / "demo/sasrec/authors/metrics.json").write_text('{"of": "later"}')
    assert load() == {"of": "later"}


def test_no_cell_names_the_pipeline_that_makes_them(tmp_path: Path) -> None:
    dataset = cells(tmp_path / "absent", made_by="evaluation")
    assert not dataset.exists()
    with pytest.raises(DatasetError) as error:
        dataset.load()
    assert f"no */*/*/metrics.json in {tmp_path / 'absent'}" in line(error)
    assert "kedro run --pipeline evaluation" in line(error)


def test_where_there_need_be_none_none_is_no_error(tmp_path: Path) -> None:
    assert cells(tmp_path / "absent").load() == {}


def test_a_damaged_cell_names_its_file_and_the_pipeline(folder: Path) -> None:
    (folder / "demo/sasrec/authors/metrics.json").write_text("{")
    loaders = cells(folder, made_by="evaluation").load()
    assert loaders["demo/bsarec/standard"]() == {"of": "demo/bsarec/standard"}
    with pytest.raises(DatasetError) as error:
        loaders["demo/sasrec/authors"]()
    assert "demo/sasrec/authors/metrics.json is damaged" in line(error)
    assert "kedro run --pipeline evaluation" in line(error)


def test_cells_are_saved_by_their_own_runs(folder: Path) -> None:
    dataset: Any = cells(folder)
    assert dataset.exists()
    with pytest.raises(DatasetError) as error:
        dataset.save({"demo/bsarec/standard": {}})
    assert "read only here" in line(error)
