"""What is told of the entries and the moment of a list, item by item."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from seqrec.evidence.pair_tables import Degrees


class Told(NamedTuple):
    """A list as plain values."""

    columns: list[int]
    features: list[list[float]]
    moments: list[float]


def told(
    values: Any, degrees: Degrees, history: Sequence[int], length: int, counts: Any = None
) -> Told:
    """Return the list of (C, V) scaled values.

    Args:
        values: by channel and item.
        degrees: those of the whole log.
        history: up to the moment.
        length: K.
        counts: (V,) popularities, the user's own taken off; those of the log unless given.
    """
    score = values.sum(axis=0)
    order = sorted(range(len(score)), key=lambda item: (-score[item], item))[:length]
    counts = degrees.popularity if counts is None else counts
    mean = np.log1p(degrees.popularity.astype(np.float32)).mean()
    features = [
        [
            *(math.log1p(20 * value[item]) / 2 for value in values),
            (math.log1p(counts[item]) - mean) / 2,
        ]
        if score[item] > 0
        else [0.0] * (len(values) + 1)
        for item in order
    ]
    moments = [
        (math.log1p(len(history)) - 2) / 1.5,
        (math.log1p(degrees.users[history[-1]]) - 2) / 1.5,
        (math.log1p((score > 0).sum()) - 5) / 2,
        *(math.log1p(20 * value.max()) / 2 - 1 for value in values),
    ]
    return Told([item if score[item] > 0 else 0 for item in order], features, moments)
