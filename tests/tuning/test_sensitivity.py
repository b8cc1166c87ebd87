"""Points of a sweep, their scores by hand, and going on after a cut."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from seqrec.errors import SeqrecError
from seqrec.evaluation.evaluate import rank_splits
from seqrec.parameters.sections import EvaluationOptions, SensitivityOptions
from seqrec.training import Settings, TrainingResult, train
from seqrec.tuning import sensitivity
from seqrec.tuning.sensitivity import measure_points, sweep_points
from tests.counted import Floats, plain_ties, plain_transitions
from tests.trainings import LOG, data_of, settings

SWEEPS = {"bsarec": {"model_options": {"c": [3, 5], "alpha": [0.5, 0.1]}}}


def measured(
    record: Path,
    seeds: tuple[int, ...] = (1, 2),
    present: Settings | None = None,
    sweeps: Any = None,
) -> pa.Table:
    options = SensitivityOptions(sweeps=sweeps or SWEEPS)
    points = sweep_points(present or settings(), options)
    return measure_points(data_of(), points, seeds, record)


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, int, int]]:
    """What was trained: alpha, c and the seed."""
    found = []
    real = train

    def counted(data: Any, chosen: Settings, seed: int, **rest: Any) -> TrainingResult:
        values = (chosen.value("model_options.alpha"), chosen.value("model_options.c"))
        found.append((*values, seed))
        return real(data, chosen, seed, **rest)

    monkeypatch.setattr(sensitivity, "train", counted)
    return found


def test_the_points_are_the_declared_values_one_parameter_at_a_time() -> None:
    points = sweep_points(settings(), SensitivityOptions(sweeps=SWEEPS))
    assert [(point.parameter, point.value) for point in points] == [
        ("model_options.alpha", 0.1),
        ("model_options.alpha", 0.5),
        ("model_options.c", 3),
        ("model_options.c", 5),
    ]
    assert [point.in_use for point in points] == [False, True, True, False]
    assert points[0].settings == settings(alpha=0.1)
    assert points[1].settings == points[2].settings == settings()
    assert points[3].settings == settings(c=5)


def test_null_leaves_a_sweep_out() -> None:
    sweeps = {"bsarec": {"model_options": {**SWEEPS["bsarec"]["model_options"], "c": None}}}
    points = sweep_points(settings(), SensitivityOptions(sweeps=sweeps))
    assert {point.parameter for point in points} == {"model_options.alpha"}


def test_the_present_value_is_known_however_it_is_written() -> None:
    sweeps = {"bsarec": {"model_options": {"alpha": [1], "hidden_dropout": [0.5]}}}
    points = sweep_points(settings(alpha=1.0), SensitivityOptions(sweeps=sweeps))
    assert [point.settings.plain() for point in points] == [settings(alpha=1.0).plain()] * 2


def test_the_present_settings_are_trained_once_a_seed(
    trainings: list[tuple[float, int, int]], tmp_path: Path
) -> None:
    table = measured(tmp_path / "kept.jsonl")
    assert sorted(trainings) == [
        (0.1, 3, 1), (0.1, 3, 2), (0.5, 3, 1), (0.5, 3, 2), (0.5, 5, 1), (0.5, 5, 2)
    ]  # fmt: skip
    assert table.column_names == [
        *("dataset", "protocol", "model", "parameter", "value", "in_use"),
        *("seed", "split", "metric", "score"),
    ]
    assert len(table) == 4 * 2 * 2 * 2  # points, seeds, splits, metrics
    assert table.schema.field("value").type == pa.float64()
    assert table.schema.field("seed").type == pa.int64()
    rows = table.to_pylist()
    assert rows == sorted(rows, key=lambda row: list(row.values())[:-1])
    assert set(table["split"].to_pylist()) == {"valid", "test"}
    assert set(table["metric"].to_pylist()) == {"HR@10", "NDCG@10"}

    def scores(parameter: str, value: float) -> list[float]:
        return [
            row["score"] for row in rows if (row["parameter"], row["value"]) == (parameter, value)
        ]

    assert scores("model_options.alpha", 0.5) == scores("model_options.c", 3)
    assert scores("model_options.c", 5) != scores("model_options.c", 3)
    assert not (tmp_path / "kept.safetensors").exists()


def test_the_scores_are_those_counted_by_hand(tmp_path: Path) -> None:
    sweeps = {"markov": {"model_options": {"window": [1, 2]}}}
    table = measured(tmp_path / "kept.jsonl", (7,), settings("markov"), sweeps)
    found = {(row["value"], row["split"], row["metric"]): row["score"] for row in table.to_pylist()}
    for window in (1, 2):
        for split in ("valid", "test"):
            ranks = ranks_by_hand(window, split)
            hits = ranks <= 10
            gains = np.where(hits, 1 / np.log2(ranks + 1), 0)
            assert found[window, split, "HR@10"] == pytest.approx(hits.mean())
            assert found[window, split, "NDCG@10"] == pytest.approx(gains.mean())
    assert found[1, "test", "NDCG@10"] != found[2, "test", "NDCG@10"]


def test_a_score_is_that_of_an_evaluation_of_the_same_settings(tmp_path: Path) -> None:
    # SEER's evidence reads more of a history than max_len, the encoder's
    present = settings("seer", max_len=2, dim=8)
    sweeps = {"seer": {"model_options": {"max_len": [2]}}}
    table = measured(tmp_path / "kept.jsonl", (1,), present, sweeps)
    data = data_of()
    model = train(data, present, 1).trained.model
    ranked = rank_splits(model, data.sequences, options=EvaluationOptions(), device="cpu")
    for row in table.to_pylist():
        in_all = ranked.metrics["splits"][row["split"]]["metrics"]
        assert row["score"] == in_all[row["metric"]]["value"]


def test_what_was_measured_on_cut_histories_is_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "kept.jsonl"
    present, sweeps = settings("seer", max_len=2, dim=8), {"seer": {"model_options": {"dim": [8]}}}

    def scores() -> list[float]:
        found: list[float] = measured(record, (1,), present, sweeps)["score"].to_pylist()
        return found

    wrong = {"test": {"NDCG@10": -1.0}, "valid": {"NDCG@10": -1.0}}
    monkeypatch.setattr(sensitivity, "_reads_beyond_max_len", lambda model: False)  # as it was
    sensitivity._append(record, sensitivity._key(data_of(), present.single(), 1), wrong)
    assert scores() == [-1, -1]
    monkeypatch.undo()
    assert len(scores()) == 4
    assert min(scores()) >= 0


def ranks_by_hand(window: int, split: str) -> Floats:
    """Ranks of the targets, by the followers of the last item; seen items compete not at all."""
    whole = [list(LOG.items[a:b]) for a, b in zip(LOG.offsets, LOG.offsets[1:], strict=False)]
    training = [items[:-2] if len(items) > 2 else items for items in whole]
    followers = plain_transitions(training, LOG.num_items, window, gamma=1.0)
    ties = plain_ties(training, LOG.num_items)
    found = []
    for items in whole:
        if len(items) <= 2:
            continue
        *history, target = items if split == "test" else items[:-1]
        row = followers[history[-1]]
        scores = row / max(row.max(), 1e-30) + ties
        scores[0] = -np.inf
        scores[history] = -np.inf
        if target in history:
            found.append(np.inf)
            continue
        above, level = (scores > scores[target]).sum(), (scores == scores[target]).sum()
        found.append(1 + above + (level - 1) / 2)
    return np.array(found)


def test_what_was_measured_is_not_trained_again(
    trainings: list[tuple[float, int, int]], tmp_path: Path
) -> None:
    whole = measured(tmp_path / "whole.jsonl")
    trainings.clear()
    record = tmp_path / "kept.jsonl"
    lines = (tmp_path / "whole.jsonl").read_text().splitlines(keepends=True)
    assert len(lines) == 6
    record.write_text("".join(lines[:4]) + lines[4][:50])  # a kill tore the fifth
    assert measured(record) == whole
    assert len(trainings) == 2
    trainings.clear()
    assert measured(record) == whole
    assert trainings == []

    # other settings, other data or another value are trained, and nothing else
    measured(record, sweeps={"bsarec": {"model_options": {"c": [1, 3, 5]}}})
    assert trainings == [(0.5, 1, 1), (0.5, 1, 2)]
    trainings.clear()
    measured(record, (1,), settings(training={"max_epochs": 1}))
    assert len(trainings) == 3


def test_an_interrupted_analysis_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupted(*_: Any, **__: Any) -> TrainingResult:
        raise KeyboardInterrupt

    monkeypatch.setattr(sensitivity, "train", interrupted)
    with pytest.raises(SeqrecError, match="interrupted; the same command goes on"):
        measured(tmp_path / "kept.jsonl")


def test_nothing_declared_or_a_wrong_name_is_one_line() -> None:
    with pytest.raises(SeqrecError, match=r"sensitivity\.sweeps says nothing about model 'caser'"):
        sweep_points(settings("caser"), SensitivityOptions(sweeps=SWEEPS))
    wrong = SensitivityOptions(sweeps={"bsarec": {"model_options": {"alhpa": [0.1]}}})
    with pytest.raises(SeqrecError, match=r"did you mean 'model_options\.alpha'"):
        sweep_points(settings(), wrong)
