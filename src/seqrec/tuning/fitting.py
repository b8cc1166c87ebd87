"""One data set at hand, for one training after another with other settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import ibis.expr.types as ir
import pyarrow as pa
import torch

from seqrec.batches import Sequences
from seqrec.evaluation.metrics import metric_of
from seqrec.machine.devices import resolve_device
from seqrec.models import build_model
from seqrec.models.parts.face import ScoringModel
from seqrec.parameters.sections import TransitionOptions
from seqrec.training.counted import Attempts
from seqrec.training.loop import Checkpointing, fit
from seqrec.training.ted import Ted
from seqrec.tuning.space import Settings

AfterEpoch = Callable[[dict[str, float]], None]
"""Is given the history row of an epoch; what it raises ends the training."""


@dataclass(frozen=True)
class Outcome:
    """What a training came to."""

    model: ScoringModel
    """In evaluation mode, with its best weights."""
    value: float
    """The monitored metric on validation, at its best."""


@dataclass(frozen=True)
class SearchData:
    """What every training of a search learns from, and where."""

    sequences: Sequences
    graph: pa.Table
    """transition_graph; looked at only where it is distilled."""
    time_span: int
    last_items: int | None
    device: torch.device

    def ted(self, settings: Settings) -> Ted | None:
        """Return the distillation of the transition graph, if the settings ask for it."""
        if not settings.ted.weight:
            return None
        return Ted(
            self.graph,
            weight=settings.ted.weight,
            tau=settings.ted.tau,
            time_span=self.time_span,
            last_items=self.last_items,
        )

    @cached_property
    def fingerprint(self) -> list[object]:
        """What tells these data from others, the graph included."""
        graph = Ted(self.graph, 1.0, 1.0, self.time_span, self.last_items).fingerprint()
        return [self.sequences.fingerprint(), graph]


def search_data(
    sequences: ir.Table,
    items: ir.Table,
    transition_graph: ir.Table,
    transitions: TransitionOptions,
    device: str,
) -> SearchData:
    """Return the tables in the form in which one training after another learns from them."""
    graph = transition_graph.order_by("source_item", "target_item")
    return SearchData(
        Sequences.from_table(sequences.to_pyarrow(), items.count().to_pyarrow().as_py()),
        graph.to_pyarrow(),
        transitions.time_span,
        transitions.last_items,
        resolve_device(device),
    )


def fit_once(
    data: SearchData,
    settings: Settings,
    seed: int,
    *,
    after_epoch: AfterEpoch | None = None,
    checkpointing: Checkpointing | None = None,
) -> Outcome:
    """Train a model, or count one without trying out parameters of its own.

    Args:
        data: what it learns from.
        settings: what it is told.
        seed: of initial weights, order and dropout.
        after_epoch: called after each epoch; a model without training has none.
        checkpointing: where its state is kept after each epoch.

    Raises:
        SeqrecError: the training diverged, or the data are too few.
    """
    if settings.counted:
        return _count(data, settings, seed)
    torch.manual_seed(seed)
    sequences, ted = data.sequences, data.ted(settings)
    size = (sequences.num_items, sequences.num_users)
    fitted = fit(
        build_model(settings.model, settings.model_options, settings.protocol, *size),
        sequences,
        options=settings.training,
        seed=seed,
        device=data.device,
        evaluation=settings.evaluation,
        distillation=ted.distillation(sequences, data.device) if ted else None,
        checkpointing=checkpointing,
        after_epoch=after_epoch,
    )
    return Outcome(fitted.model, fitted.best_value)


def _count(data: SearchData, settings: Settings, seed: int) -> Outcome:
    what = (settings.model, settings.single().model_options, settings.protocol, data.sequences)
    model, ranks = Attempts(*what, seed, data.device, settings.evaluation).attempt({})
    return Outcome(model.eval(), metric_of(settings.training.monitor, ranks))
