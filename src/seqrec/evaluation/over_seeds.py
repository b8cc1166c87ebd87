"""What several seeds say together: their mean, how far they lie apart, and each by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from seqrec.evaluation.metrics import Floats, Integers, gains, mean_and_error, parse_label

if TYPE_CHECKING:
    from seqrec.evaluation.evaluate import EvaluationResult

OF_A_SEED = ("seed", "best_epoch")
SCORES = ("HR", "NDCG")
"""The metrics one compares at a glance."""


def over_seeds(results: Mapping[int, EvaluationResult]) -> tuple[pa.Table, dict[str, Any]]:
    """Join the evaluations of one model under several seeds.

    Args:
        results: by seed; the same targets in the same order.

    Returns:
        ranks with a column ``seed``, and metrics. There, ``value`` is the mean over the seeds,
        ``standard_error`` that of the mean, over users, ``deviation`` the sample deviation
        over the seeds (null for one seed); other numbers are means over the seeds; ``by_seed``
        has what each of them reached.
    """
    first = next(iter(results.values())).metrics
    facts = {key: first[key] for key in first if key not in (*OF_A_SEED, "splits")}
    by_seed = {
        str(seed): {
            "best_epoch": result.metrics["best_epoch"],
            "splits": {
                split: {"metrics": measured["metrics"]}
                for split, measured in result.metrics["splits"].items()
            },
        }
        for seed, result in results.items()
    }
    splits = {split: _split_over_seeds(results, split) for split in first["splits"]}
    ranks = pa.concat_tables(
        result.ranks.add_column(0, "seed", pa.array(np.full(len(result.ranks), seed, np.int64)))
        for seed, result in results.items()
    )
    return ranks, {**facts, "seeds": list(results), "splits": splits, "by_seed": by_seed}


def scores_of(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metrics of the test split one compares at a glance, for `dvc metrics`.

    Args:
        metrics: the content of metrics.json.

    Returns:
        ``test``: label → mean over the seeds; with several seeds ``deviation`` likewise.
    """
    measured = {
        label: value
        for label, value in metrics["splits"]["test"]["metrics"].items()
        if parse_label(label)[0] in SCORES
    }
    scores = {"test": {label: value["value"] for label, value in measured.items()}}
    if len(metrics["seeds"]) > 1:
        scores["deviation"] = {label: value["deviation"] for label, value in measured.items()}
    return scores


def over_ranks(label: str, ranks: Floats, users: Integers) -> dict[str, Any]:
    """Return a metric as it stands in metrics.json: value, standard_error and deviation.

    Args:
        label: ``NDCG@10`` for instance.
        ranks: (seeds, targets).
        users: (targets,) whose they are.
    """
    gained = gains(parse_label(label)[0], ranks, parse_label(label)[1])
    deviation = float(gained.mean(axis=1).std(ddof=1)) if len(ranks) > 1 else None
    return mean_and_error(gained.mean(axis=0), users) | {"deviation": deviation}


def _split_over_seeds(results: Mapping[int, EvaluationResult], split: str) -> dict[str, Any]:
    """Return the metrics of one split, and the means of all other numbers in it."""
    parts = [result.metrics["splits"][split] for result in results.values()]
    ranks = np.stack([_of_split(result.ranks, split, "rank") for result in results.values()])
    users = _of_split(next(iter(results.values())).ranks, split, "user_index")
    joined = {key: _mean([part[key] for part in parts]) for key in parts[0] if key != "metrics"}
    return {
        "metrics": {label: over_ranks(label, ranks, users) for label in parts[0]["metrics"]}
    } | joined


def _of_split(table: pa.Table, split: str, column: str) -> Any:
    return table[column].to_numpy()[table["split"].to_numpy() == split]


def _mean(values: list[Any]) -> Any:
    """Return the mean of numbers, key by key; what is the same everywhere stays as it is."""
    if all(value == values[0] for value in values):
        return values[0]
    if isinstance(values[0], dict):
        return {key: _mean([value[key] for value in values]) for key in values[0]}
    return float(np.mean(values))
