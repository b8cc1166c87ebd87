"""Evaluation: every target ranked among all items, and what the lists look like as a whole.

Shapes: B targets in a batch, V = items + 1, T targets of a split.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from seqrec.batches import SPLITS, Examples, Sequences, Split
from seqrec.evaluation.metrics import Floats, ranking_metrics
from seqrec.evaluation.ranker import Ranker, ScoredBatch, checked_ranks, split_targets
from seqrec.evaluation.ranking import candidate_counts, target_ranks
from seqrec.evaluation.sampled_ranking import SampledRanks
from seqrec.machine.devices import resolve_device
from seqrec.machine.heap import keep_freed_memory
from seqrec.machine.processes import ALONE, Processes
from seqrec.models.parts.face import ScoringModel

if TYPE_CHECKING:
    from seqrec.models.folder import TrainedModel
    from seqrec.parameters.sections import EvaluationOptions

EVALUATED: tuple[Split, ...] = ("valid", "test")


@dataclass(frozen=True)
class EvaluationResult:
    """Ranks a target, and the metrics over them."""

    ranks: pa.Table
    """split, user_index, item_index (the target), rank, candidates."""
    metrics: dict[str, Any]


def evaluate(
    trained: TrainedModel,
    sequences: pa.Table,
    *,
    options: EvaluationOptions,
    device: str = "auto",
    processes: Processes = ALONE,
) -> EvaluationResult:
    """Rank the validation and test targets among all items.

    Args:
        trained: the model and the facts of its training.
        sequences: the table it was trained on.
        options: the section ``evaluation``.
        device: as in ``training.device``.
        processes: this one and the others among which the targets are shared out.

    Returns:
        The ranks and, by split, metrics with standard errors.

    Raises:
        SeqrecError: the model was trained on other data, or is a refit; or there is nothing to
            evaluate.
    """
    data = Sequences.from_table(sequences, trained.num_items)
    trained.check_measurable()
    trained.check_data(data)
    facts = {
        "dataset": trained.dataset,
        "model": trained.model_name,
        "protocol": trained.protocol,
        "seed": trained.seed,
        "best_epoch": trained.best_epoch,
    }
    measured = rank_splits(
        trained.model, data, options=options, device=device, seed=trained.seed, processes=processes
    )
    return EvaluationResult(measured.ranks, facts | measured.metrics)


def rank_splits(
    model: ScoringModel,
    data: Sequences,
    *,
    options: EvaluationOptions,
    protocol: str | None = None,
    device: str = "auto",
    seed: int = 0,
    processes: Processes = ALONE,
) -> EvaluationResult:
    """Rank the validation and test targets of any model, wherever it comes from.

    Args:
        model: computes its states as it was trained, under its own protocol.
        data: sequences of the items it knows.
        options: the section ``evaluation``.
        protocol: whose rules of the ranking; the model's own unless another is named.
        device: as in ``training.device``.
        seed: draws the sampled negatives, where they are asked for.
        processes: this one and the others among which the targets are shared out.

    Returns:
        The ranks and, as metrics, ``seen_items`` and ``splits``.

    Raises:
        SeqrecError: there is nothing to evaluate.
    """
    where = resolve_device(device)
    if where.type == "cpu":
        keep_freed_memory()
    model = model.to(where)
    protocol = protocol or model.config.protocol
    results = {
        split: _evaluate_split(model, data, split, options, protocol, where, seed, processes)
        for split in EVALUATED
    }
    return EvaluationResult(
        ranks=pa.concat_tables(ranks for ranks, _ in results.values()),
        metrics={
            "seen_items": _seen_items(model, options, protocol),
            "splits": {split: metrics for split, (_, metrics) in results.items()},
        },
    )


def _evaluate_split(
    model: ScoringModel,
    data: Sequences,
    split: Split,
    options: EvaluationOptions,
    protocol: str,
    device: torch.device,
    seed: int,
    processes: Processes,
) -> tuple[pa.Table, dict[str, Any]]:
    examples = split_targets(data, split, model.history_len, protocol)
    ranker = Ranker(data, examples, model, device, options, protocol, processes)
    results = _SplitResults(data, options, device)
    negatives = options.sampled_negatives
    sampled = SampledRanks(data, examples, ranker, negatives, seed, device) if negatives else None
    for part in ranker.scored(model):
        results.add(part)
        if sampled:
            sampled.add(part)
    results.join(processes)
    ranks = checked_ranks(ranker.in_order(results.ranks))
    metrics: dict[str, Any] = {"metrics": ranking_metrics(ranks, options.cutoffs, examples.users)}
    metrics |= _counts(data, examples, split)
    metrics |= {"repeat_targets": int(results.repeats)} | results.lists.summary()
    if sampled:
        metrics["sampled"] = sampled.summary(split, options.cutoffs)
    candidates = ranker.in_order(results.candidates, torch.long)
    return _rank_table(data, examples, split, ranks, candidates), metrics


class _SplitResults:
    """What the batches of a split come to, in the order in which they were ranked."""

    def __init__(self, data: Sequences, options: EvaluationOptions, device: torch.device) -> None:
        self.lists = _Lists(data, options.cutoffs, device)
        self.ranks: list[tuple[slice, Tensor]] = []
        self.candidates: list[tuple[slice, Tensor]] = []
        self.repeats = torch.zeros((), dtype=torch.long, device=device)
        """How many targets stand in their own history."""

    def add(self, part: ScoredBatch) -> None:
        """Rank the targets of a batch."""
        self.ranks.append((part.rows, target_ranks(part.scores, part.targets)))
        self.candidates.append((part.rows, candidate_counts(part.scores)))
        self.lists.add(part.scores)
        self.repeats += repeat_targets(part)

    def join(self, processes: Processes) -> None:
        """Take in what the other processes counted."""
        for counted in (self.repeats, *self.lists.shown.values()):
            processes.sum(counted)


def _seen_items(model: ScoringModel, options: EvaluationOptions, protocol: str) -> str:
    """Say what becomes of items of the user's history."""
    if protocol == "standard":
        return options.seen_items
    rules = model.authors_ranking
    how = "score 0" if rules.seen_score == 0 else "exclude"
    return f"{how}, last {model.config.max_len}" if rules.seen_in_window else how


