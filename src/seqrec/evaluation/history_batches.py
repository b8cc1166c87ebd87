"""Many histories, batch by batch on the device, beside what their users have seen.

Shapes: B histories in a batch of width W, E examples, S seen pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from seqrec.batches import Batches, Examples, Sequences
from seqrec.evaluation.ranking import SeenItems
from seqrec.machine.processes import ALONE, Processes
from seqrec.models.parts.face import ScoringModel

CACHED = 1_600_000
"""Scores of a batch on the CPU, at most: 6 MB, for they are read several times."""
FEWEST_ROWS = 16


class HistoryBatch(NamedTuple):
    """Some histories, and what their users have seen."""

    rows: slice
    """Which of the examples, in the order of the batches."""
    histories: Tensor
    """(B, W) item indices, oldest first, padded with 0 on the left."""
    users: Tensor
    """(B,) user indices from 1."""
    seen: tuple[Tensor, Tensor]
    """Rows within the batch and items of the whole histories, (S,) each."""


class HistoryBatches:
    """Histories in batches; those of like length come together, for a batch is as wide as one.

    Args:
        sequences: the data.
        examples: where the histories begin and end.
        model: how long a history it looks at, and whether padding may be left out.
        device: where to gather them.
        batch_size: how many at a time.
        window: how many of a user's last training items count as seen; None for all.
        processes: of several, each goes through every so many batches.
    """

    def __init__(
        self,
        sequences: Sequences,
        examples: Examples,
        model: ScoringModel,
        device: torch.device,
        batch_size: int,
        window: int | None = None,
        processes: Processes = ALONE,
    ) -> None:
        lengths = examples.ends - examples.starts
        self.order = (
            np.argsort(lengths, kind="stable") if model.hides_padding else np.arange(len(examples))
        )
        examples = examples.take(self.order)
        self.lengths = lengths[self.order] if model.hides_padding else None
        self.inverse = torch.from_numpy(np.argsort(self.order)).to(device)
        self.batches = Batches(sequences, examples, model.history_len, device)
        self.seen = SeenItems(sequences, examples, device, window)
        self.batch_size, self.processes = batch_size, processes

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[HistoryBatch]:
        step = self.batch_size * self.processes.size
        for first in range(self.batch_size * self.processes.rank, len(self), step):
            yield self.at(first)

    def at(self, first: int) -> HistoryBatch:
        """Return the batch that begins with one of the examples."""
        rows = slice(first, first + self.batch_size)
        histories = self.batches.histories(rows, self._width(rows))
        return HistoryBatch(rows, histories, self.batches.users[rows], self.seen.pairs(rows))

    def _width(self, rows: slice) -> int | None:
        """Return the longest history of some examples, or None where padding must stay.

        An empty one is nothing but padding, and under ``authors`` padding has a state.
        """
        if self.lengths is None or not self.lengths[rows].all():
            return None
        return int(self.lengths[rows].max())


def rows_at_once(batch_size: int, columns: int, device: torch.device) -> int:
    """Return how many rows of so many scores are computed together."""
    if device.type != "cpu":
        return batch_size
    return min(batch_size, max(FEWEST_ROWS, CACHED // columns))
