"""The benchmark from its command line, on a few made-up users."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import measure
from benchmarks.case import LINES, SEQUENCES, Case
from benchmarks.memory import peak_memory
from benchmarks.steps import lay_down, main, parse
from seqrec.errors import SeqrecError
from seqrec.models import MODELS

FEW = ["--dataset", "synthetic", "--users", "40", "--items", "30", "--max-len", "8", "--steps", "2"]


@pytest.fixture
def no_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes of their own take seconds to start."""
    monkeypatch.setattr(measure, "peak_memory", lambda *_: {"main": 400.0})


@pytest.mark.usefixtures("no_children")
@pytest.mark.parametrize("model", ["bsarec", "mqsa_ted"])
def test_a_model_is_measured_beside_its_plain_form(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    assert main([*FEW, "--model", model, "--vs", "--json", str(file)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{model} on synthetic (made up in the shape of Beauty: 40 users")
    assert "protocol authors" in printed
    (label,) = (row for row in printed.splitlines() if row.startswith("training step, ms of CPU"))
    real, plain, ratio = map(float, label.split()[-3:])
    assert ratio == pytest.approx(plain / real, rel=0.02)
    (found,) = json.loads(file.read_text())
    assert found["case"]["model"] == model
    assert found["machine"].keys() >= {"cpu", "torch", "commit"}
    for form in ("real", "plain"):
        numbers: dict[str, Any] = found[form]
        assert numbers["measured_steps"] == 2
        assert all(numbers[name] > 0 for name in ("step_cpu_ms", "step_wall_ms", "assembly_ms"))
        whole = numbers["steps_an_epoch"] * (numbers["assembly_ms"] + numbers["step_wall_ms"])
        assert numbers["epoch_s"] == pytest.approx(whole / 1e3 + numbers["validation_s"])


@pytest.mark.slow
@pytest.mark.usefixtures("no_children")
def test_whole_epochs_are_run_when_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    assert main([*FEW, "--epochs", "2", "--protocol", "standard", "--json", str(file)]) == 0
    assert capsys.readouterr().out.count("median of 2 whole ones") == len(MODELS)
    for found in json.loads(file.read_text()):
        assert len(found["real"]["whole_epochs_s"]) == 2


@pytest.mark.slow
@pytest.mark.usefixtures("no_children")
def test_another_loss_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    sampled = ["--loss", "sampled_softmax", "--negatives", "5"]
    assert main([*FEW, *sampled, "--protocol", "standard"]) == 0
    assert main([*FEW, *sampled, "--protocol", "authors"]) == 1
    assert "authors has the loss of the paper's code" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "-1"], "--epochs: should be a whole number from 0 to"),
        (["--steps", "x"], "--steps: should be a whole number from 1 to .* \\(got 'x'\\)"),
        (["--users", "1" + 12 * "0"], "--users: should be a whole number from 1 to 10,000,000"),
        (["--vs", "--loss", "sampled_softmax"], "--vs: the plain form has the published loss only"),
    ],
)
def test_wrong_options_are_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([*FEW, *arguments])
    assert re.search(message, capsys.readouterr().err)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--json", "/nowhere/x.json"], "--json /nowhere/x.json: there is no folder /nowhere"),
        (["--device", "cuda"], "--device cuda: this machine has no cuda device"),
        (["--max-len", "1"], "options of mqsa_ted: max_len must be 2 or more"),
        (["--dataset", "beauty", "--data", __file__], f"{__file__} cannot be read as lines"),
    ],
)
def test_what_cannot_be_measured_is_one_line(
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And the only one: nothing was measured before."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main([*FEW, *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {message}")
    assert error.count("\n") == 1


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    case = Case("bsarec", "synthetic", "authors", str(tmp_path), 30)
    with pytest.raises(SeqrecError, match=r"memory of the real form, training: FileNotFound") as no:
        peak_memory(case, "real", "training", 1)
    assert "\n" not in str(no.value)


def test_data_that_are_not_there_are_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--dataset", "beauty", "--data", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: no Beauty.txt")
    assert error.count("\n") == 1


def test_peak_memory_is_that_of_a_process_of_its_own(tmp_path: Path) -> None:
    arguments = parse(FEW)
    data = lay_down(arguments, tmp_path)
    assert (tmp_path / SEQUENCES).is_file()
    assert (tmp_path / LINES).is_file()
    case = Case("bsarec", data.dataset, "authors", str(tmp_path), data.num_items)
    found = peak_memory(case, "real", "training", 1)
    assert 50 < found["imports"] <= found["main"] < 4000
