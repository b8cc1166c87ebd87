"""The results by their cells, and the ranked targets in a cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.cell import Cell
from seqrec.errors import SeqrecError
from seqrec.evaluation.metrics import Floats, Integers, gains, parse_label


class Group(NamedTuple):
    """Cells that may be compared: the same data set under the same protocol."""

    dataset: str
    protocol: str


Metrics = Mapping[Cell, Mapping[str, Any]]
"""The content of each metrics.json."""
Ranks = Mapping[Cell, pa.Table]
"""seed, split, user_index, item_index (the target), rank, candidates."""
Histories = Mapping[Cell, pa.Table]
"""seed, epoch, loss and its parts, validation metrics by label (or seed, trial, …)."""
Progress = Mapping[Cell, pd.DataFrame]
"""seed, epoch (or trial), loss, a validation metric, seconds, validation_seconds, …"""


def grouped(cells: Iterable[Cell]) -> dict[Group, list[Cell]]:
    """Return the cells by data set and protocol, all in order of their names."""
    groups: dict[Group, list[Cell]] = {}
    for cell in sorted(cells):
        groups.setdefault(Group(cell.dataset, cell.protocol), []).append(cell)
    return dict(sorted(groups.items()))


@dataclass(frozen=True)
class RankedTargets:
    """The targets of a split and their ranks; S seeds, T targets sorted by user."""

    users: Integers
    """(T,) user indices, not decreasing; a user's targets stand in order of their sequence."""
    items: Integers
    """(T,)."""
    seeds: tuple[int, ...]
    ranks: Floats
    """(S, T), 1 the best."""

    def gains(self, label: str) -> Floats:
        """Return (S, T) what each target contributes to a metric, ``NDCG@10`` for instance."""
        name, cutoff = parse_label(label)
        return gains(name, self.ranks, cutoff)

    def same_targets(self, other: RankedTargets) -> bool:
        """Whether both rank the same items for the same users."""
        return np.array_equal(self.users, other.users) and np.array_equal(self.items, other.items)


def ranked_targets(cell: Cell, ranks: pa.Table, split: str = "test") -> RankedTargets:
    """Return the targets of one split, every seed's ranks in a row of their own.

    Args:
        cell: whose ranks they are, for the message.
        ranks: seed, split, user_index, item_index and rank.
        split: ``test`` or ``valid``.

    Raises:
        SeqrecError: there are none, or the seeds ranked different targets.
    """
    rows = ranks.filter(pc.equal(ranks["split"], split))
    if not len(rows):
        raise SeqrecError(f"{cell.id} has no ranks of the {split} split; evaluate it again")
    names = ("seed", "user_index", "item_index", "rank")
    columns = [rows[name].to_numpy() for name in names]
    order = np.lexsort((columns[1], columns[0]))  # stable: a user's targets stay in their order
    seeds, counts = np.unique(columns[0], return_counts=True)
    different = SeqrecError(
        f"the seeds of {cell.id} ranked different targets; evaluate all of them again"
    )
    if len(set(counts.tolist())) > 1:
        raise different
    users, items, ranks_by_seed = (column[order].reshape(len(seeds), -1) for column in columns[1:])
    if (users != users[0]).any() or (items != items[0]).any():
        raise different
    return RankedTargets(users[0], items[0], tuple(seeds.tolist()), ranks_by_seed)
