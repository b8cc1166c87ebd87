"""The losses over items by name, ``training.loss``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from seqrec.losses.items import CrossEntropy, ItemLoss, Padding
from seqrec.losses.negatives import (
    BayesianPersonalisedRanking,
    BinaryCrossEntropy,
    UniformNegatives,
    gbce_beta,
)
from seqrec.losses.sampled_softmax import SampledSoftmax


@dataclass(frozen=True)
class LossSettings:
    """What a loss may depend on; each takes what it needs."""

    num_items: int
    negatives: int = 1
    padding: Padding = "none"
    """What item 0 is to a softmax over all items."""
    calibration: float = 0.0
    """gBCE's t."""
    item_counts: Callable[[], npt.NDArray[np.int64]] | None = None
    """Gives (V,) training interactions an item."""
    device: torch.device = torch.device("cpu")  # noqa: RUF009
    generator: torch.Generator | None = None
    """What is drawn for a batch as a whole comes from it; None: torch's global one."""
    sparse: bool = False
    """Whether a loss may give the item vectors sparse gradients."""

    @property
    def sampler(self) -> UniformNegatives:
        """Negatives of each target's own."""
        return UniformNegatives(self.num_items, self.negatives)


@dataclass(frozen=True)
class NamedLoss:
    """How a loss is built, and how many negatives it draws unless told otherwise."""

    build: Callable[[LossSettings], ItemLoss]
    negatives: int | None
    """None: it draws none, but compares with all items."""


def _gbce(settings: LossSettings) -> ItemLoss:
    beta = gbce_beta(settings.num_items, settings.negatives, settings.calibration)
    return BinaryCrossEntropy(settings.sampler, beta=beta, per_term=True)


def _sampled_softmax(settings: LossSettings) -> ItemLoss:
    assert settings.item_counts is not None, "its negatives are drawn by popularity"
    return SampledSoftmax(
        settings.item_counts(),
        settings.negatives,
        settings.device,
        sparse=settings.sparse,
        generator=settings.generator,
    )


LOSSES = {
    "cross_entropy": NamedLoss(lambda settings: CrossEntropy(settings.padding), negatives=None),
    "bce": NamedLoss(lambda settings: BinaryCrossEntropy(settings.sampler), negatives=1),
    "gbce": NamedLoss(_gbce, negatives=256),
    "bpr": NamedLoss(lambda settings: BayesianPersonalisedRanking(settings.sampler), negatives=1),
    "sampled_softmax": NamedLoss(_sampled_softmax, negatives=1024),
}
"""Name → loss."""
