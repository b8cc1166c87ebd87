"""Whether a written graph gives the lists that the model itself gives."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from seqrec.errors import SeqrecError
from seqrec.models.folder import TrainedModel

if TYPE_CHECKING:
    from collections.abc import Sequence

HISTORIES, K = 1000, 20
ROUNDING = 1e-5
"""Scores are equal that lie no further apart than this share of the list's largest."""
LONGER = 5 / 4
"""The longest history beside ``max_len``: longer ones are cut, and all of it counts as seen."""

Numbers = npt.NDArray[np.int64]


class Lists(NamedTuple):
    """The best items of some histories, (N, k); 0 where nothing is left for a place."""

    items: Numbers
    scores: npt.NDArray[np.float64]


def check_lists(graph: Path, trained: TrainedModel, count: int = HISTORIES) -> None:
    """Compare the lists of a written graph with the model's, after random histories.

    Raises:
        SeqrecError: a list differs by more than rounding.
    """
    histories = random_histories(len(trained.items), trained.model.config.max_len, count)
    wrong = differing(lists_of_graph(graph, histories), lists_of_model(trained, histories))
    if wrong:
        raise SeqrecError(
            f"{wrong} of {len(histories)} lists of the exported graph differ from those of the "
            f"model {trained.model_name} (protocol {trained.protocol}): nothing was written; "
            "use `seqrec recommend` or `seqrec serve`, and report this with the model's config.json"
        )


def random_histories(num_items: int, max_len: int, count: int = HISTORIES) -> list[Numbers]:
    """Return histories of items drawn evenly, of every length up to more than a model sees."""
    generator = np.random.default_rng(0)
    lengths = generator.integers(1, int(LONGER * max_len) + 1, count)
    return [generator.integers(1, num_items + 1, length) for length in lengths]


def padded(histories: Sequence[Numbers]) -> Numbers:
    """Return histories as rows of an array, with 0 on the left."""
    longest = max(map(len, histories))
    return np.stack([np.pad(history, (longest - len(history), 0)) for history in histories])


def differing(found: Lists, expected: Lists) -> int:
    """Count the lists that differ by more than rounding.

    Two lists agree if their scores do, place by place, and if the expected score of every item
    found, its own or, where it is not in the list, the last one's, is that of its place.
    """
    tolerance = ROUNDING * np.abs(expected.scores).max(axis=1, keepdims=True, initial=0.0)
    same = found.items[:, :, None] == expected.items[:, None, :]
    own = np.where(
        same.any(axis=2),
        np.take_along_axis(expected.scores, same.argmax(axis=2), axis=1),
        expected.scores[:, -1:],
    )
    apart = np.maximum(abs(own - expected.scores), abs(found.scores - expected.scores))
    short = (found.items == 0) != (expected.items == 0)
    return int((~(apart <= tolerance) | short).any(axis=1).sum())


def lists_of_graph(graph: Path, histories: Sequence[Numbers]) -> Lists:
    """Return what onnxruntime makes of a graph, in batches of different sizes."""
    import onnxruntime

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    parts = []
    for batch in batches(histories):
        feeds = {"histories": padded(batch), "k": np.array([K]), "keep_seen": np.array(False)}
        if any(given.name == "users" for given in session.get_inputs()):
            feeds["users"] = np.zeros(len(batch), np.int64)
        parts.append(session.run(["items", "scores"], feeds))
    items, scores = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Lists(items, np.where(items == 0, 0.0, scores))


def batches(histories: Sequence[Numbers]) -> list[Sequence[Numbers]]:
    """Cut histories into batches, the first of one, each twice as long as the one before."""
    stops = [2**power - 1 for power in range(len(histories).bit_length())] + [len(histories)]
    return [histories[first:stop] for first, stop in pairwise(stops) if first < stop]


def lists_of_model(trained: TrainedModel, histories: Sequence[Numbers]) -> Lists:
    """Return the model's own lists."""
    from seqrec.recommendation.given_histories import Histories
    from seqrec.recommendation.recommender import Recommender

    users = pa.array(range(len(histories))).cast(pa.string())
    lengths = np.array([len(history) for history in histories])
    known = Histories.of(users, np.concatenate(histories), lengths)
    made = Recommender(trained, device="cpu").lists(known, K)
    counts = np.diff(made.offsets)
    rows = np.repeat(np.arange(len(counts)), counts)
    # places, not ranks: among these, padding has one under protocol authors
    places = (rows, np.arange(len(rows)) - made.offsets[rows])
    shape = (len(histories), min(K, len(trained.items)))
    lists = Lists(np.zeros(shape, np.int64), np.zeros(shape))
    lists.items[places], lists.scores[places] = made.items, made.scores
    return lists
