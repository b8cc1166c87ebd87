"""A log of which the next item is certain, and its transitions."""

import numpy as np
import torch

from seqrec.batches import Sequences
from seqrec.losses.distillation import Distillation, TransitionGraph


def circles(users: int, length: int, num_items: int, step: int = 7) -> Sequences:
    """Everybody walks the same circle of items, each from another start."""
    items = (np.arange(users)[:, None] * step + np.arange(length)) % num_items + 1
    split = np.zeros((users, length), dtype=np.int8)
    split[:, -2:] = [1, 2]
    return Sequences(
        items=items.ravel().astype(np.int32),
        offsets=np.arange(users + 1) * length,
        split=split.ravel(),
        num_items=num_items,
    )


def circle_distillation(num_items: int, weight: float, tau: float = 0.5) -> Distillation:
    """Every item is followed by the next one."""
    sources = np.arange(1, num_items + 1)
    graph = TransitionGraph(
        sources,
        sources % num_items + 1,
        np.full(num_items, 3),
        num_items=num_items,
        tau=tau,
        device=torch.device("cpu"),
    )
    return Distillation(graph, weight, tau)
