"""What happens around the nodes."""

from pathlib import Path

import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline, node

from seqrec.errors import SeqrecError
from seqrec.hooks import CheckpointHooks, ModelOptionsHooks


def nothing(*inputs: object) -> None:
    return None


def pipeline(*inputs: str) -> Pipeline:
    return Pipeline([node(nothing, inputs=list(inputs), outputs=None, name="n")])


def test_options_are_checked_before_a_model_is_trained() -> None:
    catalog = DataCatalog()
    catalog["params:model"] = "bsarec"
    catalog["params:protocol"] = "standard"
    catalog["params:model_options"] = {"alpha": 2.0}
    hooks = ModelOptionsHooks()
    hooks.before_pipeline_run(pipeline("params:filtering"), catalog)
    with pytest.raises(SeqrecError, match=r"parameter model_options\.alpha"):
        hooks.before_pipeline_run(pipeline("params:model_options"), catalog)


def test_the_checkpoint_goes_when_the_model_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint = tmp_path / "data/06_models/demo/bsarec/checkpoint.safetensors"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.touch()
    trained = node(nothing, inputs=["a"], outputs=["training_history", "model"], name="train")
    hooks = CheckpointHooks()
    hooks.after_node_run(trained, {"params:dataset": "demo", "params:model": "bsarec"})
    hooks.after_dataset_saved("training_history")
    assert checkpoint.exists()
    hooks.after_dataset_saved("model")
    assert not checkpoint.exists()
