"""The transition graph of a training run with TED: checked against the data, and at hand."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch

from seqrec.batches import Sequences
from seqrec.distillation import Distillation, TransitionGraph
from seqrec.errors import SeqrecError


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
        if counts.sum() != self._transitions_in(sequences):
            raise SeqrecError(
                f"transition_graph does not hold the transitions of these sequences with "
                f"time_span={self.time_span} and last_items={self.last_items or 'all'}; run "
                "`kedro run --pipeline transitions` with the same --params"
            )
        graph = TransitionGraph(
            sources, targets, counts, num_items=sequences.num_items, tau=self.tau, device=device
        )
        return Distillation(graph, self.weight, self.tau)

    def _transitions_in(self, sequences: Sequences) -> int:
        """Return how many transitions the graph must hold in all."""
        lengths = sequences.train_ends() - sequences.offsets[:-1]
        steps = range(1, self.time_span + 1)
        # a source stands among the last items; what follows it is later still
        sources = lengths if self.last_items is None else np.minimum(lengths, self.last_items)
        return int(sum(np.maximum(sources - k, 0).sum() for k in steps))

    def fingerprint(self) -> str:
        """Return a hash of everything the loss depends on."""
        digest = hashlib.sha256(repr((self.weight, self.tau)).encode())
        for name in ("source_item", "target_item", "count"):
            digest.update(np.ascontiguousarray(self.graph[name].to_numpy()).tobytes())
        return digest.hexdigest()
