"""Data, and settings that train on them within a second."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from seqrec.batches import Sequences
from seqrec.parameters.sections import RankingOptions, TedOptions, TrainingOptions
from seqrec.training import Settings, TrainingData, TrainingResult, train
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


def data_of(log: Sequences = LOG) -> TrainingData:
    """A log by hand, its items called as they are numbered."""
    numbers = list(range(1, log.num_items + 1))
    items = pa.table({"item_index": numbers, "item_id": numbers})
    return TrainingData("by-hand", log, items, graph_of(log))


def settings(
    model: str = "bsarec",
    protocol: str = "standard",
    training: Mapping[str, Any] | None = None,
    ted: Mapping[str, Any] | None = None,
    **options: Any,
) -> Settings:
    """What a training is told; two epochs of a small BSARec unless told otherwise."""
    short = {"max_epochs": 2, "batch_size": 64, "device": "cpu", "compile": "off"}
    small = {"max_len": 5, "dim": 8, "num_blocks": 1, "c": 3, "alpha": 0.5}
    return Settings(
        model,
        protocol,
        {**(small if model == "bsarec" else {}), **options},
        TrainingOptions(**{**short, **(training or {})}),
        TedOptions(**(ted or {})),
        RankingOptions(),
    ).checked()


def trained_on(
    sequences: Sequences, name: str, protocol: str = "standard", seed: int = 42, **options: Any
) -> TrainingResult:
    """Return what a run counts."""
    return train(data_of(sequences), settings(name, protocol, **options), seed)
