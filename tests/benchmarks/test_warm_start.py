"""What is read from the progress of the three trainings; the trainings themselves take minutes."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.warm_start import Epochs, Training, instant, reached, report


def epochs(*values: float) -> Epochs:
    return [
        {"epoch": number, "NDCG@20": value, "seconds": 2.0, "validation_seconds": 0.5}
        for number, value in enumerate(values, start=1)
    ]


def test_a_figure_is_reached_in_its_first_epoch() -> None:
    assert reached(epochs(0.1, 0.3, 0.2, 0.4), 0.3) == (2, 5.0)
    assert reached(epochs(0.1, 0.2), 0.3) is None


def test_four_of_five_interactions_lie_at_or_before_the_instant(tmp_path: Path) -> None:
    times = [50, 10, 20, 40, 30, 60, 80, 70, 90, 100, 110]
    pq.write_table(pa.table({"timestamp": times}), tmp_path / "log.parquet")
    assert instant(tmp_path / "log.parquet", 0.8) == 90


def test_warm_stands_beside_cold() -> None:
    old, cold, warm = (epochs(0.1, 0.2), epochs(0.1, 0.3, 0.25), epochs(0.2, 0.2, 0.2, 0.35))
    said = report(Training(old, ""), Training(cold, ""), Training(warm, "training starts …"))
    rows = {line[:4].strip(): line.split()[-4:] for line in said.splitlines()[-3:]}
    assert rows == {
        "old,": ["-", "-", "0.2000", "2"],
        "cold": ["2", "5.0", "0.3000", "2"],
        "warm": ["4", "10.0", "0.3500", "4"],
    }
    never = report(Training(old, ""), Training(cold, ""), Training(old, "training starts …"))
    assert never.splitlines()[-1].split()[-4:] == ["-", "-", "0.2000", "2"]
