"""Whether positions become alike with depth: singular values and cosine similarity of the states.

BSARec (arXiv 2312.10325) shows both for the output of a model. If all positions end up alike, the
states of a history are a matrix of rank one: all singular values but the first are 0, and any two
positions have a cosine similarity of 1. Depth 0 is what the first block takes, the embeddings.

Shapes: B histories, W positions, d channels.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from seqrec.reporting.pictures.depth import Stack

Floats = npt.NDArray[np.float64]


def singular_values(states: Tensor) -> Floats:
    """Return the singular values of each history's states, the largest scaled to 1.

    Args:
        states: (B, W, d).

    Returns:
        (B, min(W, d)), falling.
    """
    values = torch.linalg.svdvals(states.double())
    scaled: Floats = (values / values[:, :1]).cpu().numpy()
    return scaled


def position_similarity(states: Tensor) -> Floats:
    """Return the mean cosine similarity of any two different positions of each history: (B,).

    Args:
        states: (B, W, d), W at least 2.
    """
    unit = F.normalize(states.double(), dim=-1)
    width = states.shape[1]
    # the square of a sum of unit vectors: W ones, and each pair twice
    pairs = unit.sum(dim=1).square().sum(dim=-1) - unit.square().sum(dim=(1, 2))
    similarity: Floats = (pairs / (width * (width - 1))).cpu().numpy()
    return similarity


def singular_values_by_depth(stack: Stack) -> pd.DataFrame:
    """Return the scaled singular values of the states at each depth, a mean over histories.

    Args:
        stack: of ``seqrec.reporting.pictures.depth.stacks``.

    Returns:
        branch, depth (0 the embeddings), index (from 1), singular_value; sorted.
    """
    tables = []
    for depth, states in enumerate(stack.states):
        values = singular_values(states).mean(axis=0)
        index = np.arange(1, len(values) + 1)
        tables.append(pd.DataFrame({"depth": depth, "index": index, "singular_value": values}))
    return _of_branch(stack, tables)


def similarity_by_depth(stack: Stack) -> pd.DataFrame:
    """Return the mean cosine similarity of positions at each depth, over histories.

    Args:
        stack: of ``seqrec.reporting.pictures.depth.stacks``.

    Returns:
        branch, depth (0 the embeddings), similarity, deviation (between histories); sorted.
    """
    tables = []
    for depth, states in enumerate(stack.states):
        values = position_similarity(states)
        row = {"depth": depth, "similarity": values.mean(), "deviation": values.std(ddof=1)}
        tables.append(pd.DataFrame([row]))
    return _of_branch(stack, tables)


def _of_branch(stack: Stack, tables: list[pd.DataFrame]) -> pd.DataFrame:
    table = pd.concat(tables, ignore_index=True)
    table.insert(0, "branch", stack.branch)
    return table
