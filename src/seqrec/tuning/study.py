"""Hyperparameter tuning: which settings of a model reach most on validation.

The trials are Optuna's, kept in an SQLite file, so that a search that was cut off goes on where it
stood. Notable: the sampler is made anew for each trial from the seed and the number of finished
ones, so that a search in pieces proposes what one in a single piece does; the first trial is the
present settings; a trial that falls below the median of the others is given up. Test targets are
never looked at.

Tree-structured Parzen estimators: Bergstra et al., NeurIPS 2011. Median rule: Golovin et al.
(Vizier), KDD 2017.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pyarrow as pa
import torch
from optuna.exceptions import StorageInternalError
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy.exc import DatabaseError, OperationalError

from seqrec import __version__
from seqrec.errors import SeqrecError
from seqrec.models.parts.search_range import SearchRange, SearchValue, Space
from seqrec.parameters.search_space import flat, nested
from seqrec.parameters.sections import TuningOptions
from seqrec.training.data import TrainingData
from seqrec.training.run import train
from seqrec.training.settings import Settings
from seqrec.training.trials import finished_trials, in_words, run_trials, sampler_of
from seqrec.tuning.space import check_varied, own_space, without_left_out

log = logging.getLogger(__name__)

FAILED = "error"
"""Under this name a trial keeps the line that ended it."""
EPOCHS = "epochs"
"""Under this name it keeps how many it was trained: not each of them is validated."""


@dataclass(frozen=True)
class Search:
    """A question: which of these settings of a model are best, on these data."""

    data: TrainingData
    present: Settings
    space: Mapping[str, Space]
    """What each parameter may be; the present value is among it."""
    seed: int

    @property
    def name(self) -> str:
        """The study's name: another question has another one, and so has other code."""
        varied = dict.fromkeys(self.space, 0)
        fixed = flat({key: x for key, x in self.present.plain().items() if isinstance(x, dict)})
        single = {key: x for key, x in self.present.plain().items() if not isinstance(x, dict)}
        parts = [
            self.data.fingerprint,
            self.data.graph_fingerprint,
            {key: value for key, value in fixed.items() if key not in varied},
            single,
            {name: _plain(where) for name, where in self.space.items()},
            self.seed,
            [torch.__version__, __version__],
        ]
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        return f"{self.present.model}-{self.present.protocol}-{digest[:16]}"

    def first(self) -> dict[str, SearchValue]:
        """Return the present values of what is varied."""
        return {name: self.present.value(name) for name in self.space}


def make_search(
    data: TrainingData, present: Settings, options: TuningOptions, *, seed: int
) -> Search:
    """Return the search that the section ``tuning`` declares for a model.

    Args:
        data: what the trials learn from.
        present: the settings to start from.
        options: the section ``tuning``.
        seed: of the proposals and of every training.

    Raises:
        SeqrecError: nothing is declared for the model, or what it does not have.
    """
    declared: dict[str, Space | None] = {
        **own_space(present),
        **flat(options.spaces.get(present.model, {})),
    }
    # section by section, so that a search proposes the same wherever a parameter is declared
    space: dict[str, Space] = without_left_out(present, flat(nested(declared)))
    check_varied(present, space, "tuning.spaces")
    present = present.single()
    whole = {name: _with_present(name, where, present) for name, where in space.items()}
    return Search(data, present, whole, seed)


def run_search(search: Search, options: TuningOptions, storage: Path) -> pa.Table:
    """Try settings until there are as many finished trials as asked for.

    Args:
        search: what is looked for.
        options: the section ``tuning``.
        storage: the SQLite file of the trials; those of the same search count.

    Returns:
        One row a trial: trial from 1, state (``finished``, ``pruned``, ``failed``), the parameters
        by name, value (the best on validation), epochs and best_epoch (null without training).

    Raises:
        SeqrecError: the present settings cannot be trained, the file cannot be used (the disk is
            full, say), or the run was interrupted.
    """
    with _in_a_line(storage):
        study = _open(search, options, storage)
        _go_on(study, search, options)
        return _history(study, search)


def _go_on(study: optuna.Study, search: Search, options: TuningOptions) -> None:
    """Try settings until there are enough trials, those of the study among them.

    Raises:
        SeqrecError: the present settings cannot be trained, or the run was interrupted.
    """
    done = len(finished_trials(study))
    if done:
        log.info("tuning goes on after trial %d", done)
    if search.present.training.processes != 1:
        log.warning(
            "training.processes=%s: a search trains its trials in one process",
            search.present.training.processes,
        )

    def measure(trial: Trial) -> float:
        return _measure(search, trial, is_first=not finished_trials(study))

    try:
        for trial in run_trials(
            study,
            search.space,
            search.first(),
            options.trials,
            measure,
            lambda number: sampler_of(_trial_seed(search.seed, number)),
        ):
            row = _row(trial, len(finished_trials(study)))
            _report(row, _best_value(study), options.trials, search)
    except KeyboardInterrupt:
        done = len(finished_trials(study))
        raise SeqrecError(
            f"tuning was interrupted after {done} of {options.trials} trials; the same command "
            "goes on from there"
        ) from None


