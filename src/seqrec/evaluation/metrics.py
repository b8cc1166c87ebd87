"""Ranks to metrics with standard errors.

With one target a user, HR@k is the share of targets ranked among the first k, NDCG@k the mean
of 1 / log2(rank + 1) over them (zero further down), MRR@k the mean of 1 / rank.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from seqrec.errors import SeqrecError, unknown_name

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.integer[Any]]

METRICS: dict[str, Callable[[Floats], Floats]] = {
    "HR": np.ones_like,
    "NDCG": lambda ranks: 1.0 / np.log2(ranks + 1.0),
    "MRR": lambda ranks: 1.0 / ranks,
}
"""Name → what a target contributes whose rank is within the cutoff."""


def gains(name: str, ranks: Floats, cutoff: int) -> Floats:
    """Return what each target contributes to a metric.

    Args:
        name: one of ``METRICS``.
        ranks: (targets,) from 1, fractional on ties, infinite where nothing can be found.
        cutoff: k.

    Returns:
        (targets,) in [0, 1].

    Raises:
        SeqrecError: no metric has this name.
    """
    if name not in METRICS:
        raise unknown_name("metric", name, METRICS)
    return np.where(ranks <= cutoff, METRICS[name](ranks), 0.0)


def mean_and_error(values: Floats, users: Integers | None = None) -> dict[str, float | None]:
    """Return the mean over targets and its standard error over users.

    A user's targets are not independent: the error is that of a ratio of two sums over users
    (linearised; Cochran, Sampling Techniques, chapter 6). With one target a user it is the sample
    deviation / sqrt(n).

    Args:
        values: (T,).
        users: (T,) whose each value is; None: each is another's.

    Returns:
        ``value`` and ``standard_error``, which is None for a single user.
    """
    owners = np.arange(len(values)) if users is None else np.unique(users, return_inverse=True)[1]
    mean = float(values.mean())
    residuals = np.bincount(owners, weights=values - mean)
    n = len(residuals)
    error = float(np.sqrt(n / (n - 1) * (residuals**2).sum()) / len(values)) if n > 1 else None
    return {"value": mean, "standard_error": error}


def ranking_metrics(
    ranks: Floats, cutoffs: Sequence[int], users: Integers | None = None
) -> dict[str, dict[str, float | None]]:
    """Return every metric at every cutoff: ``{"HR@10": {"value": …, "standard_error": …}}``.

    Args:
        ranks: (targets,).
        cutoffs: each k.
        users: (targets,) whose each target is; None: each is another's.
    """
    return {
        f"{name}@{cutoff}": mean_and_error(gains(name, ranks, cutoff), users)
        for name in METRICS
        for cutoff in cutoffs
    }


def metric_of(label: str, ranks: Floats) -> float:
    """Return one metric by its label, ``NDCG@20`` for instance."""
    name, cutoff = parse_label(label)
    return float(gains(name, ranks, cutoff).mean())


def parse_label(label: str) -> tuple[str, int]:
    """Split ``NDCG@20`` into its name and cutoff.

    Raises:
        SeqrecError: it is not of this form, or no metric has this name.
    """
    parts = re.fullmatch(r"([A-Za-z]+)@([1-9]\d*)", label)
    if not parts:
        raise SeqrecError(f"metric '{label}' is not of the form NAME@k; write NDCG@20, say")
    if parts[1] not in METRICS:
        raise unknown_name("metric", parts[1], METRICS)
    return parts[1], int(parts[2])
