"""Transition-aware embedding distillation, TED (MQSA-TED, WSDM 2024, arXiv 2311.01056).

The item-to-item transition graph is distilled into the item vectors: each item that is followed
by another one in the batch (a head) shall predict the graph's distribution over what follows it,

    target      softmax(counts / max(counts) / tau) over all items
    prediction  softmax(sqrt(d) * dropout(vector of the head) . all item vectors / tau)
    loss        mean over heads of -sum target * log(prediction + 1e-24)

Notable: off the edges of the graph all targets of a head are one constant, so the loss needs the
log-sum-exp, one sum of logits and the logits on the edges: no dense row of the graph or of the
targets is ever made. The floor 1e-24 is exact: rows that touch it are computed with it.

Shapes: H heads, I items, V = I + 1, d channels, G edges of the graph, S edges of a chunk.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from seqrec.errors import SeqrecError
from seqrec.losses import FEWEST_ROWS, accumulated, logits_at_once
from seqrec.machine.devices import without_autocast
from seqrec.machine.products import inner

FLOOR = 1e-24
LOG_FLOOR = math.log(FLOOR)
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Edges(NamedTuple):
    """The edges of a chunk of heads, as flat lists; a place that only fills a list up weighs 0."""

    rows: Tensor
    """(S,) rows of the heads."""
    columns: Tensor
    """(S,) items, from 0."""
    excess: Tensor
    """(S,) by how much the target probability lies above that of an item off the edges."""


class TransitionGraph:
    """The target distributions of all heads, as what they have on their edges and off them.

    Args:
        sources: (G,) item indices from 1, ascending.
        targets: (G,) item indices from 1.
        counts: (G,) how often; positive.
        num_items: I.
        tau: temperature.
        device: where it lives.
        dtype: in which the probabilities are kept.

    Raises:
        SeqrecError: an item that the data do not have, or sources out of order.
    """

    def __init__(
        self,
        sources: Integers,
        targets: Integers,
        counts: Integers,
        *,
        num_items: int,
        tau: float,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        _check(sources, targets, num_items)
        degrees = np.bincount(sources, minlength=num_items + 1)
        off, excess = _targets(sources, counts, degrees, tau)
        self.padded_to: int | None = None
        """Edges listed for every head; None lists just those it has."""
        if device.type != "cpu":
            # a list whose length depends on the data would wait for the device
            self.padded_to = int(degrees.max(initial=1))
        self.begins = torch.from_numpy(np.cumsum(degrees) - degrees).to(device)
        self.degrees = torch.from_numpy(degrees).to(device)
        self.columns = torch.from_numpy(targets.astype(np.int64) - 1).to(device)
        self.off = torch.from_numpy(off).to(device, dtype)
        """(V,) target probability of an item off the edges of a head."""
        self.excess = torch.from_numpy(excess).to(device, dtype)

    def edges_of(self, heads: Tensor) -> Edges:
        """Return the edges of (H,) heads."""
        degrees, begins = self.degrees[heads], self.begins[heads]
        if self.padded_to is None:
            rows = torch.repeat_interleave(torch.arange(len(heads)), degrees)
            places = torch.arange(len(rows)) + (begins - degrees.cumsum(0) + degrees)[rows]
            return Edges(rows, self.columns[places], self.excess[places])
        slots = torch.arange(self.padded_to, device=heads.device)
        present = (slots < degrees[:, None]).flatten()
        rows = torch.arange(len(heads), device=heads.device).repeat_interleave(self.padded_to)
        places = (begins[:, None] + slots).flatten() * present
        return Edges(rows, self.columns[places], self.excess[places] * present)


def _check(sources: Integers, targets: Integers, num_items: int) -> None:
    if len(sources) == 0:
        raise SeqrecError(
            "the transition graph is empty: no user has two training interactions; "
            "train with ted.weight=0"
        )
    if min(sources.min(), targets.min()) < 1 or max(sources.max(), targets.max()) > num_items:
        raise SeqrecError(
            "the transition graph names items that the sequences lack; "
            "run `kedro run --pipeline transitions` for this data set"
        )
    if (np.diff(sources) < 0).any():
        raise SeqrecError("the transition graph is not sorted by source_item; build it anew")


def _targets(
    sources: Integers, counts: Integers, degrees: Integers, tau: float
) -> tuple[Floats, Floats]:
    """Return the softmax of counts / max(counts) / tau: off the edges, and the excess on them."""
    highest = np.zeros(len(degrees))
    np.maximum.at(highest, sources, counts)
    # shifted by the largest, 1 / tau, of a head that has edges; all alike for one that has none
    shift = np.where(degrees > 0, 1 / tau, 0.0)
    on = np.exp(counts / highest[sources] / tau - shift[sources])
    off = np.exp(-shift)
    total = np.bincount(sources, on, len(degrees)) + (len(degrees) - 1 - degrees) * off
    return off / total, (on - off[sources]) / total[sources]


@dataclass(frozen=True)
class Distillation:
    """The loss with its settings."""

    graph: TransitionGraph
    weight: float
    """Share in the whole loss, the paper's lambda."""
    tau: float
    """Temperature of the prediction; the graph was built with the same."""

    def __call__(self, heads: Tensor, head_vectors: Tensor, item_vectors: Tensor) -> Tensor:
        """Return the loss, not yet weighted.

        Args:
            heads: (H,) item indices; 0 does not count.
            head_vectors: (H, d), the heads' own vectors after dropout.
            item_vectors: (V, d).

        Returns:
            A scalar. Its gradient is computed at once.
        """
        scaled = head_vectors * (math.sqrt(head_vectors.shape[-1]) / self.tau)
        loss: Tensor = _Distillation.apply(  # type: ignore[no-untyped-call]
            scaled, item_vectors, heads, self.graph
        )
        return loss


