"""Several processes beside one, on a log that is small."""

import json
from pathlib import Path

import pytest

from benchmarks import sequences
from benchmarks.processes import main, report


@pytest.mark.slow
def test_both_forms_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = sequences.make(users=60, items=30)
    monkeypatch.setattr("benchmarks.steps.make", lambda users, items: made)
    figures = tmp_path / "figures.json"
    code = main(["--steps", "1", "--repeat", "1", "--json", str(figures)])
    said = capsys.readouterr()
    assert code == 0, said.err
    assert "2 processes" in said.out
    runs = json.loads(figures.read_text())
    assert [(run["processes"], run["threads"]) for run in runs] == [(2, 1), (1, 2)]
    assert all(run["step"] > 0 and run["validation"] > 0 for run in runs)


def test_the_ratio_is_that_of_the_medians() -> None:
    times = {2: (0.3, 0.1, 0.2), 1: (0.1, 0.4, 0.1)}
    runs = [
        {"processes": count, "step": step, "validation": 1.0}
        for count, steps in times.items()
        for step in steps
    ]
    step, validation = report(runs, 2).splitlines()
    assert step.endswith("ratio 2.00")
    assert validation.endswith("ratio 1.00")
