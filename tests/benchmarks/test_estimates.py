"""An estimate beside what came, as numbers that are put in."""

from pathlib import Path

import pytest

from benchmarks import estimates
from benchmarks.estimates import Held, held


def test_both_ratios_are_told_by_taken() -> None:
    numbers = Held("lastfm, bsarec, 3", 8.0, 10.0, 300e6, 400e6).line().split()
    assert numbers[-10:] == ["8.0", "s", "10.0", "s", "0.80", "300", "MB", "400", "MB", "0.75"]


def test_epochs_asked_for_are_those_that_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = (
        '{"starting": 1, "training": {"most": 200, "preparing": 2, "training": 3, '
        '"validation": 1, "evaluation": 5, "memory": 7}}'
    )
    ran = []

    def take(*command: str) -> tuple[float, float]:
        ran.append(" ".join(command))
        if "estimate" in command:
            Path(command[-1]).write_text(told)
        return 30.0, 8.0

    monkeypatch.setattr(estimates, "ROOT", tmp_path)
    monkeypatch.setattr(estimates, "_take", take)
    assert held("a:b:6") == ("a, b, 6", 1 + 2 + 6 * 4 + 5, 30.0, 7, 8.0)
    assert ran[1].endswith("dataset=a,model=b,training.max_epochs=6,training.patience=null")
    assert held("a:b").told_seconds == 1 + 2 + 200 * 4 + 5
