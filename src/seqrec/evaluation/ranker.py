"""Scores of all items for many targets, batch by batch, with the rules applied.

Shapes: B targets in a batch, V = items + 1, T targets of a split.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from seqrec.batches import Batches, Examples, Sequences, Split, evaluation_examples
from seqrec.errors import SeqrecError
from seqrec.evaluation.metrics import Floats
from seqrec.evaluation.ranking import SeenItems, apply_rules, target_ranks
from seqrec.models.parts.face import ScoringModel
from seqrec.protocol import ranking_rules

if TYPE_CHECKING:
    from seqrec.parameters.sections import EvaluationOptions, RankingOptions

CACHED = 1_600_000
"""Scores of a batch on the CPU, at most: 6 MB, for they are read several times."""
FEWEST_ROWS = 16


class ScoredBatch(NamedTuple):
    """Scores with the rules applied, and what they were computed for."""

    scores: Tensor
    """(B, V)."""
    targets: Tensor
    """(B,)."""
    seen: tuple[Tensor, Tensor]
    """Rows within the batch and items of the histories."""


class Ranker:
    """Scores all items for a set of targets, batch by batch, on the device.

    Histories of like length come together, so that a batch is no wider than it must be; results
    come back in the order of the examples by ``in_order``.

    Args:
        sequences: the data.
        examples: the targets.
        model: whose rules and histories.
        device: where to compute.
        options: batch size, and whether seen items compete.
        protocol: whose rules of the ranking; the model's own unless another is named.
    """

    def __init__(
        self,
        sequences: Sequences,
        examples: Examples,
        model: ScoringModel,
        device: torch.device,
        options: RankingOptions | None = None,
        protocol: str | None = None,
    ) -> None:
        options, config = options or default_evaluation(), model.config
        rules = protocol or config.protocol
        self.rules = ranking_rules(rules, options.seen_items, model.authors_ranking)
        lengths = examples.ends - examples.starts
        order = (
            np.argsort(lengths, kind="stable") if model.hides_padding else np.arange(len(examples))
        )
        examples = examples.take(order)
        self.lengths = lengths[order] if model.hides_padding else None
        self.inverse = torch.from_numpy(np.argsort(order)).to(device)
        self.batches = Batches(sequences, examples, config.max_len, device)
        window = config.max_len if self.rules.seen_in_window else None
        self.seen = SeenItems(sequences, examples, device, window)
        self.batch_size = options.batch_size
        if device.type == "cpu":
            self.batch_size = min(self.batch_size, max(FEWEST_ROWS, CACHED // sequences.num_items))

    @torch.inference_mode()
    def scored(self, model: ScoringModel) -> Iterator[ScoredBatch]:
        """Yield the targets batch by batch."""
        model.eval()
        score = model.scorer()
        for first in range(0, len(self.batches), self.batch_size):
            rows = slice(first, first + self.batch_size)
            batch = self.batches.gather(rows, self._width(rows))
            scores = score(batch.histories, batch.users).float()
            seen = self.seen.pairs(rows)
            yield ScoredBatch(apply_rules(scores, seen, self.rules), batch.targets, seen)

    def ranks(self, model: ScoringModel) -> Floats:
        """Return (T,) ranks of the targets, 1 the best, in the order of the examples."""
        ranks = torch.empty(len(self.batches), device=self.inverse.device)
        done = 0
        for part in self.scored(model):
            stop = done + len(part.targets)
            ranks[done:stop] = target_ranks(part.scores, part.targets)
            done = stop
        return checked_ranks(ranks[self.inverse])

    def in_order(self, parts: list[Tensor]) -> Tensor:
        """Join results of the batches, in the order of the examples."""
        return torch.cat(parts)[self.inverse]

    def _width(self, rows: slice) -> int | None:
        """Return the longest history of some targets, or None where padding must stay.

        An empty one is nothing but padding, and under ``authors`` padding has a state.
        """
        if self.lengths is None or not self.lengths[rows].all():
            return None
        return int(self.lengths[rows].max())


def split_targets(sequences: Sequences, split: Split, max_len: int, protocol: str) -> Examples:
    """Return the targets of a split, with the histories that a model sees.

    Args:
        sequences: the data.
        split: ``valid`` or ``test``.
        max_len: how much of a history the model sees.
        protocol: ``standard`` or ``authors``.

    Raises:
        SeqrecError: there are none.
    """
    targets = evaluation_examples(sequences, split, max_len, protocol)
    if not len(targets):
        raise SeqrecError(
            f"no {split} targets in the sequences; filter less strictly "
            "or choose another splitting.strategy"
        )
    return targets


def default_evaluation() -> EvaluationOptions:
    """Return the section ``evaluation`` as it is where nobody says otherwise."""
    from seqrec.parameters.sections import EvaluationOptions

    return EvaluationOptions()


def checked_ranks(counted: Tensor) -> Floats:
    """Return ranks as an array.

    Raises:
        SeqrecError: a target's score is not a number.
    """
    ranks: Floats = counted.cpu().double().numpy()
    if np.isnan(ranks).any():
        raise SeqrecError(
            "the model gives scores that are not numbers; its training diverged: "
            "lower training.learning_rate"
        )
    return ranks
