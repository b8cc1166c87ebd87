"""Which loss over items a run minimises: ``training.loss``, and what it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from seqrec.batches import Sequences
from seqrec.errors import SeqrecError
from seqrec.losses import CrossEntropy, ItemLoss
from seqrec.losses.negatives import (
    BayesianPersonalisedRanking,
    BinaryCrossEntropy,
    UniformNegatives,
    gbce_beta,
)
from seqrec.losses.sampled_softmax import SampledSoftmax
from seqrec.models.parts.face import SequentialModel

if TYPE_CHECKING:
    from seqrec.parameters.sections import TrainingOptions

NEGATIVES = {"bce": 1, "bpr": 1, "gbce": 256, "sampled_softmax": 1024}
"""How many negatives a loss draws unless told otherwise."""


def check_loss(options: TrainingOptions, model: type[SequentialModel], protocol: str) -> None:
    """Raise a SeqrecError for a loss that the protocol does not have, or a useless option."""
    more = options.negatives not in (None, 1)
    if protocol == "authors" and (options.loss not in model.authors_losses or more):
        negatives = f" with training.negatives={options.negatives}" if more else ""
        raise SeqrecError(
            f"training.loss={options.loss}{negatives} is a choice of protocol=standard; "
            f"authors has the loss of the paper's code ({_in_words(model.authors_losses)}): "
            "leave one of the two out"
        )
    if options.loss == "cross_entropy" and options.negatives is not None:
        raise SeqrecError(
            f"training.negatives={options.negatives} means nothing to training.loss=cross_entropy, "
            f"which compares with all items; leave it out, or choose one of {', '.join(NEGATIVES)}"
        )


def _in_words(losses: tuple[str, ...]) -> str:
    one = "{} with one negative".format
    return " or ".join(one(loss) if loss in NEGATIVES else loss for loss in losses)


def item_loss(
    options: TrainingOptions,
    model: SequentialModel,
    sequences: Sequences,
    device: torch.device,
    *,
    sparse: bool = False,
) -> ItemLoss:
    """Return the loss over items that the section ``training`` asks for.

    Args:
        options: the loss and its negatives.
        model: what padding is to a softmax.
        sequences: which items there are, and how often.
        device: where the batches are.
        sparse: whether sampled softmax gives the item vectors sparse gradients.
    """
    if options.loss == "cross_entropy":
        return CrossEntropy(model.padding)
    count = options.negatives or NEGATIVES[options.loss]
    if options.loss == "sampled_softmax":
        return SampledSoftmax(sequences.item_counts(), count, device, sparse=sparse)
    sampler = UniformNegatives(sequences.num_items, count)
    if options.loss == "bpr":
        return BayesianPersonalisedRanking(sampler)
    if options.loss == "bce":
        return BinaryCrossEntropy(sampler)
    beta = gbce_beta(sequences.num_items, count, options.calibration)
    return BinaryCrossEntropy(sampler, beta=beta, per_term=True)
