"""Two processes train what one does, and what ends them says so in a line."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from seqrec.batches import SPLITS, Sequences
from seqrec.errors import SeqrecError
from seqrec.evaluation.shared_out import evaluate_shared
from seqrec.machine.together import run_together
from seqrec.parameters.sections import EvaluationOptions
from seqrec.training import TrainingResult, train
from tests.together import (
    CASES,
    DOUBLE,
    FLOAT,
    RUNS,
    die_in_epoch,
    fitted,
    rank_all,
    ranked,
    refuse,
    train_all,
)
from tests.trainings import LOG, data_of, settings

TIMES = {"seconds", "validation_seconds", "examples_per_second"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("together")
    run_together(2, "cpu", train_all, folder)
    return folder


@pytest.mark.parametrize(("name", "kind"), RUNS)
def test_losses_and_weights_are_those_of_one_process(
    name: str, kind: torch.dtype, trained: Path
) -> None:
    alone = fitted(CASES[name], kind=kind)
    close = {DOUBLE: 1e-10, FLOAT: 2e-4}[kind]
    weights = alone.model.learned()
    for rank in range(2):
        place = trained / f"{name}-{kind}-{rank}"
        together = load_file(place / "weights.safetensors")
        assert together.keys() == weights.keys()
        for each, value in weights.items():
            torch.testing.assert_close(together[each], value, rtol=close, atol=close)
        for row, other in zip(
            alone.history, json.loads((place / "history.json").read_text()), strict=True
        ):
            losses = {key: value for key, value in row.items() if key not in TIMES}
            assert {key: other[key] for key in losses} == pytest.approx(losses, rel=1e-4)


@pytest.mark.parametrize(("name", "kind"), RUNS)
def test_both_processes_have_the_same_bits(name: str, kind: torch.dtype, trained: Path) -> None:
    first, second = (
        load_file(trained / f"{name}-{kind}-{rank}" / "weights.safetensors") for rank in range(2)
    )
    assert all(torch.equal(first[each], second[each]) for each in first)


def test_ranks_and_metrics_are_equal_to_the_last_digit(tmp_path: Path) -> None:
    run_together(2, "cpu", rank_all, tmp_path)
    for name in ("bsarec", "mqsa_ted-authors"):
        alone = json.loads(json.dumps(ranked(CASES[name])))
        for rank in range(2):
            assert json.loads((tmp_path / f"{name}-{rank}" / "metrics.json").read_text()) == alone


def table_of(log: Sequences) -> pa.Table:
    users = np.repeat(np.arange(log.num_users), np.diff(log.offsets))
    return pa.table(
        {
            "user_index": users + 1,
            "position": np.arange(len(log.items)) - log.offsets[users],
            "item_index": log.items,
            "split": np.array(SPLITS)[log.split],
        }
    )


def run_of(processes: int, max_epochs: int = 3, checkpoint: Path | None = None) -> TrainingResult:
    training = {"processes": processes, "max_epochs": max_epochs, "batch_size": 7}
    told = settings(training=training, **CASES["bsarec"].options)
    return train(data_of(), told, 3, checkpoint=checkpoint)


def check_like(result: TrainingResult, other: TrainingResult) -> None:
    first, second = (each.trained.model.state_dict() for each in (result, other))
    for name, value in first.items():
        torch.testing.assert_close(value, second[name], rtol=2e-4, atol=2e-4)
    assert result.history["epoch"].equals(other.history["epoch"])
    assert result.history["loss"].to_pylist() == pytest.approx(other.history["loss"].to_pylist())


def test_a_training_in_two_processes_comes_back_whole() -> None:
    together, alone = run_of(2), run_of(1)
    check_like(together, alone)
    facts, others = together.trained.facts(), alone.trained.facts()
    assert facts["best_value"] == pytest.approx(others["best_value"])
    assert {**facts, "best_value": 0} == {**others, "best_value": 0}
    assert together.progress.schema == alone.progress.schema


def test_a_training_goes_on_with_another_number_of_processes(tmp_path: Path) -> None:
    """One, then two, then one; as if one had done it all."""
    state = tmp_path / "state.safetensors"
    for processes, epochs in ((1, 1), (2, 2)):
        run_of(processes, epochs, state)
    check_like(run_of(1, 3, state), run_of(1, 3))


def test_a_killed_process_is_one_line_and_the_last_epoch_stays(tmp_path: Path) -> None:
    state = tmp_path / "state.safetensors"
    with pytest.raises(SeqrecError, match="one of 2 processes was ended by SIGKILL"):
        run_together(2, "cpu", die_in_epoch, 3, state)
    told = settings(training={"max_epochs": 4}, **CASES["bsarec"].options)
    with safe_open(state, framework="pt") as file:
        # the first process may have been ended before it could write the second one down
        assert json.loads(file.metadata()["progress"])["epoch"] in (1, 2)
    check_like(train(data_of(), told, 3, checkpoint=state), train(data_of(), told, 3))


def test_what_a_process_refuses_is_said_once() -> None:
    with pytest.raises(SeqrecError, match=r"^no such thing; leave it out$"):
        run_together(2, "cpu", refuse, "no such thing; leave it out")


def test_a_model_that_compares_whole_batches_is_refused() -> None:
    told = settings("duorec", max_len=5, dim=8, training={"processes": 2})
    with pytest.raises(SeqrecError, match=r"training\.processes=2: this model compares"):
        train(data_of(), told, 3)


def test_an_evaluation_is_shared_out() -> None:
    trained, sequences = run_of(1, 1).trained, table_of(LOG)
    alone, together = (
        evaluate_shared(
            trained, sequences, options=EvaluationOptions(), device="cpu", processes=count
        )
        for count in (1, 2)
    )
    assert together.ranks.equals(alone.ranks)
    assert together.metrics == alone.metrics
