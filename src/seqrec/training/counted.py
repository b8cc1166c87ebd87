"""Models without training: counted, and their parameters chosen on validation.

The first set of parameters is the model's defaults; Optuna proposes the others from what the
earlier ones reached. A parameter that the user gives is not tuned. Test targets are never looked
at.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from seqrec.batches import Examples, Sequences, evaluation_examples
from seqrec.errors import SeqrecError
from seqrec.evaluation.metrics import Floats, metric_of, parse_label
from seqrec.evaluation.ranker import Ranker
from seqrec.machine.heap import keep_freed_memory
from seqrec.models import GIVEN, counting_class, model_config
from seqrec.models.parts.counting import CountingModel, Counts, Range

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution

    from seqrec.parameters.sections import EvaluationOptions, TrainingOptions

log = logging.getLogger(__name__)

MOST_TARGETS = 10_000
"""Validation targets that a trial ranks; where there are more, the same ones for all trials."""


@dataclass(frozen=True)
class Tuned:
    """The model with the best parameters, and one history row a trial."""

    model: CountingModel
    options: dict[str, Any]
    """All its parameters."""
    history: list[dict[str, float]]
    best_epoch: int
    """The trial."""
    best_value: float


class Attempts:
    """Sets of parameters on the same counts and the same targets; ``tune`` explains the rest."""

    def __init__(
        self,
        name: str,
        options: dict[str, Any],
        protocol: str,
        sequences: Sequences,
        seed: int,
        device: torch.device,
        evaluation: EvaluationOptions | None,
    ) -> None:
        self.kind, self.device = counting_class(name), device
        self.config = model_config(name, options, protocol, sequences.num_items)
        self.number = getattr(self.config, "trials", 1)
        space = self.kind.space if self.number > 1 else {}
        self.space = {key: space[key] for key in space if key not in options}
        if not self.space:
            self.number = 1
        highest = {key: where.high for key, where in self.space.items()}
        widest = replace(self.config, **highest)
        self.counts = Counts(sequences, widest)
        targets = _targets(sequences, widest.max_len, protocol, seed)
        self.ranker = Ranker(sequences, targets, self.kind(widest), device, evaluation)

    @property
    def defaults(self) -> dict[str, float]:
        """What is tried first."""
        return {key: getattr(self.config, key) for key in self.space}

    def attempt(self, parameters: dict[str, float]) -> tuple[CountingModel, Floats]:
        """Return the model with these parameters, and the ranks it gives the targets."""
        model = self.kind(replace(self.config, **parameters))
        model.fit(self.counts)
        return model, self.ranker.ranks(model.to(self.device))


def tune(
    name: str,
    model_options: dict[str, Any],
    protocol: str,
    sequences: Sequences,
    *,
    options: TrainingOptions,
    seed: int,
    device: torch.device,
    evaluation: EvaluationOptions | None = None,
) -> Tuned:
    """Count, and choose the parameters that reach most on validation.

    Args:
        name: as in ``seqrec.models.COUNTING_MODELS``.
        model_options: the model's own parameters; what stands here is not tuned.
        protocol: ``standard`` or ``authors``.
        sequences: the data; its training part is counted, its validation part ranked.
        options: the section ``training``, which names the metric that is to be highest.
        seed: of Optuna's sampler, and of the choice among very many targets.
        device: where to rank.
        evaluation: by which rules validation ranks.

    Returns:
        The model in evaluation mode, on the device.

    Raises:
        SeqrecError: nothing to count or to validate on, an unknown metric or parameter.
    """
    monitor = options.monitor
    parse_label(monitor)
    if device.type == "cpu":
        keep_freed_memory()
    attempts = Attempts(name, model_options, protocol, sequences, seed, device, evaluation)
    distributions = _distributions(attempts.space)
    study = _study(attempts.defaults, seed)
    history: list[dict[str, float]] = []
    best_epoch, best_value = 0, -1.0
    for number in range(1, attempts.number + 1):
        started = time.perf_counter()
        trial = study.ask(distributions)
        model, ranks = attempts.attempt(trial.params)
        measured = {label: metric_of(label, ranks) for label in (monitor, "HR@10", "NDCG@10")}
        study.tell(trial, measured[monitor])
        if measured[monitor] > best_value:
            best, best_epoch, best_value = model, number, measured[monitor]
        seconds = {"seconds": time.perf_counter() - started}
        history.append({"trial": number, **trial.params, **measured, **seconds})
        _report(history[-1], monitor, attempts.number, is_best=best is model)
    parameters = {key: value for key, value in asdict(best.config).items() if key not in GIVEN}
    log.info("trial %d is the best: %s", best_epoch, _in_words(parameters))
    return Tuned(best.eval(), parameters, history, best_epoch, best_value)


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


def _study(defaults: dict[str, float], seed: int) -> Study:
    """Return a study that looks for the maximum, and tries the defaults first."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.enqueue_trial(defaults)
    return study


def _distributions(space: Mapping[str, Range]) -> dict[str, BaseDistribution]:
    from optuna.distributions import FloatDistribution, IntDistribution

    return {
        key: IntDistribution(where.low, where.high, log=where.log)
        if isinstance(where.low, int) and isinstance(where.high, int)
        else FloatDistribution(where.low, where.high, log=where.log)
        for key, where in space.items()
    }


def _report(row: dict[str, float], monitor: str, trials: int, *, is_best: bool) -> None:
    log.info(
        "trial %3d of %d  valid %s %.4f%s  %.1f s",
        row["trial"],
        trials,
        monitor,
        row[monitor],
        " *" if is_best else "  ",
        row["seconds"],
    )


def _in_words(parameters: dict[str, Any]) -> str:
    shown = (
        f"{key}={value:.3g}" if isinstance(value, float) else f"{key}={value}"
        for key, value in parameters.items()
    )
    return ", ".join(shown)
