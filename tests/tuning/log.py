"""A small log and settings that train on it within a second."""

import numpy as np
import pyarrow as pa
import torch

from seqrec.batches import Sequences
from seqrec.parameters.sections import EvaluationOptions, TedOptions, TrainingOptions
from seqrec.tuning.fitting import SearchData
from seqrec.tuning.space import Settings
from tests.counted import random_users, split_off

USERS = random_users(users=40)
LOG = split_off(*USERS, num_items=12)
CPU = torch.device("cpu")


def graph_of(log: Sequences) -> pa.Table:
    """Which training item follows which, as the pipeline counts it."""
    ends = np.repeat(log.train_ends(), np.diff(log.offsets))
    first = np.flatnonzero(np.arange(len(log.items)) < ends - 1)
    pairs, counts = np.unique(
        np.stack([log.items[first], log.items[first + 1]]), axis=1, return_counts=True
    )
    return pa.table({"source_item": pairs[0], "target_item": pairs[1], "count": counts})


def data_of(log: Sequences = LOG) -> SearchData:
    return SearchData(log, graph_of(log), time_span=1, last_items=None, device=CPU)


def settings(
    model: str = "bsarec",
    protocol: str = "standard",
    training: dict[str, object] | None = None,
    ted: dict[str, object] | None = None,
    **options: object,
) -> Settings:
    short = {"max_epochs": 2, "batch_size": 64, "device": "cpu", "compile": "off"}
    small = {"max_len": 5, "dim": 8, "num_blocks": 1, "c": 3, "alpha": 0.5}
    return Settings(
        model,
        protocol,
        {**(small if model == "bsarec" else {}), **options},
        TrainingOptions(**{**short, **(training or {})}),
        TedOptions(**(ted or {})),
        EvaluationOptions(),
    )
