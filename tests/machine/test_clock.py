"""A wall clock that goes backwards, as after a correction, while a run is at work."""

import csv
import time
from itertools import count
from pathlib import Path

import pytest

from tests.conftest import Kedro


@pytest.mark.usefixtures("project")
def test_a_clock_that_goes_backwards_changes_nothing(
    kedro: Kedro, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = count()
    began = time.time()
    monkeypatch.setattr(time, "time", lambda: began - 100.0 * next(ticks))

    finished = kedro("run", "--env", "test", "--params", "training.max_epochs=2")

    assert finished.code == 0, finished.err
    assert next(ticks) > 10  # somebody asked
    with Path("data/06_models/demo/bsarec/standard/progress.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    assert all(float(row["seconds"]) > 0 for row in rows)