def _counts(data: Sequences, examples: Examples, split: Split) -> dict[str, int]:
    """Count targets, those never seen in training, and those left out."""
    targets = data.items[examples.ends]
    everything = int((data.split == SPLITS.index(split)).sum())
    return {
        "targets": len(examples),
        "users": len(np.unique(examples.users)),
        "cold_targets": int((data.item_counts()[targets] == 0).sum()),
        "targets_without_history": everything - len(examples),
    }


class _Lists:
    """The top-k lists of all users taken together: what is shown at all, and how popular it is."""

    def __init__(self, data: Sequences, cutoffs: tuple[int, ...], device: torch.device) -> None:
        self.cutoffs = [cutoff for cutoff in cutoffs if cutoff <= data.num_items]
        self.num_items = data.num_items
        self.counts = torch.from_numpy(data.item_counts())
        self.shown = {
            cutoff: torch.zeros(self.num_items + 1, dtype=torch.long, device=device)
            for cutoff in self.cutoffs
        }

    def add(self, scores: Tensor) -> None:
        """Count the items at the head of (B, V) scores."""
        if not self.cutoffs:
            return
        best, items = scores.topk(max(self.cutoffs), dim=1)
        for cutoff in self.cutoffs:
            # a user who has seen nearly everything has a list shorter than k
            kept = ~torch.isneginf(best[:, :cutoff])
            self.shown[cutoff].scatter_add_(0, items[:, :cutoff].flatten(), kept.flatten().long())

    def summary(self) -> dict[str, float]:
        """Return coverage@k (share of items shown to anyone) and mean popularity@k (training
        interactions of a shown item)."""
        result: dict[str, float] = {}
        for cutoff, shown in self.shown.items():
            result[f"coverage@{cutoff}"] = int((shown[1:] > 0).sum()) / self.num_items
            total = int((shown.cpu() * self.counts).sum())
            result[f"mean_popularity@{cutoff}"] = total / max(1, int(shown.sum()))
        return result


def repeat_targets(part: ScoredBatch) -> Tensor:
    """Count the targets that stand in their own history already; a scalar, left on the device."""
    rows, items = part.seen
    same = (items == part.targets[rows]).long()
    return (torch.zeros_like(part.targets).index_add_(0, rows, same) > 0).sum()


def _rank_table(
    data: Sequences, examples: Examples, split: Split, ranks: Floats, candidates: Tensor
) -> pa.Table:
    return pa.table(
        {
            "split": pa.array([split] * len(examples)),
            "user_index": pa.array(examples.users.astype(np.int32)),
            "item_index": pa.array(data.items[examples.ends]),
            "rank": pa.array(ranks),
            "candidates": pa.array(candidates.cpu().numpy().astype(np.int32)),
        }
    )
