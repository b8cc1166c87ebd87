"""Of each row the entries with the largest values.

Notable: two passes over sorted numbers in place of a sort by two keys: a row's limit is read from
its values in order, and what lies above it is kept.

Shapes: E entries, R rows.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from seqrec.batches import Integers

Floats = npt.NDArray[np.float64]


def largest_of_rows(rows: Integers, values: Floats, most: int) -> npt.NDArray[np.bool_]:
    """Return (E,) which entries are among the largest of their row.

    Args:
        rows: (E,) from 0, in order.
        values: (E,) not negative; compared in single precision.
        most: how many a row may keep, at least 1; of equals those that come first.
    """
    per_row = np.bincount(rows)
    if len(rows) == 0 or per_row.max() <= most:
        return np.full(len(rows), True)
    # the bits of floats that are not negative are in the order of the floats
    bits = values.astype(np.float32).view(np.int32).astype(np.int64)
    keys = (rows << 32) - bits
    begins = np.cumsum(per_row) - per_row
    held = np.flatnonzero(per_row)
    limits = np.zeros(len(per_row), np.int64)
    limits[held] = np.sort(keys)[begins[held] + np.minimum(per_row[held], most) - 1]
    above, equal = keys < limits[rows], keys == limits[rows]
    room = most - np.bincount(rows[above], minlength=len(per_row))
    equals_so_far = np.cumsum(equal)
    before_row = np.concatenate([[0], equals_so_far])[begins]
    kept: npt.NDArray[np.bool_] = above | (equal & (equals_so_far - before_row[rows] <= room[rows]))
    return kept
