"""Two processes train what one does, and what ends them says so in a line."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from seqrec.machine.together import run_together
from tests.together import CASES, DOUBLE, FLOAT, RUNS, fitted, rank_all, ranked, train_all

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
