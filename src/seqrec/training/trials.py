"""One way of trying out parameters: Optuna proposes, a function measures, the best wins."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, Trial, TrialState

from seqrec.errors import SeqrecError
from seqrec.models.parts.search_range import SearchRange

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


def sampler_of(seed: int) -> BaseSampler:
    """Return what proposes parameters from what earlier ones reached.

    A tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011).
    """
    return TPESampler(seed=seed, multivariate=True)


def run_trials(
    study: optuna.Study,
    space: Mapping[str, SearchRange | tuple[Any, ...]],
    first: Mapping[str, Any],
    trials: int,
    measure: Callable[[Trial], float],
    sampler: Callable[[int], BaseSampler],
) -> Iterator[FrozenTrial]:
    """Propose, measure and write down until so many trials have finished.

    Args:
        study: where they are kept; those that it holds already count.
        space: what each parameter may be.
        first: the values that the first trial takes.
        trials: how many, in all.
        measure: returns what is to be highest; ``optuna.TrialPruned``, or what is no
            number, gives a trial up.
        sampler: what proposes, by the number of trials finished before.

    Yields:
        Each trial when it has finished.

    Raises:
        SeqrecError: from ``measure``; the trial does not count then.
    """
    distributions = {name: distribution(where) for name, where in space.items()}
    while (number := len(finished_trials(study))) < trials:
        study.sampler = sampler(number)
        if number == 0 and not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            study.enqueue_trial(dict(first))
        trial = study.ask(distributions)
        try:
            value = measure(trial)
            if math.isnan(value):  # Optuna would not count the trial
                raise optuna.TrialPruned
            study.tell(trial, value)
        except optuna.TrialPruned:
            study.tell(trial, state=TrialState.PRUNED)
        except SeqrecError:
            study.tell(trial, state=TrialState.FAIL)
            raise
        yield finished_trials(study)[-1]


def finished_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that count, in their order; one that was cut off is tried again."""
    return study.get_trials(deepcopy=False, states=FINISHED)


def distribution(where: SearchRange | tuple[Any, ...]) -> BaseDistribution:
    """Return a range or values as Optuna writes them."""
    if not isinstance(where, SearchRange):
        return CategoricalDistribution(where)
    if where.whole:
        return IntDistribution(int(where.low), int(where.high), log=where.log)
    return FloatDistribution(where.low, where.high, log=where.log)


def in_words(parameters: Mapping[str, Any]) -> str:
    """Return ``alpha=0.5, c=3``: names without their section, numbers short."""
    return ", ".join(
        f"{name.rpartition('.')[2]}=" + (f"{value:.3g}" if isinstance(value, float) else f"{value}")
        for name, value in parameters.items()
    )
