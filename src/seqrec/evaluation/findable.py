"""Which targets can be found at all: what stands in a history is no candidate, as a rule."""

from __future__ import annotations

import logging
import math

import numpy as np
import numpy.typing as npt

from seqrec.batches import Examples, Sequences
from seqrec.errors import SeqrecError
from seqrec.evaluation.ranker import Ranker

log = logging.getLogger(__name__)

MANY = 0.25
"""The share of repeated targets from which it is told: figures are low then, whatever the model."""
REMEDIES = (
    "evaluation.seen_items=keep lets seen items compete, filtering.consecutive_repeats=drop and "
    "filtering.repeats=first drop repeats"
)


def check_findable(sequences: Sequences, ranker: Ranker) -> None:
    """Say it where many validation targets are in their user's own history, which is excluded.

    Args:
        sequences: the data.
        ranker: of the validation targets.

    Raises:
        SeqrecError: all of them are.
    """
    targets = ranker.examples
    if ranker.rules.seen_score != -math.inf:
        return
    count = int(are_repeats(sequences, targets).sum())
    if count == len(targets):
        raise SeqrecError(
            f"all {count:,} validation targets stand in their user's own history, so that nothing "
            f"can be found: {REMEDIES}"
        )
    if count > MANY * len(targets):
        log.warning(
            "%s of %s validation targets stand in their user's own history and cannot be found: %s",
            *(f"{count:,}", f"{len(targets):,}", REMEDIES),
        )


def are_repeats(sequences: Sequences, targets: Examples) -> npt.NDArray[np.bool_]:
    """Return (E,) which targets their user has had at any time before."""
    owners = np.repeat(np.arange(1, len(sequences.offsets)), np.diff(sequences.offsets))
    pairs = owners * np.int64(sequences.num_items + 1) + sequences.items
    asked, which = np.unique(pairs[targets.ends], return_inverse=True)
    places = np.minimum(np.searchsorted(asked, pairs), len(asked) - 1)
    rows = np.flatnonzero(asked[places] == pairs)
    first = np.full(len(asked), len(pairs))
    np.minimum.at(first, places[rows], rows)
    return np.asarray(first[which] < targets.ends)
