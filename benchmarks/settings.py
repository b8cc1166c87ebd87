"""The papers' settings as plain Python: the YAML files need a reader that a bare machine lacks.

A test keeps them equal to conf/base/parameters/models.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from benchmarks.sequences import SYNTHETIC
from seqrec.errors import unknown_name

Values = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """What is published for a model on a data set, in the sections of the parameters."""

    model_options: Values
    training: Values
    ted: Values = field(default_factory=dict)


BSAREC = Setting(
    model_options={
        "max_len": 50,
        "dim": 64,
        "num_blocks": 2,
        "num_heads": 1,
        "alpha": 0.7,
        "c": 5,
        "hidden_dropout": 0.5,
        "attention_dropout": 0.5,
    },
    training={"batch_size": 256, "learning_rate": 1e-3, "loss": "cross_entropy"},
)
BSAREC_ON: dict[str, tuple[Values, Values]] = {
    "beauty": ({"alpha": 0.7, "c": 5, "num_heads": 1}, {"learning_rate": 5e-4}),
    "sports": ({"alpha": 0.3, "c": 5, "num_heads": 4}, {"learning_rate": 1e-3}),
    "toys": ({"alpha": 0.7, "c": 3, "num_heads": 1}, {"learning_rate": 1e-3}),
    "yelp": ({"alpha": 0.7, "c": 3, "num_heads": 4}, {"learning_rate": 1e-3}),
    "lastfm": ({"alpha": 0.9, "c": 3, "num_heads": 1}, {"learning_rate": 1e-3}),
    "ml-1m": ({"alpha": 0.3, "c": 9, "num_heads": 4}, {"learning_rate": 5e-4}),
}
"""Data set → model options and training."""

MQSA_TED = Setting(
    model_options={
        "max_len": 50,
        "dim": 64,
        "num_blocks": 1,
        "num_heads": 1,
        "L": 3,
        "alpha": 0.5,
        "dropout": 0.5,
        "l2": 1e-4,
    },
    training={"batch_size": 256, "learning_rate": 1e-3, "loss": "cross_entropy"},
    ted={"weight": 0.1, "tau": 0.1, "time_span": 1},
)
"""Published for Beauty alone; the other data sets take the same."""
TRANSFORMER: Values = {
    "max_len": 50,
    "dim": 64,
    "num_blocks": 2,
    "num_heads": 2,
    "hidden_dropout": 0.5,
    "attention_dropout": 0.5,
}
USUAL: Values = {"batch_size": 256, "learning_rate": 1e-3, "loss": "cross_entropy"}
CONTRAST: Values = {
    "contrast": "us_x",
    "tau": 1.0,
    "similarity": "dot",
    "unsupervised_weight": 0.1,
    "supervised_weight": 0.1,
}
BASELINES = {
    "sasrec": Setting(TRANSFORMER, USUAL | {"loss": "bce"}),
    "sasrec_ce": Setting(TRANSFORMER, USUAL),
    "bert4rec": Setting(TRANSFORMER | {"mask_ratio": 0.2}, USUAL),
    "caser": Setting(
        {
            "max_len": 50,
            "dim": 64,
            "horizontal_filters": 8,
            "vertical_filters": 4,
            "hidden_dropout": 0.5,
            "l2": 1e-4,
        },
        USUAL | {"loss": "bce"},
    ),
    "gru4rec": Setting(
        {"max_len": 50, "dim": 64, "hidden_dim": 64, "num_layers": 2, "hidden_dropout": 0.5},
        USUAL | {"loss": "bpr"},
    ),
    "fmlprec": Setting(
        {"max_len": 50, "dim": 64, "num_blocks": 2, "hidden_dropout": 0.5}, USUAL | {"loss": "bce"}
    ),
    "duorec": Setting(TRANSFORMER | CONTRAST, USUAL),
    "fearec": Setting(
        TRANSFORMER
        | CONTRAST
        | {
            "spatial_ratio": 0.1,
            "global_ratio": 0.6,
            "regularise_frequencies": True,
            "regularised_views": "us_x",
            "regularisation_weight": 0.1,
        },
        USUAL,
    ),
}
"""Of the BSARec authors' comparison; the same for all data sets."""
MODELS = ("bsarec", "mqsa_ted", *BASELINES)


PAPERS = ("bsarec", "mqsa_ted")
"""The two papers' own models: their plain forms know protocol ``standard`` too."""


def published(model: str, dataset: str) -> Setting:
    """Return the settings of a model for a data set; made-up sequences take those of Beauty.

    Raises:
        SeqrecError: no such model.
    """
    dataset = "beauty" if dataset == SYNTHETIC else dataset
    if model == "bsarec":
        options, training = BSAREC_ON[dataset]
        return Setting(BSAREC.model_options | options, BSAREC.training | training)
    if model == "mqsa_ted":
        return MQSA_TED
    if model in BASELINES:
        return BASELINES[model]
    raise unknown_name("model", model, MODELS)
