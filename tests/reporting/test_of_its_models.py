"""A cell that was trained anew and not evaluated since is no part of a book."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from seqrec.batches import Sequences
from seqrec.errors import SeqrecError
from seqrec.models.folder import TrainedModel, save_model
from seqrec.parameters.sections import ReportingOptions
from seqrec.reporting.check import check_report
from seqrec.reporting.command import results
from seqrec.reporting.of_its_models import (
    check_of_its_models,
    check_of_the_data,
    line_of_older_figures,
)
from tests.export.examples import trained
from tests.reporting.examples import A, metrics_file


def trained_otherwise(seed: int = 42) -> TrainedModel:
    """One of the same shapes and the same best epoch, with other weights."""
    model = replace(trained("sasrec"), seed=seed)
    for weight in model.model.state_dict().values():
        weight.add_(1)
    return model


def measured(*models: TrainedModel) -> dict[str, Any]:
    """The metrics.json of an evaluation of these models."""
    content = metrics_file(A, {"HR@10": 0.1, "NDCG@10": 0.2}, [model.seed for model in models])
    content["by_seed"] = {
        str(model.seed): {"best_epoch": model.best_epoch, "fingerprint": model.fingerprint()}
        for model in models
    }
    return content


def lay(data: Path, *models: TrainedModel) -> None:
    for model in models:
        save_model(data / "06_models" / A.id / "models" / str(model.seed), model)


MODEL = trained("sasrec")


@pytest.mark.parametrize(
    "now",
    [
        (trained_otherwise(),),
        (replace(MODEL, best_epoch=4),),
        (MODEL, trained_otherwise(43)),
        (trained_otherwise(43),),
    ],
    ids=["other weights", "another epoch", "a seed more", "another seed"],
)
def test_other_models_than_were_measured_are_refused(
    now: tuple[TrainedModel, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(tmp_path / "data", *now)
    said = (
        r"^the figures of tiny/a/standard are of other models than lie there now; evaluate it "
        r"again: `kedro run --pipeline evaluation` with the --params of its training$"
    )
    with pytest.raises(SeqrecError, match=said):
        check_of_its_models(A, measured(MODEL), tmp_path / "data")

    monkeypatch.chdir(tmp_path)
    with pytest.raises(SeqrecError, match=said):
        check_report(ReportingOptions(), {A.id: lambda: measured(MODEL)})

    metrics = tmp_path / "data/07_model_output" / A.id / "metrics.json"
    metrics.parent.mkdir(parents=True)
    metrics.write_text(json.dumps(measured(MODEL)))
    done = CliRunner().invoke(results, ["pack", "cells"])
    assert done.exit_code == 1
    assert "are of other models than lie there now" in done.output


def test_the_models_that_were_measured_go_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = (MODEL, trained_otherwise(43))
    check_of_its_models(A, measured(*seeds), tmp_path)  # models that are gone say nothing
    lay(tmp_path / "data", *seeds)
    (tmp_path / "data/06_models" / A.id / "models/.DS_Store").touch()
    check_of_its_models(A, measured(*seeds), tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    check_report(ReportingOptions(), {A.id: lambda: measured(*seeds)})


def test_figures_that_lie_beside_models_just_trained(tmp_path: Path) -> None:
    models, metrics = tmp_path / "06_models" / A.id / "models", tmp_path / "metrics.json"
    lay(tmp_path, MODEL)
    assert line_of_older_figures(models, metrics) is None
    metrics.write_text(json.dumps(measured(MODEL)))
    assert line_of_older_figures(models, metrics) is None
    metrics.write_text("{")  # an evaluation that was broken off says nothing
    assert line_of_older_figures(models, metrics) is None

    metrics.write_text(json.dumps(measured(trained_otherwise())))
    assert "tiny/a/standard are of other models" in str(line_of_older_figures(models, metrics))


def test_folders_of_before_there_were_fingerprints_are_told_by_their_epoch(tmp_path: Path) -> None:
    lay(tmp_path, MODEL)
    config = tmp_path / "06_models" / A.id / "models/42/config.json"
    facts = json.loads(config.read_text())
    del facts["fingerprint"]
    config.write_text(json.dumps(facts))
    check_of_its_models(A, measured(trained_otherwise()), tmp_path)
    with pytest.raises(SeqrecError, match="other models"):
        check_of_its_models(A, measured(replace(MODEL, best_epoch=1)), tmp_path)


def lay_sequences(data: Path, *, valid_from: int) -> Sequences:
    """Write one user's five items, the last for test, and return them as models read them."""
    table = pa.table(
        {
            "user_index": pa.array([1] * 5, pa.int32()),
            "position": pa.array(range(5), pa.int32()),
            "item_index": pa.array([1, 2, 3, 4, 5], pa.int32()),
            "split": ["train"] * valid_from + ["valid"] * (4 - valid_from) + ["test"],
        }
    )
    path = data / "05_model_input" / A.dataset / "sequences.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    return Sequences.from_table(table, MODEL.num_items)


def test_a_cell_of_another_training_part_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    check_of_the_data([A], data)
    model = replace(MODEL, data_fingerprint=lay_sequences(data, valid_from=3).fingerprint())
    lay(data, model)
    check_of_the_data([A], data)
    metrics = data / "07_model_output" / A.id / "metrics.json"
    metrics.parent.mkdir(parents=True)
    metrics.write_text(json.dumps(measured(model)))
    monkeypatch.chdir(tmp_path)
    check_report(ReportingOptions(), {A.id: lambda: measured(model)})

    lay_sequences(data, valid_from=2)  # the same target of the test
    said = r"^tiny/a/standard was trained on other data than lie there now; run it again"
    with pytest.raises(SeqrecError, match=said):
        check_report(ReportingOptions(), {A.id: lambda: measured(model)})
    done = CliRunner().invoke(results, ["pack", "cells"])
    assert done.exit_code == 1
    assert "was trained on other data than lie there now" in done.output
