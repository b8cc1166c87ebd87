"""What a run of the load says, and when its rate is held."""

import numpy as np
import pytest

from benchmarks.serve_load import Measured


def run(slow: int = 0, errors: int = 0, seconds: float = 10.0) -> Measured:
    """A thousand answers at 100 a second, 2 ms each but for some that take 80."""
    times = np.array([80.0] * slow + [2.0] * (1000 - slow))
    return Measured(100.0, times, errors, seconds, [400.0, 410.0, 420.0, 420.0, 420.0, 421.0])


@pytest.mark.parametrize(
    ("measured", "held"),
    [
        (run(), True),
        (run(slow=9), True),
        (run(slow=20), False),  # p99
        (run(errors=1), False),
        (run(seconds=12.0), False),  # answers fell behind
    ],
)
def test_a_rate_is_held_if_all_is_answered_in_time(measured: Measured, held: bool) -> None:
    assert measured.held is held


def test_the_line_says_what_was_measured() -> None:
    assert run(slow=20).line() == (
        "   100/s  1,000 answers, 0 errors  p50 2.0  p90 2.0  p99 80.0  max 80.0 ms  "
        "resident 400 410 420 420 420 421 MB"
    )
