"""What is watched of a command with children, and that unequal tables fail."""

import subprocess
import sys

import pyarrow as pa
import pytest

from benchmarks.spark import MB, check_equal, watch
from seqrec.errors import SeqrecError

CHILD = "x = bytearray(80 * 1024**2); import time; time.sleep(2)"


def test_children_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.spark.EVERY", 0.05)
    mother = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}])"
    process = subprocess.Popen([sys.executable, "-c", mother])
    peak, cpu = watch(process)
    assert process.returncode == 0
    assert 80 * MB < peak < 400 * MB
    assert 0 < cpu < 10


def test_rows_may_stand_in_another_order_and_not_differ() -> None:
    first = pa.table({"user": [1, 1, 2], "place": [0, 1, 0], "item": [5, 6, 7]})
    check_equal({"t": first}, {"t": first.take([2, 0, 1])})
    other = first.set_column(2, "item", pa.array([5, 6, 8]))
    with pytest.raises(SeqrecError, match="the tables t differ"):
        check_equal({"t": first}, {"t": other})
