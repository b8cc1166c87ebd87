"""Models without training: counted, and their parameters chosen on validation.

The first set of parameters is the model's defaults; Optuna proposes the others from what the
earlier ones reached. A parameter that the user gives is not tuned. Test targets are never looked
at.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from seqrec.batches import Examples, Sequences, evaluation_examples
from seqrec.errors import SeqrecError
from seqrec.evaluation.findable import check_findable
from seqrec.evaluation.metrics import Floats, metric_of, parse_label
from seqrec.evaluation.ranker import Ranker
from seqrec.machine.devices import resolve_device
from seqrec.machine.heap import keep_freed_memory
from seqrec.models import GIVEN, counting_class
from seqrec.models.parts.counting import CountingModel, Counts
from seqrec.training.fitted import Fitted
from seqrec.training.settings import Settings

if TYPE_CHECKING:
    from optuna.trial import Trial

log = logging.getLogger(__name__)

MOST_TARGETS = 10_000
"""Validation targets that a trial ranks; where there are more, the same ones for all trials."""


class Attempts:
    """Sets of parameters on the same counts and the same targets; ``tune`` explains the rest."""

    def __init__(self, sequences: Sequences, settings: Settings, seed: int) -> None:
        options = settings.model_options
        self.model_class = counting_class(settings.model)
        self.device = resolve_device(settings.training.device)
        if self.device.type == "cpu":
            keep_freed_memory()
        self.config = settings.config(sequences.num_items)
        space = self.model_class.space if getattr(self.config, "trials", 1) > 1 else {}
        self.space = {key: space[key] for key in space if key not in options}
        self.trials = self.config.trials if self.space else 1
        highest = {key: where.high for key, where in self.space.items()}
        widest = replace(self.config, **highest)
        self.counts = Counts(sequences, widest)
        targets = _targets(sequences, widest.max_len, settings.protocol, seed)
        model = self.model_class(widest)
        self.ranker = Ranker(sequences, targets, model, self.device, settings.ranking)

    @property
    def defaults(self) -> dict[str, float]:
        """What is tried first."""
        return {key: getattr(self.config, key) for key in self.space}

    def attempt(self, parameters: Mapping[str, Any]) -> tuple[CountingModel, Floats]:
        """Return the model with these parameters, and the ranks it gives the targets."""
        model = self.model_class(replace(self.config, **parameters))
        model.fit(self.counts)
        return model, self.ranker.ranks(model.to(self.device))


def tune(
    sequences: Sequences, settings: Settings, seed: int, *, report_trials: bool = True
) -> Fitted[CountingModel]:
    """Count, and choose the parameters that reach most on validation.

    Args:
        sequences: the data; its training part is counted, its validation part ranked.
        settings: of a model without training; what stands in ``model_options`` is not tuned.
        seed: of what proposes parameters, and of the choice among very many targets.
        report_trials: whether each trial is a line of the log.

    Returns:
        The model in evaluation mode, on the device, and all its parameters.

    Raises:
        SeqrecError: nothing to count or to validate on, nothing that can be found, or an unknown
            metric.
    """
    import optuna

    from seqrec.training.trials import in_words, run_trials, sampler_of

    monitor = settings.training.monitor
    parse_label(monitor)
    attempts = Attempts(sequences, settings, seed)
    if report_trials:
        check_findable(sequences, attempts.ranker)
    search = _Search(attempts, monitor)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study, sampler = optuna.create_study(direction="maximize"), sampler_of(seed)
    proposals = (attempts.space, attempts.defaults, attempts.trials)
    for _ in run_trials(study, *proposals, search.measure, lambda _: sampler):
        if report_trials:
            search.report()
    best = search.best
    options = {key: value for key, value in asdict(best.config).items() if key not in GIVEN}
    if report_trials:
        log.info("trial %d is the best: %s", search.best_trial, in_words(options))
    return Fitted(best.eval(), search.history, search.best_trial, search.best_value, options)


def count(sequences: Sequences, settings: Settings) -> Fitted[CountingModel]:
    """Count with the parameters as they are; nothing is tried out or validated.

    Args:
        sequences: the data, of which the training part is counted.
        settings: of a model without training.
    """
    started = time.perf_counter()
    config = settings.config(sequences.num_items)
    model = counting_class(settings.model)(config)
    model.fit(Counts(sequences, config))
    history = [{"trial": 1, "seconds": time.perf_counter() - started}]
    return Fitted(model.eval(), history, 1, math.nan, settings.model_options)


class _Search:
    """What the trials came to, and the best model among them."""

    best: CountingModel

    def __init__(self, attempts: Attempts, monitor: str) -> None:
        self.attempts, self.monitor = attempts, monitor
        self.history: list[dict[str, float]] = []
        self.best_trial, self.best_value = 0, -1.0

    def measure(self, trial: Trial) -> float:
        """Count with the parameters of a trial, and return the monitored metric."""
        started, number = time.perf_counter(), len(self.history) + 1
        model, ranks = self.attempts.attempt(trial.params)
        labels = (self.monitor, "HR@10", "NDCG@10")
        metrics = {label: metric_of(label, ranks) for label in labels}
        value = metrics[self.monitor]
        if value > self.best_value:
            self.best, self.best_trial, self.best_value = model, number, value
        seconds = {"seconds": time.perf_counter() - started}
        self.history.append({"trial": number, **trial.params, **metrics, **seconds})
        return value

    def report(self) -> None:
        """Write a line about the last trial."""
        row = self.history[-1]
        log.info(
            "trial %3d of %d  valid %s %.4f%s  %.1f s",
            row["trial"],
            self.attempts.trials,
            self.monitor,
            row[self.monitor],
            " *" if self.best_trial == row["trial"] else "  ",
            row["seconds"],
        )


def _targets(sequences: Sequences, max_len: int, protocol: str, seed: int) -> Examples:
    """Return the validation targets, or ``MOST_TARGETS`` of them."""
    targets = evaluation_examples(sequences, "valid", max_len, protocol)
    if not len(targets) or not sequences.item_counts().any():
        part = "validation targets" if not len(targets) else "training interactions"
        raise SeqrecError(
            f"no {part} in the sequences; filter less strictly or choose another splitting.strategy"
        )
    if len(targets) <= MOST_TARGETS:
        return targets
    drawn = np.random.default_rng(seed).choice(len(targets), MOST_TARGETS, replace=False)
    return targets.take(np.sort(drawn))
