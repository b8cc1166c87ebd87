"""Losses over all items."""

import torch.nn.functional as F
from torch import Tensor


def next_item_cross_entropy(
    states: Tensor, item_vectors: Tensor, targets: Tensor, *, padding_is_a_class: bool
) -> Tensor:
    """Return the mean cross entropy of the next item, with all items as classes.

    Args:
        states: (B, d).
        item_vectors: (items + 1, d), row 0 for padding.
        targets: (B,) item indices from 1.
        padding_is_a_class: whether item 0 takes part in the softmax, as in the authors' code.

    Returns:
        A scalar.
    """
    if padding_is_a_class:
        return F.cross_entropy(states @ item_vectors.T, targets)
    return F.cross_entropy(states @ item_vectors[1:].T, targets - 1)
