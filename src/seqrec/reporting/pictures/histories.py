"""Which histories the pictures are made of: the longest ones, all of one width, no padding.

A spectrum or a singular value of a padded row would be one of the padding.
"""

import numpy as np
import torch
from torch import Tensor

from seqrec.batches import Sequences
from seqrec.batches.sequences import SPLITS
from seqrec.errors import SeqrecError

LEAST = 2
"""Items; one position has no frequency but the constant, and no pair."""


def longest_histories(
    sequences: Sequences, max_len: int, *, users: int = 256, full: bool = False
) -> Tensor:
    """Return the last items before the test part of the users with the longest histories.

    Args:
        sequences: the data; a history is what comes before a user's first test interaction.
        max_len: the most items that a model takes.
        users: how many users at most; of equally long histories, those of the smaller indices.
        full: whether only histories of max_len items or more will do, as for a model that does
            not hide padding.

    Returns:
        (B, W) item indices, oldest first; B is ``users`` or all there are, W is ``max_len`` or the
        length of the shortest of them.

    Raises:
        SeqrecError: no history is long enough.
    """
    is_test = sequences.split == SPLITS.index("test")
    tests_before = np.concatenate([[0], np.cumsum(is_test)])
    ends = sequences.offsets[1:] - np.diff(tests_before[sequences.offsets])
    lengths = ends - sequences.offsets[:-1]
    least = max_len if full else LEAST
    chosen = np.argsort(-lengths, kind="stable")[:users]
    chosen = np.sort(chosen[lengths[chosen] >= least])
    if len(chosen) == 0:
        raise SeqrecError(
            f"no history of {least} items among the {len(lengths)} users, the longest has "
            f"{lengths.max()}; " + _remedy(full)
        )
    width = min(max_len, int(lengths[chosen].min()))
    columns = ends[chosen][:, None] + np.arange(-width, 0)
    return torch.from_numpy(sequences.items[columns].astype(np.int64))


def _remedy(full: bool) -> str:
    if full:
        return "train with a smaller max_len, or look at models of protocol standard"
    return "take a data set with longer sequences"
