"""Sampled softmax: cross entropy against a sample of the items, for catalogs of millions.

The sum over all items in the softmax is estimated from negatives drawn by popularity, each
weighted by one over how often it was to be expected (the logQ correction: Bengio and Senécal 2008;
Yi et al., RecSys 2019). The target stands in the sum as itself. The estimate of the sum is
unbiased, and a step costs the same whatever the number of items.

Shapes: N states, d channels, I items, V = I + 1, n negatives.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from seqrec.losses import Seen, rows_that_count


class SampledSoftmax:
    """The loss, with the distribution its negatives come from.

    Args:
        item_counts: (V,) training interactions an item; padding's is ignored. Every item can be
            drawn: one is added to each count.
        negatives: n, shared by all states of a batch.
        device: where the batches are.
        sparse: whether the item vectors get gradients for the drawn rows only.
        generator: what the negatives are drawn from; None: torch's global one.
    """

    def __init__(
        self,
        item_counts: npt.NDArray[np.int64],
        negatives: int,
        device: torch.device,
        *,
        sparse: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        self.generator = generator
        weights = item_counts[1:] + 1.0
        shares = weights / weights.sum()
        self.negatives, self.sparse = negatives, sparse
        expected = torch.from_numpy(np.log(shares * negatives))
        self.log_expected = expected.to(device, torch.float32)
        """(I,) logarithm of how often an item is to be expected among the negatives."""
        # float32 cannot tell the shares of two million items apart, and MPS has no float64
        draws_on = torch.device("cpu") if device.type == "mps" else device
        self.cumulated = torch.from_numpy(np.cumsum(shares)).to(draws_on)

    def __call__(
        self, states: Tensor, item_vectors: Tensor, targets: Tensor, seen: Seen | None = None
    ) -> Tensor:
        """Return the mean over the states that have a target.

        Args:
            states: (N, d).
            item_vectors: (V, d), row 0 for padding.
            targets: (N,) item indices from 1; a state with target 0 does not count.
            seen: not looked at: any item may be drawn.

        Returns:
            A scalar.
        """
        rows = rows_that_count(targets)
        if rows is not None:
            states, targets = states[rows], targets[rows]
        drawn = self.draw()
        own = (states * self._vectors(item_vectors, targets)).sum(dim=1, keepdim=True)
        others = F.linear(states, self._vectors(item_vectors, drawn))
        others = others - self.log_expected[drawn - 1]
        others = others.masked_fill(targets[:, None] == drawn, -torch.inf)
        losses = torch.cat([own, others], dim=1).logsumexp(dim=1) - own.squeeze(1)
        counted = (targets != 0).to(losses.dtype)
        return (losses * counted).sum() / counted.sum().clamp(min=1)

    def draw(self) -> Tensor:
        """Return (n,) items, by popularity and with repetition."""
        draws = torch.rand(
            self.negatives,
            dtype=torch.float64,
            device=self.cumulated.device,
            generator=self.generator,
        )
        places = torch.searchsorted(self.cumulated, draws, right=True)
        return (places.clamp(max=len(self.cumulated) - 1) + 1).to(self.log_expected.device)

    def _vectors(self, item_vectors: Tensor, items: Tensor) -> Tensor:
        return F.embedding(items, item_vectors, sparse=self.sparse)
