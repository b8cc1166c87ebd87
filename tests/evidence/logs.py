"""Logs for the evidence, and plain forms of what is made of them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from seqrec.batches import Sequences
from seqrec.evidence.channels import CHANNELS
from seqrec.evidence.pair_tables import (
    GAMMA,
    KINDS,
    SMALLEST,
    SOURCE_EXPONENTS,
    TARGET_EXPONENTS,
    WINDOW,
    Degrees,
    Tables,
    count_pairs,
)
from tests.counted import plain_shared_users, plain_transitions, sequences_of

Floats = npt.NDArray[np.float64]
ITEMS = 12
ALL = 1000
"""Neighbours: more than there are items."""


def tables_of(sequences: Sequences, neighbours: int = ALL) -> Tables:
    tables = Tables(sequences.num_items)
    tables.fill(count_pairs(sequences, neighbours))
    return tables


def of_users(
    users: Sequence[Sequence[int]], num_items: int = ITEMS, neighbours: int = ALL
) -> Tables:
    return tables_of(sequences_of(*users, num_items=num_items), neighbours)


class Plain:
    """The tables as whole arrays, counted user by user."""

    def __init__(self, users: Sequence[Sequence[int]], num_items: int = ITEMS) -> None:
        after = plain_transitions(users, num_items, WINDOW, GAMMA)
        shared, audience = plain_shared_users(users, num_items)
        self.counts = [plain_transitions(users, num_items, 1, 1.0), after, after.T, shared]
        out, into = after.sum(axis=1), after.sum(axis=0)
        popularity = np.zeros(num_items + 1)
        for items in users:
            for item in items:
                popularity[item] += 1
        self.degrees = Degrees(out, into, audience, popularity)

    def source_weight(self, kind: int, item: int) -> float:
        degree = max(self.degrees.of_sources(kind)[item], SMALLEST[kind])
        return float(degree ** -SOURCE_EXPONENTS[kind])

    def sums(self, history: Sequence[int], sources: "Plain | None" = None) -> Floats:
        """Return (C, V): the recursion over all of the history, item by item."""
        sums = np.zeros((len(CHANNELS), len(self.counts[0])))
        for item in history:
            for number, (kind, decay) in enumerate(CHANNELS):
                weight = (sources or self).source_weight(kind, item)
                sums[number] = decay * sums[number] + weight * self.counts[kind][item]
        return sums

    def values(
        self, history: Sequence[int], sources: "Plain | None" = None, least: float = 1e-6
    ) -> Floats:
        """Return (C, V): the sums divided by the items' degrees, 0 for items of the history."""
        sums = self.sums(history, sources)
        for number, (kind, _) in enumerate(CHANNELS):
            degree = np.maximum(self.degrees.of_targets(kind), least)
            sums[number] /= degree ** TARGET_EXPONENTS[kind]
        sums[:, list(history)] = 0
        return sums


def dense(tables: Tables, kind: int) -> Floats:
    """Return a table as a whole array."""
    table: Floats = tables.dense(kind).double().numpy()
    return table


assert len(KINDS) == 4
