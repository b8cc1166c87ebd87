"""Train a model, with the options of the parameter files as keywords."""

from __future__ import annotations

from dataclasses import MISSING, Field
from typing import Any
from warnings import catch_warnings, filterwarnings

import pyarrow as pa

from seqrec.errors import unknown_name
from seqrec.models import COUNTING_MODELS, GIVEN, MODELS, any_class
from seqrec.notebook.engine import data_engine
from seqrec.notebook.model import Model
from seqrec.notebook.options import by_section
from seqrec.notebook.prepared import Data, check_prepared
from seqrec.parameters.search_space import nested
from seqrec.parameters.sections import (
    MODEL_OPTIONS,
    RankingOptions,
    TedOptions,
    TrainingOptions,
    TransitionOptions,
)
from seqrec.parameters.selection import select_parameters
from seqrec.preparation.transitions import count_transitions
from seqrec.protocol import Protocol
from seqrec.training import Settings, TrainingData
from seqrec.training import train as run

ANY = "log"
"""What the data set is called while parameters are picked: none that has values of its own."""


def train(
    data: Data,
    model: str = "bsarec",
    *,
    seed: int = 42,
    protocol: Protocol = "standard",
    **options: Any,
) -> Model:
    """Train a model on what ``prepare`` returned.

    Args:
        data: what it learns from; the epoch that is best in validation is kept.
        model: its name, one of ``seqrec.models.MODELS`` or ``COUNTING_MODELS``.
        seed: of everything random.
        protocol: ``standard``, or ``authors`` for the quirks of the paper's own code.
        options: those of the model (``alpha``, ``dim``, ``max_len``, …), of the sections
            ``training`` (``max_epochs``, ``batch_size``, ``device``, …) and ``ted`` (``weight``,
            ``tau``), and ``seen_items``. Where two have one name the model's is meant; a section
            can be given whole, ``ted={"tau": 0.2}``. The others are as the paper has them.

    Returns:
        The trained model.

    Raises:
        SeqrecError: an unknown option, with the nearest one there is, a wrong value, no usable
            data, or a training that diverged.
    """
    check_prepared(data, "train")
    chosen = selected(model, seed, protocol, options)
    settings = Settings(**chosen["settings"]).checked()
    graph = _graph(data, chosen["transitions"]) if settings.ted.weight else None
    learned = TrainingData.from_arrow(
        data.name, data.sequences, data.items, graph, chosen["transitions"]
    )
    with catch_warnings():
        # of tqdm, which comes with Optuna: no bar is shown here
        filterwarnings("ignore", message="IProgress not found")
        result = run(learned, settings, *chosen["seeds"])
    return Model(result.trained, result.history)


def selected(model: str, seed: int, protocol: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a run, as they are picked from the parameter files.

    Args:
        model: its name.
        seed: of everything random.
        protocol: ``standard`` or ``authors``.
        options: by their names, as ``train`` takes them.

    Raises:
        SeqrecError: an unknown model or option, or a wrong value.
    """
    names = [*MODELS, *COUNTING_MODELS]
    if model not in names:
        raise unknown_name("model", model, names)
    sections = {
        MODEL_OPTIONS: own_options(model),
        "training": TrainingOptions.model_fields,
        "ted": TedOptions.model_fields,
        "evaluation": RankingOptions.model_fields,
    }
    given = by_section(f"train for model '{model}'", sections, options)
    given = {section: values for section, values in given.items() if values}
    blocks = {ANY: {"raw": {"files": [{"name": ANY, "reader": "table"}]}}, model: defaults(model)}
    run_as = {"dataset": ANY, "model": model, "protocol": protocol, "seeds": [seed]}
    return select_parameters(blocks, given, run_as)


def own_options(model: str) -> list[str]:
    """Return the names of a model's own options."""
    return [name for name in any_class(model).Config.__dataclass_fields__ if name not in GIVEN]


def defaults(model: str) -> dict[str, Any]:
    """Return what a model takes unless told otherwise, as its parameter file has it.

    What a counted model is not told is tuned: it has none.
    """
    if model in COUNTING_MODELS:
        return {}
    kind: Any = any_class(model)
    fields = kind.Config.__dataclass_fields__
    loss = {"training.loss": kind.authors_losses[0]}
    return {
        MODEL_OPTIONS: {name: _default(fields[name]) for name in own_options(model)},
        **nested({**loss, **kind.section_defaults}),
        "protocols": {"standard": nested(kind.standard_defaults)},
    }


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _graph(data: Data, options: TransitionOptions) -> pa.Table:
    """Return which item follows which in the training part, and how often."""
    with data_engine() as engine:
        sequences = engine.create_table("sequences", data.sequences)
        return count_transitions(sequences, options).to_pyarrow()
