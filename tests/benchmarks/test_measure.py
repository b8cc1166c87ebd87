"""Turns, medians and what is made of them."""

from typing import Any

import pytest
import torch

from benchmarks import measure
from benchmarks.case import Case, Split
from benchmarks.clock import NONE, Timing, middle, repeated, timed
from benchmarks.measure import Figures
from benchmarks.memory import Form, Part
from benchmarks.report import table
from seqrec.errors import SeqrecError

CPU = torch.device("cpu")
CASE = Case("bsarec", "synthetic", "authors", "", 10)


class Watched:
    """A form that does nothing but say when it was its turn."""

    examples, steps = 1000, 4

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log

    def batch(self) -> Any:
        return None

    def step(self, batch: Any) -> torch.Tensor:
        self.log.append(self.name)
        return torch.zeros(())

    def validate(self, split: Split) -> float:
        return 0.0


def turns(steps: int) -> list[str]:
    """Return whose turn it was, warming up left out."""
    log: list[str] = []
    runners = {"real": Watched("A", log), "plain": Watched("B", log)}
    measure._time_steps(CASE, runners, {"real": NONE, "plain": NONE}, steps)  # type: ignore[arg-type]
    return log[2 + measure.WARM_UP + 1 :]


def test_forms_take_turns() -> None:
    assert turns(4) == list("ABABABAB")


def test_the_plain_form_stops_when_it_took_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "PLAIN_SECONDS", 0.0)
    assert turns(5) == list("ABABABAA")


def figures(step: float) -> Figures:
    """1000 examples in 4 steps, a quarter of a second to put a batch together."""
    quarter = Timing(0.25, 0.25)
    found = Figures(1000, 4, quarter, 1.0, quarter, Timing(step, step / 2), 9)
    found.evaluation = {"valid": Timing(3.0, 2.0), "test": Timing(4.0, 3.0)}
    found.memory = {"training": {"main": 500.0, "gpu": 70.0}, "evaluation": {"main": 400.0}}
    found.estimate_epoch()
    return found


def test_an_epoch_is_its_steps_and_the_validation() -> None:
    found = figures(step=0.5)
    assert found.epoch == Timing(4 * 0.75 + 3.0, 4 * 0.5 + 2.0)
    assert found.both_splits == Timing(7.0, 5.0)
    assert found.examples_per_second == pytest.approx(250 / 0.75)


def test_the_table_says_how_many_times_better_ours_is() -> None:
    printed = table({"real": figures(0.5), "plain": figures(2.0)}, gpu=False)
    rows = {line[:44].strip(): line[44:].split() for line in printed.splitlines()}
    assert "epoch of seqrec: estimated, 4 steps and the validation" in printed
    assert rows[""] == ["seqrec", "plain", "form", "ratio"]
    assert rows["training step, ms"] == ["500", "2,000", "4"]
    assert rows["examples a second"] == ["333", "111", "3"]
    assert rows["epoch, s"] == ["6", "12", "2"]


def test_a_gpu_has_rows_of_its_own() -> None:
    found = figures(0.5)
    found.memory["evaluation"]["gpu"] = 60.0
    assert "GPU memory, training, MiB                             70" in table(
        {"real": found}, gpu=True
    )


@pytest.mark.parametrize("part", ["training", "evaluation"])
def test_memory_that_was_not_measured_is_a_dash(
    part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    def peak(case: Case, form: Form, asked: Part, steps: int) -> dict[str, float]:
        if asked == part:
            raise SeqrecError("ended by signal 9")
        return {"main": 400.0}

    monkeypatch.setattr(measure, "peak_memory", peak)
    said: list[str] = []
    found = figures(0.5)
    found.memory = measure._memory(CASE, "real", 2, said.append)
    assert said == ["not measured: ended by signal 9"]
    (row,) = (
        line
        for line in table({"real": found, "plain": figures(0.5)}, gpu=True).splitlines()
        if line.startswith(f"peak memory, {part}")
    )
    assert row.split()[4::2] == ["–", "–"]
    assert part not in found.as_json()["memory_mib"]


def test_times() -> None:
    assert Timing(1.0, 2.0).times(3) + NONE == Timing(3.0, 6.0)
    assert middle([Timing(1, 9), Timing(5, 7), Timing(2, 8)]) == Timing(2, 8)
    result, spent = timed(lambda: sum(range(200_000)), CPU)
    assert result == 19_999_900_000
    assert 0 < spent.cpu < 10


def test_work_is_repeated_until_the_time_is_over() -> None:
    calls: list[int] = []
    repeated(lambda: calls.append(1), CPU, seconds=10.0, most=4)
    repeated(lambda: calls.append(2), CPU, seconds=0.0)
    assert calls == [1, 1, 1, 1, 2]
