"""The largest entries of each row, against a sort by row and value."""

import numpy as np
import pytest

from seqrec.evidence.strongest import largest_of_rows


def sorted_out(rows: list[int], values: list[float], most: int) -> set[int]:
    """By the textbook: each row's entries, largest first, the first of equals first."""
    kept: set[int] = set()
    for row in set(rows):
        entries = [entry for entry, own in enumerate(rows) if own == row]
        kept |= set(sorted(entries, key=lambda entry: -values[entry])[:most])
    return kept


@pytest.mark.parametrize("most", [1, 2, 5, 40])
@pytest.mark.parametrize("different", [2, 5, 1000])
def test_each_row_keeps_its_largest(most: int, different: int) -> None:
    draw = np.random.default_rng(most + different)
    for _ in range(10):
        rows = np.sort(draw.integers(0, 9, 120)) * 2  # some rows have none
        values = draw.integers(0, different, 120) / 7
        kept = largest_of_rows(rows, values, most)
        assert set(np.flatnonzero(kept)) == sorted_out(rows.tolist(), values.tolist(), most)


def test_no_entries() -> None:
    assert len(largest_of_rows(np.zeros(0, np.int64), np.zeros(0), 3)) == 0


def test_values_of_any_size_are_in_their_order() -> None:
    values = np.array([0.0, 1e-30, 1.0, 1e30, 0.5, 3e-5])
    assert largest_of_rows(np.zeros(6, np.int64), values, 3).tolist() == [0, 0, 1, 1, 1, 0]
