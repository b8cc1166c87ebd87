"""The node of the pipeline ``recommendation``, and what it says."""

import json
from dataclasses import replace
from pathlib import Path

import ibis
import pytest

from seqrec.batches import Sequences
from seqrec.cell import Cell
from seqrec.models.folder import TrainedModel, save_model
from seqrec.parameters.sections import EngineOptions, RecommendationOptions
from seqrec.pipelines.recommendation.nodes import recommend_to_users
from tests.export.examples import trained

CELL = Cell("by-hand", "sasrec", "standard")
EVALUATED = Path("data/06_models", CELL.id, "models/42")
SEQUENCES = ibis.memtable(
    {
        "user_index": [1] * 4,
        "position": [0, 1, 2, 3],
        "item_index": [3, 1, 2, 5],
        "split": ["train", "train", "valid", "test"],
    }
)
USERS = ibis.memtable({"user_index": [1], "user_id": ["ann"]})


def refit_of(model: TrainedModel) -> TrainedModel:
    data = Sequences.from_table(SEQUENCES.to_pyarrow(), model.num_items).all_for_training()
    return replace(
        model, refit=True, evaluated=model.fingerprint(), data_fingerprint=data.fingerprint()
    )


def recommend(model: TrainedModel) -> None:
    options = RecommendationOptions(models="final", k=2)
    recommend_to_users(
        {"42": model}, SEQUENCES, USERS, options, "cpu", EngineOptions(), CELL, (42,)
    ).unlink()


def test_a_refit_of_an_older_model_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    model = trained("sasrec")
    final = refit_of(model)
    recommend(final)  # nothing lies there
    save_model(EVALUATED, model)
    recommend(final)
    recommend(replace(final, evaluated=""))  # of a version that did not say
    assert "older refit" not in caplog.text

    for weight in model.model.state_dict().values():
        weight.add_(1)
    save_model(EVALUATED, model)
    recommend(final)
    assert f"another model than lies in {EVALUATED} now" in caplog.text

    caplog.clear()
    config = EVALUATED / "config.json"
    facts = json.loads(config.read_text())
    del facts["fingerprint"]
    config.write_text(json.dumps(facts))
    recommend(final)
    assert "older refit" not in caplog.text
