"""The papers' settings without the YAML files, whose reader a bare machine lacks.

Each model's ``Config`` has its own; here stands what differs by data set, and what is no option of
a model. A test keeps them equal to conf/base/parameters/models.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from benchmarks.sequences import SYNTHETIC
from seqrec.models import GIVEN, model_class

Values = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """What is published for a model on a data set, in the sections of the parameters."""

    model_options: Values
    training: Values
    ted: Values = field(default_factory=dict)


PAPERS = ("bsarec", "mqsa_ted")
"""The two papers' own models."""
BY_DATASET: dict[str, dict[str, tuple[Values, Values]]] = {
    "bsarec": {
        "beauty": ({"alpha": 0.7, "c": 5, "num_heads": 1}, {"learning_rate": 5e-4}),
        "sports": ({"alpha": 0.3, "c": 5, "num_heads": 4}, {"learning_rate": 1e-3}),
        "toys": ({"alpha": 0.7, "c": 3, "num_heads": 1}, {"learning_rate": 1e-3}),
        "yelp": ({"alpha": 0.7, "c": 3, "num_heads": 4}, {"learning_rate": 1e-3}),
        "lastfm": ({"alpha": 0.9, "c": 3, "num_heads": 1}, {"learning_rate": 1e-3}),
        "ml-1m": ({"alpha": 0.3, "c": 9, "num_heads": 4}, {"learning_rate": 5e-4}),
    },
    "seer": {
        "lastfm": ({}, {"batch_size": 64}),
        "ml-1m": (
            {"encoder_options": {"num_blocks": 2, "num_heads": 2, "dropout": 0.3, "l2": 2e-5}},
            {"batch_size": 64},
        ),
    },
}
"""Model → data set → model options and training."""
LOSSES = {"sasrec_ce": "cross_entropy"}
"""Where it is not the first one of the authors' code."""
TED = {
    "mqsa_ted": {"weight": 0.1, "tau": 0.1, "time_span": 1},
    "seer": {"weight": 0.1, "tau": 0.1, "time_span": 1},
}


def published(model: str, dataset: str) -> Setting:
    """Return the settings of a model for a data set; made-up sequences take those of Beauty.

    Raises:
        SeqrecError: no such model.
    """
    dataset = "beauty" if dataset == SYNTHETIC else dataset
    kind = model_class(model)
    options, training = BY_DATASET.get(model, {}).get(dataset, ({}, {}))
    loss = LOSSES.get(model, kind.authors_losses[0])
    usual = {"batch_size": 256, "learning_rate": 1e-3, "loss": loss}
    return Setting(defaults(kind.Config) | options, usual | training, TED.get(model, {}))


def defaults(config: type[Any]) -> Values:
    """Return a model's own options and their defaults."""
    return {
        option.name: default_of(option)
        for option in fields(config)
        if option.name not in GIVEN and default_of(option) is not MISSING
    }


def default_of(option: Field[Any]) -> Any:
    """Return the default of a field, ``MISSING`` where there is none."""
    return option.default if option.default_factory is MISSING else option.default_factory()
