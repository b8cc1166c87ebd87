"""Scores of all items for many targets, batch by batch, with the rules applied.

Shapes: B targets in a batch, V = items + 1, T targets of a split.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from seqrec.batches import Examples, Sequences, Split, evaluation_examples
from seqrec.errors import SeqrecError
from seqrec.evaluation.history_batches import HistoryBatch, HistoryBatches, rows_at_once
from seqrec.evaluation.metrics import Floats
from seqrec.evaluation.ranking import apply_rules, target_ranks
from seqrec.machine.processes import ALONE, Processes
from seqrec.models.parts.face import Scorer, ScoringModel
from seqrec.protocol import ranking_rules

if TYPE_CHECKING:
    from seqrec.parameters.sections import EvaluationOptions, RankingOptions


class ScoredBatch(NamedTuple):
    """Scores with the rules applied, and what they were computed for."""

    rows: slice
    """Which of the targets, in the order of the batches."""
    scores: Tensor
    """(B, V)."""
    targets: Tensor
    """(B,)."""
    seen: tuple[Tensor, Tensor]
    """Rows within the batch and items of the histories."""


class Ranker:
    """Scores all items for a set of targets, batch by batch, on the device.

    The batches are those of ``HistoryBatches``; results come back in the order of the examples by
    ``in_order``.

    Args:
        sequences: the data.
        examples: the targets.
        model: whose rules and histories.
        device: where to compute.
        options: batch size, and whether seen items compete.
        protocol: whose rules of the ranking; the model's own unless another is named.
        processes: of several, each ranks every so many batches, and gets the results of all.
    """

    def __init__(
        self,
        sequences: Sequences,
        examples: Examples,
        model: ScoringModel,
        device: torch.device,
        options: RankingOptions | None = None,
        protocol: str | None = None,
        processes: Processes = ALONE,
    ) -> None:
        self.processes, self.device, self.examples = processes, device, examples
        options, config = options or default_evaluation(), model.config
        rules = protocol or config.protocol
        self.rules = ranking_rules(rules, options.seen_items, model.authors_ranking)
        window = config.max_len if self.rules.seen_in_window else None
        rows = rows_at_once(options.batch_size, sequences.num_items, device)
        self.parts = HistoryBatches(sequences, examples, model, device, rows, window, processes)

    @torch.inference_mode()
    def scored(self, model: ScoringModel) -> Iterator[ScoredBatch]:
        """Yield the targets of this process batch by batch."""
        model.eval()
        score = model.scorer()
        for batch in self.parts:
            yield self._scored(score, batch)

    def _scored(self, score: Scorer, batch: HistoryBatch) -> ScoredBatch:
        scores = score(batch.histories, batch.users).float()
        targets = self.parts.batches.targets(batch.rows)
        return ScoredBatch(
            batch.rows, apply_rules(scores, batch.seen, self.rules), targets, batch.seen
        )

    @torch.inference_mode()
    def expected_seconds(self, model: ScoringModel) -> float:
        """Return what ranking all targets is going to take, told by a few batches of them.

        They are ranked twice: what is looked up but once does not count.
        """
        model.eval()
        score, size, parts = model.scorer(), self.parts.batch_size, self.parts
        count = -(-len(parts) // size)
        looked_at = sorted({0, count // 4, count // 2, 3 * count // 4, count - 1})
        for _ in range(2):
            started = time.perf_counter()
            for number in looked_at:
                part = self._scored(score, parts.at(number * size))
                target_ranks(part.scores, part.targets).sum().item()
            seconds = time.perf_counter() - started
        return seconds / len(looked_at) * count / self.processes.size

    def ranks(self, model: ScoringModel) -> Floats:
        """Return (T,) ranks of the targets, 1 the best, in the order of the examples."""
        ranks = [
            (part.rows, target_ranks(part.scores, part.targets)) for part in self.scored(model)
        ]
        return checked_ranks(self.in_order(ranks))

    def in_order(
        self, parts: list[tuple[slice, Tensor]], kind: torch.dtype = torch.float32
    ) -> Tensor:
        """Join numbers of the batches, of all processes, in the order of the examples."""
        joined = torch.zeros(len(self.parts), dtype=kind, device=self.device)
        for rows, numbers in parts:
            joined[rows] = numbers
        return self.processes.sum(joined)[self.parts.inverse]


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