def _trial_seed(seed: int, number: int) -> int:
    """Return the seed of one proposal: a search in pieces proposes what one in one piece does."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def _open(search: Search, options: TuningOptions, storage: Path) -> optuna.Study:
    """Return the study, anew or as a run left it; a trial that was cut off is given up."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        storage.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_written(storage, error.strerror or error) from None
    study = optuna.create_study(
        storage=f"sqlite:///{storage}",
        study_name=search.name,
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_warmup_steps=options.warmup_epochs),
    )
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    return study


@contextmanager
def _in_a_line(storage: Path) -> Iterator[None]:
    """Say in a line what the database cannot do; Optuna wraps most of its errors.

    Raises:
        SeqrecError: the file of the trials cannot be opened, read or written.
    """
    try:
        yield
    except (DatabaseError, StorageInternalError) as error:
        cause = error.__cause__ if isinstance(error, StorageInternalError) else error
        reason = getattr(cause, "orig", cause)
        if isinstance(cause, DatabaseError) and not isinstance(cause, OperationalError):
            raise SeqrecError(
                f"the trials in {storage} cannot be read ({reason}); remove the file to start anew"
            ) from None
        raise _not_written(storage, reason) from None


def _not_written(storage: Path, reason: object) -> SeqrecError:
    return SeqrecError(
        f"the trials in {storage} cannot be opened or written ({reason}); free some space, or let "
        "the place be written, and run the same command again"
    )


def _measure(search: Search, trial: Trial, *, is_first: bool) -> float:
    """Return the best value on validation.

    Raises:
        TrialPruned: it falls below the other trials, or its settings cannot be trained.
        SeqrecError: the first trial's cannot, which are those every run would take.
    """
    monitor = search.present.training.monitor

    def after_epoch(row: dict[str, float]) -> None:
        trial.set_user_attr(EPOCHS, int(row["epoch"]))
        if math.isnan(row[monitor]):  # this epoch was not validated
            return
        trial.report(row[monitor], int(row["epoch"]))
        if trial.should_prune():
            raise optuna.TrialPruned

    try:
        settings = search.present.changed(trial.params)
        result = train(
            search.data, settings, search.seed, after_epoch=after_epoch, report_trials=False
        )
    except SeqrecError as error:
        if is_first:
            raise
        log.warning("this trial cannot be trained: %s", error)
        trial.set_user_attr(FAILED, str(error))
        raise optuna.TrialPruned from None
    assert result.trained.best_value is not None, "a trial is validated"
    return result.trained.best_value


def _history(study: optuna.Study, search: Search) -> pa.Table:
    rows = [_row(trial, number) for number, trial in enumerate(finished_trials(study), start=1)]
    columns = {name: [row[name] for row in rows] for name in rows[0] if name not in search.space}
    parameters = {name: [row[name] for row in rows] for name in search.space}
    numbers = {"trial": pa.int64(), "epochs": pa.int64(), "best_epoch": pa.int64()}
    types = {**numbers, "state": pa.string(), "value": pa.float64()}
    ordered = ["trial", "state", *parameters, "value", "epochs", "best_epoch"]
    cells = {**columns, **parameters}
    return pa.table({name: pa.array(cells[name], types.get(name)) for name in ordered})


def _row(trial: FrozenTrial, number: int) -> dict[str, Any]:
    """Return a trial as a row; the first of the best epochs counts, as in training."""
    epochs = dict(sorted(trial.intermediate_values.items()))
    best = max(epochs, key=lambda epoch: epochs[epoch]) if epochs else None
    state = "finished" if trial.state == TrialState.COMPLETE else "pruned"
    return {
        "trial": number,
        "state": "failed" if FAILED in trial.user_attrs else state,
        **trial.params,
        "value": trial.value if state == "finished" else best and epochs[best],
        # a study of before it was kept has those that were validated
        "epochs": trial.user_attrs.get(EPOCHS, max(epochs, default=None)),
        "best_epoch": best,
    }


def _best_value(study: optuna.Study) -> float:
    return max(
        trial.value or 0.0
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    )


def _report(row: dict[str, Any], best: float, trials: int, search: Search) -> None:
    value = "   -  " if row["value"] is None else f"{row['value']:.4f}"
    ended = " *" if row["value"] == best else "  "
    log.info(
        "trial %3d of %d  valid %s %s%s  %s%s",
        row["trial"],
        trials,
        search.present.training.monitor,
        value,
        ended if row["state"] == "finished" else "  ",
        in_words({name: row[name] for name in search.space}),
        "" if row["state"] == "finished" else f"  ({row['state']})",
    )


def _with_present(name: str, where: Space, settings: Settings) -> Space:
    """Return the space with the present value in it, for that one is tried first."""
    present = settings.value(name)
    if not isinstance(where, SearchRange):
        return where if present in where else (*where, present)
    try:
        low, high = min(where.low, present), max(where.high, present)
        return SearchRange(low, high, where.log)
    except (TypeError, ValueError):
        raise SeqrecError(
            f"parameter {name} is {present} at present, which the range from {where.low} to "
            f"{where.high} cannot be widened to; set {name} to a value within it"
        ) from None


def _plain(where: Space) -> object:
    return asdict(where) if isinstance(where, SearchRange) else list(where)