class _Distillation(torch.autograd.Function):
    """Value and gradients together; the gradients are scaled in the backward pass."""

    @staticmethod
    def forward(
        ctx: Any, scaled: Tensor, item_vectors: Tensor, heads: Tensor, graph: TransitionGraph
    ) -> Tensor:
        wide = accumulated(item_vectors.dtype)
        # Divided by tau, logits are large: bf16 would leave them three digits.
        with without_autocast(heads.device):
            task = _Chunks(
                scaled.detach().to(wide), item_vectors.detach()[1:].to(wide), heads, graph
            )
            loss = task.run()
        of_vectors = F.pad(task.of_vectors.t(), (0, 0, 1, 0))
        ctx.save_for_backward(task.of_heads.to(scaled.dtype), of_vectors.to(item_vectors.dtype))
        return loss

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        of_heads, of_vectors = ctx.saved_tensors
        return of_heads.mul_(gradients[0]), of_vectors.mul_(gradients[0]), None, None


class _Chunks:
    """Walks over the heads; of each chunk there is one (rows, I) array of logits.

    With p the target, q the prediction and f = q / (q + floor), which is 1 above the floor:
    the loss of a row is -sum p (log q - log f), its gradient in the logits q sum(p f) - p f.
    """

    def __init__(
        self, scaled: Tensor, vectors: Tensor, heads: Tensor, graph: TransitionGraph
    ) -> None:
        self.scaled, self.vectors, self.heads, self.graph = scaled, vectors, heads, graph
        self.sums = accumulated(scaled.dtype)
        counted = (heads != 0).to(self.sums)
        self.weights = counted / counted.sum().clamp(min=1)
        self.total = vectors.sum(dim=0)
        self.of_heads = torch.empty_like(scaled)
        self.of_vectors = vectors.new_zeros(vectors.shape[1], vectors.shape[0])
        # above this, the floor changes nothing but the last digit of log q
        self.untouched = LOG_FLOOR - math.log(torch.finfo(self.sums).eps)

    def run(self) -> Tensor:
        """Return the loss; leaves the gradients."""
        size = max(FEWEST_ROWS, logits_at_once(self.heads.device) // len(self.vectors))
        loss = self.weights.new_zeros(())
        for first in range(0, len(self.heads), size):
            loss += self._chunk(slice(first, first + size))
        return loss

    def _chunk(self, rows: slice) -> Tensor:
        """Return the chunk's part of the loss, and add its gradients."""
        edges, off = self.graph.edges_of(self.heads[rows]), self.graph.off[self.heads[rows]]
        logits = inner(self.scaled[rows], self.vectors)
        shares = logits.softmax(dim=1)
        # exp(highest - log-sum-exp) is the largest share: no second pass of exponentials
        normaliser = logits.amax(dim=1).to(self.sums) - shares.amax(dim=1).to(self.sums).log()
        everywhere = (self.scaled[rows] @ self.total).to(self.sums)
        on_edges = logits[edges.rows, edges.columns].to(self.sums)
        above = on_edges - normaliser[edges.rows] - LOG_FLOOR
        losses = normaliser - off * everywhere
        losses.index_add_(0, edges.rows, edges.excess * (F.logsigmoid(above) - on_edges))

        kept = edges.excess * above.sigmoid()
        mass = (off * logits.shape[1]).index_add_(0, edges.rows, kept)
        floored = self._floored(logits, normaliser)
        if floored is not None:
            which, below = floored
            losses[which] += off[which] * F.logsigmoid(-below).sum(dim=1)
            lost = below.sigmoid_()
            mass[which] -= off[which] * lost.sum(dim=1)
        weights = self.weights[rows]
        shares.mul_((mass * weights)[:, None]).sub_((off * weights)[:, None])
        if floored is not None:
            shares[which] += lost * (off * weights)[which, None]
        shares.index_put_((edges.rows, edges.columns), -kept * weights[edges.rows], accumulate=True)
        self.of_heads[rows] = inner(shares, self.vectors.t())
        self.of_vectors += inner(self.scaled[rows].t(), shares.t())
        return (losses * weights).sum()

    def _floored(self, logits: Tensor, normaliser: Tensor) -> tuple[Tensor | slice, Tensor] | None:
        """Return the rows that touch the floor and how far below it their logits lie, if any do."""
        if logits.device.type != "cpu":  # asking which would wait for the device
            return slice(None), normaliser[:, None] - logits + LOG_FLOOR
        touched = (logits.amin(dim=1) - normaliser < self.untouched).nonzero().squeeze(1)
        if len(touched) == 0:
            return None
        return touched, normaliser[touched, None] - logits[touched] + LOG_FLOOR
