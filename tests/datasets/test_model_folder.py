"""Model folders as Kedro sees them; what lies in them is tested with seqrec.model_folder."""

from pathlib import Path
from typing import Any

import pytest
from kedro.io import DatasetError

import seqrec.model_folder
from seqrec.datasets.model_folder import ModelFolderDataset


def test_a_missing_folder_names_the_pipeline_that_makes_it(tmp_path: Path) -> None:
    dataset = ModelFolderDataset(filepath=str(tmp_path / "model"), made_by="training")
    assert not dataset.exists()
    with pytest.raises(DatasetError, match="does not exist; run `kedro run --pipeline training`"):
        dataset.load()


def test_a_failed_save_leaves_the_old_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save_model(folder: Path, trained: Any) -> None:
        (folder / "weights").write_text(trained)
        if trained == "broken":
            raise RuntimeError("cut off")

    monkeypatch.setattr(seqrec.model_folder, "save_model", save_model)
    monkeypatch.setattr(
        seqrec.model_folder, "load_model", lambda folder: (folder / "weights").read_text()
    )
    dataset: Any = ModelFolderDataset(filepath=str(tmp_path / "model"))
    dataset.save("whole")
    with pytest.raises(DatasetError, match="cut off"):
        dataset.save("broken")
    assert dataset.load() == "whole"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
