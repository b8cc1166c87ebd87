"""Whether two models differ: over users by a paired bootstrap, over seeds by permutation.

Both tests ask the same of every model against one reference. Users: would another sample of
users show the difference too (Efron and Tibshirani, An Introduction to the Bootstrap, chapter
13)? Seeds: would training again? The second is an exact permutation test of per-seed means
(Fisher), for it needs no distribution. p values are corrected by Holm's step-down (1979) over
the models of one data set, protocol and metric.

Shapes: U users, C comparisons (model × metric), R resamples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from seqrec.cell import Cell
from seqrec.errors import SeqrecError
from seqrec.evaluation.metrics import Floats, Integers
from seqrec.reporting.cells import Group, RankedTargets, Ranks, grouped, ranked_targets

METRICS = ("HR@10", "NDCG@10")
CHOSEN_BY = "NDCG@10"
"""Whose validation value chooses the reference where none is named."""
COLUMNS = (
    "dataset",
    "protocol",
    "metric",
    "model",
    "reference",
    "users",
    "difference",
    "low",
    "high",
    "p",
    "seeds",
    "reference_seeds",
    "p_seeds",
)
CORRECTED = {"p": "p_holm", "p_seeds": "p_seeds_holm"}
WEIGHTS = 1_000_000
"""Weights held at once: 8 MB."""
ROUNDING = 1e-12
"""What summation alone may leave of a difference of nothing."""
MOST_SPLITS = 200_000
"""Ways to deal out the seeds that are all tried: up to 10 seeds against 10."""


def significance(
    ranks: Ranks,
    *,
    metrics: Sequence[str] = METRICS,
    reference: str | Mapping[Group, str] | None = None,
    resamples: int = 10_000,
    seed: int = 42,
) -> pd.DataFrame:
    """Compare every model with a reference on the same data set under the same protocol.

    Args:
        ranks: by cell.
        metrics: labels, on the test split.
        reference: a model, or one for each group; None takes each group's best NDCG@10 in
            validation.
        resamples: of the users; also of the seeds where they are too many to try all ways.
        seed: of both.

    Returns:
        A row a data set, protocol, metric and model: reference, users, difference (model minus
        reference, mean over targets), low and high (95 % interval), p, seeds, reference_seeds,
        p_seeds (null with one seed on either side), and both p as corrected by Holm (p_holm,
        p_seeds_holm).

    Raises:
        SeqrecError: the reference has no ranks in a group, or cells ranked different targets.
    """
    rows = [
        row
        for group, cells in grouped(ranks).items()
        for row in _compare_group(
            group, {cell: ranks[cell] for cell in cells}, metrics, reference, resamples, seed
        )
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table[["difference", "low", "high", "p", "p_seeds"]] = table[
        ["difference", "low", "high", "p", "p_seeds"]
    ].astype(float)
    families = table.groupby(["dataset", "protocol", "metric"], sort=False)
    for plain, corrected in CORRECTED.items():
        table[corrected] = families[plain].transform(lambda p: holm(p.to_numpy()))
    return table


def best_in_validation(ranks: Ranks) -> str:
    """Return the model with the highest NDCG@10 on the validation split; ties by name."""
    values = {
        cell.model: float(ranked_targets(cell, table, "valid").gains(CHOSEN_BY).mean())
        for cell, table in ranks.items()
    }
    return min(values, key=lambda model: (-values[model], model))


def bootstrap_means(sums: Floats, counts: Integers, resamples: int, seed: int) -> Floats:
    """Return means over targets of users drawn with replacement, all targets of a user together.

    The draws depend on the seed and the number of users alone: another comparison beside them
    changes nothing.

    Args:
        sums: (U, C) each user's values, summed over the user's targets.
        counts: (U,) targets of each.
        resamples: R.
        seed: of the draws.

    Returns:
        (R, C).
    """
    generator = np.random.default_rng(seed)
    users = len(counts)
    columns = np.column_stack([sums, counts])
    totals = np.empty((resamples, columns.shape[1]))
    step = max(1, WEIGHTS // users)
    for first in range(0, resamples, step):
        rows = min(step, resamples - first)
        weights = np.empty((rows, users))
        for row in weights:
            row[:] = np.bincount(generator.integers(users, size=users), minlength=users)
        totals[first : first + rows] = weights @ columns
    return totals[:, :-1] / totals[:, -1:]


def two_sided_p(means: Floats) -> Floats:
    """Return (C,) how rarely resampled differences (R, C) reach the other side of zero.

    Twice the smaller share, the sample itself counted as one more resample, so never 0.
    """
    below = (means <= ROUNDING).sum(axis=0)
    above = (means >= -ROUNDING).sum(axis=0)
    doubled: Floats = 2 * (np.minimum(below, above) + 1) / (len(means) + 1)
    return np.minimum(1.0, doubled)


def permutation_p(first: Floats, second: Floats, resamples: int, seed: int) -> float:
    """Return the two-sided p of a difference between the means of two lists of seeds.

    The share of all ways to deal out the values that give a difference at least as large: exact,
    and never below 2 / (number of ways) for lists of one length. Beyond ``MOST_SPLITS`` ways
    they are drawn, the one that happened among them.

    Args:
        first: per-seed means of one model.
        second: of the other.
        resamples: how many ways are drawn where they are too many.
        seed: of these draws.
    """
    values = np.concatenate([first, second])
    ways = comb(len(values), len(first))
    if ways <= MOST_SPLITS:
        chosen = np.array(list(combinations(range(len(values)), len(first))))
    else:
        drawn = np.random.default_rng(seed).random((resamples, len(values)))
        happened = np.arange(len(values))[None]
        chosen = np.concatenate([happened, drawn.argsort(axis=1)])[:, : len(first)]
    sums = values[chosen].sum(axis=1)
    differences = sums / len(first) - (values.sum() - sums) / len(second)
    observed = abs(first.mean() - second.mean())
    return float((np.abs(differences) >= observed - ROUNDING).mean())


def holm(p: Floats) -> Floats:
    """Return p values corrected for their number by Holm's step-down; nan stays and counts not."""
    corrected = np.full(len(p), np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    raised = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(raised)) if len(order) else raised
    return corrected


