"""Model folders as Kedro sees them; what lies in them is tested with seqrec.models.folder."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from kedro.io import DatasetError
from safetensors.torch import save_file

import seqrec.models.folder
from seqrec.cli import explanation
from seqrec.datasets.model_folders import ModelFoldersDataset
from seqrec.training.checkpoint import Run
from tests.counted import split_off
from tests.trainings import trained_on


def test_a_missing_folder_names_the_pipeline_that_makes_it(tmp_path: Path) -> None:
    dataset = ModelFoldersDataset(filepath=str(tmp_path / "models"), made_by="training")
    assert not dataset.exists()
    with pytest.raises(DatasetError, match="does not exist; run `kedro run --pipeline training`"):
        dataset.load()


def test_a_failed_save_leaves_the_old_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save_model(folder: Path, trained: Any) -> None:
        folder.mkdir(parents=True)
        (folder / "weights").write_text(trained)
        if trained == "broken":
            raise RuntimeError("cut off")

    monkeypatch.setattr(seqrec.models.folder, "save_model", save_model)
    monkeypatch.setattr(
        seqrec.models.folder, "load_model", lambda folder: (folder / "weights").read_text()
    )
    dataset: Any = ModelFoldersDataset(filepath=str(tmp_path / "models"))
    dataset.save({"42": "old", "7": "one"})
    with pytest.raises(DatasetError, match="cut off"):
        dataset.save({"42": "new", "7": "broken"})
    assert list(dataset.load().items()) == [("7", "one"), ("42", "old")]
    assert [path.name for path in tmp_path.iterdir()] == ["models"]


def test_a_folder_without_models_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    (folder / "notes").mkdir(parents=True)
    dataset = ModelFoldersDataset(filepath=str(folder), made_by="training")
    with pytest.raises(DatasetError) as caught:
        dataset.load()
    assert explanation(caught.value) == (
        f"no model in {folder}; run `kedro run --pipeline training` with the same --params"
    )


def test_models_come_back_by_their_seeds_with_the_same_weights(tmp_path: Path) -> None:
    dataset = ModelFoldersDataset(filepath=str(tmp_path / "models"))
    sequences = split_off([1, 2, 3, 4], [2, 3, 4, 1], num_items=4)
    models = {str(seed): trained_on(sequences, "markov", seed=seed).trained for seed in (10, 9)}
    dataset.save(models)
    assert dataset.exists()
    loaded = dataset.load()
    assert list(loaded) == ["9", "10"]  # in the order of the numbers
    for seed, found in loaded.items():
        assert found.facts() == models[seed].facts()
        weights, before = found.model.state_dict(), models[seed].model.state_dict()
        assert weights.keys() == before.keys()
        assert all(weights[name].equal(before[name]) for name in before)


def test_seeds_of_an_earlier_run_do_not_stay(tmp_path: Path) -> None:
    dataset = ModelFoldersDataset(filepath=str(tmp_path / "models"))
    sequences = split_off([1, 2, 3, 4], [2, 3, 4, 1], num_items=4)
    popular = trained_on(sequences, "popularity", seed=7).trained
    dataset.save({"7": popular, "8": popular})
    dataset.save({"9": popular})
    assert list(dataset.load()) == ["9"]


def test_checkpoints_step_aside_when_their_models_are_saved(tmp_path: Path) -> None:
    dataset = ModelFoldersDataset(filepath=str(tmp_path / "models"))
    run = {"run": json.dumps(asdict(Run("of a test", max_epochs=1, patience=None)))}
    for seed in (7, 8):
        save_file({}, tmp_path / f"checkpoint-models-{seed}.safetensors", run)
    sequences = split_off([1, 2, 3, 4], [2, 3, 4, 1], num_items=4)
    model = trained_on(sequences, "popularity", seed=7).trained
    dataset.save({"7": model})
    assert sorted(path.name for path in tmp_path.glob("checkpoint-*")) == [
        "checkpoint-models-7-finished.safetensors",
        "checkpoint-models-8.safetensors",
    ]
