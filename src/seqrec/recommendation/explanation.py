"""Why an item stands where it does: what its score is made of, and because of which items.

Shapes: L items of a history, n items asked for, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from seqrec.batches import Integers
from seqrec.errors import SeqrecError
from seqrec.evidence.channels import CHANNELS, ages
from seqrec.evidence.pair_tables import Tables
from seqrec.models.seer import SEER
from seqrec.recommendation.recommender import Recommender

STATE, POPULARITY, NETWORK = "state of the encoder", "popularity", "evidence taken together"
PARTS = (STATE, *(channel.name for channel in CHANNELS), POPULARITY, NETWORK)


def explain(recommender: Recommender, history: Sequence[Any], items: Sequence[Any]) -> pa.Table:
    """Return what the scores of some items are made of.

    Args:
        recommender: with a model that has evidence.
        history: item ids, oldest first.
        items: ids of the items to explain.

    Returns:
        item_id, part, score (the parts of an item add up to its score), and for a channel
        because_of, the item of the history that says most, and count, how often the log says it
        (weighted by distance, for what comes after or before).

    Raises:
        SeqrecError: the model has no evidence, or does not know an item, or nothing of the history.
    """
    model = recommender.model
    if not isinstance(model, SEER):
        raise SeqrecError(
            f"model '{recommender.trained.model_name}' has no evidence to show; explain a model "
            "that was trained with model=seer"
        )
    numbers = _known(recommender, items)
    known = recommender.ids.numbers(history)
    known = known[known > 0]
    if not len(known):
        raise SeqrecError("the model knows no item of this history; give one with items of its log")
    past = torch.from_numpy(known).to(recommender.device)
    parts = model.reasons(past, torch.from_numpy(numbers).to(recommender.device)).cpu().numpy()
    sources, counts = _strongest(model.tables, known, numbers)
    rows, channels = len(numbers), slice(1, 1 + len(CHANNELS))
    because = np.zeros((rows, len(PARTS)), np.int64)
    because[:, channels] = sources * (parts[:, channels] != 0)
    nobody = because.flatten() == 0
    times = np.zeros((rows, len(PARTS)))
    times[:, channels] = counts
    ids = recommender.ids
    return pa.table(
        {
            "item_id": ids.take(np.repeat(numbers, len(PARTS))),
            "part": pa.array(PARTS * rows),
            "score": parts.astype(np.float32).flatten(),
            "because_of": ids.ids.take(pa.array(because.flatten() - 1, mask=nobody)),
            "count": pa.array(times.flatten(), mask=nobody),
        }
    )


def _known(recommender: Recommender, items: Sequence[Any]) -> Integers:
    numbers = recommender.ids.numbers(items)
    for item, number in zip(items, numbers, strict=True):
        if not number:
            raise SeqrecError(
                f"the model knows no item '{item}'; give one of those in its items.parquet"
            )
    return numbers


def _strongest(tables: Tables, history: Integers, items: Integers) -> tuple[Integers, Any]:
    """Return (n, C) the item of the history that says most of each, and what was counted."""
    past = torch.from_numpy(history)[None]
    offsets, columns = tables.offsets.cpu().numpy(), tables.columns.cpu().numpy()
    values, sources = tables.values.cpu().numpy(), tables.sources.cpu().numpy()
    counts = np.zeros((len(tables.values), len(items), len(history)))
    for place, item in enumerate(history):
        entries = np.arange(offsets[item], offsets[item + 1])
        same = columns[entries] == items[:, None]
        counts[:, :, place] = values[:, entries] @ same.T.astype(np.float32)
    found, times = [], []
    for channel in CHANNELS:
        weights = ages(channel, past).numpy() * sources[channel.kind][history]
        best = (counts[channel.kind] * weights).argmax(axis=1)
        found.append(history[best])
        times.append(counts[channel.kind][np.arange(len(items)), best])
    return np.stack(found, axis=1), np.stack(times, axis=1)