def _compare_group(
    group: Group,
    ranks: Ranks,
    metrics: Sequence[str],
    reference: str | Mapping[Group, str] | None,
    resamples: int,
    seed: int,
) -> list[tuple[Any, ...]]:
    """Return the rows of one data set under one protocol."""
    if len(ranks) < 2:
        return []
    other = _reference_cell(group, ranks, reference)
    targets = {cell: ranked_targets(cell, table) for cell, table in ranks.items()}
    _check_same_targets(targets, other)
    base = targets.pop(other)
    pairs = [(label, cell) for label in metrics for cell in targets]
    differences = np.column_stack(
        [_mean_gains(targets[cell], label) - _mean_gains(base, label) for label, cell in pairs]
    )
    sums, counts = _by_user(differences, base.users)
    means = bootstrap_means(sums, counts, resamples, seed)
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    columns = (differences.mean(axis=0), low, high, two_sided_p(means))
    return [
        (
            *(*group, label, cell.model, other.model, len(counts), *values),
            *(len(targets[cell].seeds), len(base.seeds)),
            _seed_p(targets[cell], base, label, resamples, seed),
        )
        for (label, cell), *values in zip(pairs, *columns, strict=True)
    ]


def _reference_cell(
    group: Group, ranks: Ranks, reference: str | Mapping[Group, str] | None
) -> Cell:
    named = reference[group] if isinstance(reference, Mapping) else reference
    model = named or best_in_validation(ranks)
    cell = Cell(group.dataset, model, group.protocol)
    if cell not in ranks:
        raise SeqrecError(
            f"the reference model '{model}' has no results on {group.dataset} under protocol "
            f"{group.protocol}; run it, or name none: the best in validation is taken then"
        )
    return cell


def _check_same_targets(targets: Mapping[Cell, RankedTargets], reference: Cell) -> None:
    for cell, others in targets.items():
        if not others.same_targets(targets[reference]):
            raise SeqrecError(
                f"{cell.id} and {reference.id} ranked different targets (another split or other "
                "data); run both again on the same sequences"
            )


def _mean_gains(targets: RankedTargets, label: str) -> Floats:
    """Return (T,) gains, the mean over seeds."""
    mean: Floats = targets.gains(label).mean(axis=0)
    return mean


def _by_user(values: Floats, users: Integers) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return (U, C) sums of (T, C) values over each user's targets, and (U,) targets."""
    _, starts, counts = np.unique(users, return_index=True, return_counts=True)
    return np.add.reduceat(values, starts, axis=0), counts


def _seed_p(
    targets: RankedTargets, base: RankedTargets, label: str, resamples: int, seed: int
) -> float | None:
    """Return the p over seeds, None where one of the two has a single seed."""
    if min(len(targets.seeds), len(base.seeds)) < 2:
        return None
    first, second = targets.gains(label).mean(axis=1), base.gains(label).mean(axis=1)
    return permutation_p(first, second, resamples, seed)
