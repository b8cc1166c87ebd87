"""A run as one of several processes."""

import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline, node

from seqrec.errors import SeqrecError
from seqrec.hooks.torchrun import TorchrunHooks


def test_torchrun_is_refused_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "RANK": "1", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    shared = Pipeline([node(lambda a: None, inputs=["a"], outputs=None, name="train_model")])
    with pytest.raises(SeqrecError, match="--only-missing-outputs asks each process of torchrun"):
        TorchrunHooks().before_pipeline_run({"only_missing_outputs": True}, shared, DataCatalog())
