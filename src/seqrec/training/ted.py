"""The transition graph of a training run with TED: checked against the data, and at hand."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from seqrec.batches import Sequences
from seqrec.errors import SeqrecError
from seqrec.losses.distillation import Distillation, TransitionGraph


@dataclass(frozen=True)
class Ted:
    """A transition graph, how it was counted, and how it is to be distilled."""

    graph: pa.Table
    """source_item, target_item, count; sorted."""
    weight: float
    """The distillation's share in the whole loss."""
    tau: float
    """Temperature."""
    time_span: int
    """How far apart two items of a transition may be."""
    last_items: int | None
    """How many of a user's last training items were counted; None for all."""

    def distillation(self, sequences: Sequences, device: torch.device) -> Distillation:
        """Return the loss, on the device.

        Raises:
            SeqrecError: the graph is of other data, or was counted in another way.
        """
        columns = (self.graph[name].to_numpy() for name in ("source_item", "target_item", "count"))
        sources, targets, counts = columns
        followers = np.bincount(sources, counts, minlength=sequences.num_items + 1)
        if not np.array_equal(followers, self._followers(sequences)):
            raise SeqrecError(
                f"transition_graph does not hold the transitions of these sequences with "
                f"time_span={self.time_span} and last_items={self.last_items or 'all'}; run "
                "`kedro run --pipeline transitions` with the same --params"
            )
        graph = TransitionGraph(
            sources, targets, counts, num_items=sequences.num_items, tau=self.tau, device=device
        )
        return Distillation(graph, self.weight, self.tau)

    def _followers(self, sequences: Sequences) -> npt.NDArray[np.int64]:
        """Return (items + 1,) how many transitions must start at each item."""
        ends = np.repeat(sequences.train_ends(), np.diff(sequences.offsets))
        left = ends - np.arange(len(ends))  # with itself, to the end of its user's training part
        followers = np.clip(left - 1, 0, self.time_span)
        if self.last_items is not None:  # what follows one of the last items is later still
            followers[left > self.last_items] = 0
        return np.bincount(sequences.items, followers, minlength=sequences.num_items + 1)

    def fingerprint(self) -> str:
        """Return a hash of everything the loss depends on."""
        digest = hashlib.sha256(repr((self.weight, self.tau)).encode())
        for name in ("source_item", "target_item", "count"):
            digest.update(np.ascontiguousarray(self.graph[name].to_numpy()).tobytes())
        return digest.hexdigest()
