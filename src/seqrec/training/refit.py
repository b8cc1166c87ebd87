"""The model that goes live: trained anew on everything, for as long as was best.

What validation and test were held back for is known then: how many epochs, or which parameters,
and how good that is. A refit learns from all interactions by these, and has no figures of its own.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from seqrec.errors import SeqrecError, as_typed
from seqrec.models import GIVEN
from seqrec.models.folder import TrainedModel
from seqrec.models.parts.face import SequentialModel
from seqrec.training.data import TrainingData
from seqrec.training.run import RECORDED, train
from seqrec.training.settings import OPTIONS, Settings
from seqrec.training.warm_start import START_FROM

log = logging.getLogger(__name__)

STARTED = "a model's folder"
"""Stands for the weights that a training started from."""


def refit(
    data: TrainingData,
    settings: Settings,
    evaluated: TrainedModel,
    *,
    graph: pa.Table | None = None,
    checkpoint: Path | None = None,
) -> TrainedModel:
    """Train the model of an evaluated run on all interactions, validation and test included.

    Args:
        data: what the evaluated run was told to learn from.
        settings: likewise.
        evaluated: the model; its best epoch, its parameters if it is counted, and its seed.
        graph: transition_graph of all interactions, where it is distilled.
        checkpoint: where the refit keeps its state after every epoch.

    Returns:
        The model. Its facts are those of the evaluated one but for a validated value, and its
        data are the sequences with every interaction in the training part.

    Raises:
        SeqrecError: the evaluated model is of other data, or was told something else.
    """
    evaluated.check_data(data.sequences)
    facts = {"dataset": data.dataset, "model_name": settings.model, "protocol": settings.protocol}
    evaluated.check_run(**facts)
    check_settings(settings, evaluated)
    _check_graph(data, settings, evaluated)
    whole, epochs = data.whole(graph), evaluated.best_epoch
    if settings.counted:
        settings, how = (
            replace(settings, model_options=evaluated.options),
            "with the parameters that were best",
        )
    else:
        how = f"to the end of epoch {epochs}, in which the evaluated run was best"
    count = f"{len(whole.sequences.items):,}"
    log.info("seed %d learns from all %s interactions, %s", evaluated.seed, count, how)
    trained = train(whole, settings, evaluated.seed, epochs=epochs, checkpoint=checkpoint).trained
    if isinstance(trained.model, SequentialModel) and isinstance(evaluated.model, SequentialModel):
        trained.model.settle_as(evaluated.model)
    return replace(trained, best_epoch=epochs, refit=True, evaluated=evaluated.fingerprint())


def check_settings(settings: Settings, evaluated: TrainedModel, *, measuring: bool = False) -> None:
    """Raise a SeqrecError if a model was told something else; what is not recorded is passed.

    Args:
        settings: what it should have been told; checked.
        evaluated: the model.
        measuring: the model is only measured. Then the rules of the ranking may be others, and of
            the weights it started from only whether there were any counts: what lay there then may
            have given way to this very model.
    """
    asked, known = _told(settings, evaluated, measuring), _flat(evaluated.settings)
    known |= _flat({OPTIONS: asdict(evaluated.model.config)})
    if measuring and known.get(START_FROM):
        known[START_FROM] = STARTED
    for name, value in asked.items():
        if known.get(name, value) == value:
            continue
        if name == START_FROM and not measuring:
            raise SeqrecError(
                "the model at hand started from other weights than lie in training.start_from="
                f"{settings.training.start_from} now; name those, or train it anew"
            )
        raise _told_otherwise(name, known[name], value)


def _check_graph(data: TrainingData, settings: Settings, evaluated: TrainedModel) -> None:
    """Raise a SeqrecError if the evaluated model distilled transitions counted otherwise."""
    then, now = _flat(evaluated.settings), _flat(data.told_of_graph(settings.ted))
    for name, value in now.items():
        if then.get(name, value) != value:
            raise _told_otherwise(name, then[name], value)


def _told_otherwise(name: str, value_then: Any, value_now: Any) -> SeqrecError:
    then, now = as_typed(value_then), as_typed(value_now)
    return SeqrecError(
        f"the model at hand was trained with {name}={then}, not {now}; run with "
        f"{name}={then}, or train it anew: `kedro run --pipeline training` with the "
        "same --params"
    )


def _told(settings: Settings, evaluated: TrainedModel, measuring: bool) -> dict[str, Any]:
    """Return the settings by their names; of options that were tuned, those that are given."""
    start = settings.training.start_from
    if measuring:
        settings = replace(
            settings, training=settings.training.model_copy(update={"start_from": None})
        )
    options = settings.model_options
    if not settings.counted:
        config = asdict(settings.config(evaluated.num_items, evaluated.num_users))
        options = {name: value for name, value in config.items() if name not in GIVEN}
    told = settings.plain()
    if measuring:
        told["training"]["start_from"] = STARTED if start else None
    recorded = [name for name in RECORDED if not (measuring and name == "seen_items")]
    return _flat({**{name: told[name] for name in recorded}, OPTIONS: options})


def _flat(sections: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for section, values in sections.items():
        inner = values.items() if isinstance(values, dict) else [(None, values)]
        flat |= {f"{section}.{name}" if name else section: value for name, value in inner}
    return flat
