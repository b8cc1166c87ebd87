"""Small logs for the models without training, and plain forms of what these count."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from seqrec.batches import SPLITS, Sequences
from seqrec.evaluation.evaluate import evaluate
from seqrec.models import counting_class, model_config
from seqrec.models.parts.counting import CountingModel, Counts
from seqrec.parameters.sections import EvaluationOptions
from seqrec.training.run import TrainingResult

Floats = npt.NDArray[np.float64]


def sequences_of(*users: Sequence[int], num_items: int) -> Sequences:
    """Return training parts as sequences; item 1 follows each, for validation and for test."""
    return split_off(*([*items, 1, 1] for items in users), num_items=num_items)


def split_off(*whole: Sequence[int], num_items: int) -> Sequences:
    """Return sequences whose last two items, if there are three, are for validation and test."""
    lengths = [len(items) for items in whole]
    split = [[0] * (length - 2) + [1, 2] if length > 2 else [0] * length for length in lengths]
    return Sequences(
        np.concatenate([np.array(items) for items in whole]).astype(np.int32),
        np.concatenate([[0], np.cumsum(lengths)]),
        np.concatenate(split).astype(np.int8),
        num_items,
    )


def random_users(seed: int = 0, users: int = 30, num_items: int = 12) -> list[list[int]]:
    """Return training parts of 1 to 15 items, with repeats; the last item is in none of them."""
    rng = np.random.default_rng(seed)
    return [list(rng.integers(1, num_items, rng.integers(1, 16))) for _ in range(users)]


def fitted(
    name: str, users: Sequence[Sequence[int]], num_items: int, **options: float
) -> CountingModel:
    """Return a model with these options, counted."""
    config = model_config(name, dict(options), "standard", num_items)
    model = counting_class(name)(config)
    model.fit(Counts(sequences_of(*users, num_items=num_items), config))
    return model.eval()


def plain_transitions(
    users: Sequence[Sequence[int]], num_items: int, window: int, gamma: float
) -> Floats:
    """Return (V, V) how often one item follows another, weighted by distance."""
    table = np.zeros((num_items + 1, num_items + 1))
    for items in users:
        for place, item in enumerate(items):
            for distance, other in enumerate(items[place + 1 :][:window]):
                table[item, other] += gamma**distance
    return table


def plain_shared_users(users: Sequence[Sequence[int]], num_items: int) -> tuple[Floats, Floats]:
    """Return (V, V) how many users two items share, and (V,) how many each has."""
    has = np.zeros((len(users), num_items + 1))
    for row, items in zip(has, users, strict=True):
        row[list(items)] = 1
    shared = has.T @ has
    audience = shared.diagonal().copy()
    np.fill_diagonal(shared, 0)
    return shared, audience


def plain_sum(table: Floats, history: Sequence[int], last: int, decay: float) -> Floats:
    """Return (V,) the rows of the last items, each weighing ``decay`` times the next one."""
    total = np.zeros(len(table))
    for age, item in enumerate(reversed(history[-last:])):
        total += decay**age * table[item]
    return total


def plain_ties(users: Sequence[Sequence[int]], num_items: int) -> Floats:
    """Return (V,) what popularity adds."""
    counts = np.bincount(np.concatenate(users), minlength=num_items + 1)
    ties: Floats = 1e-4 * counts / counts.max()
    return ties


def table_of(sequences: Sequences) -> pa.Table:
    """Return sequences as the table that the pipeline writes."""
    lengths = np.diff(sequences.offsets)
    positions = np.arange(len(sequences.items)) - np.repeat(sequences.offsets[:-1], lengths)
    return pa.table(
        {
            "user_index": np.repeat(np.arange(1, len(lengths) + 1), lengths).astype(np.int32),
            "position": positions.astype(np.int32),
            "item_index": sequences.items,
            "timestamp": positions,
            "split": np.array(SPLITS)[sequences.split],
        }
    )


def ranks_of_test(sequences: Sequences, result: TrainingResult) -> list[float]:
    """Return the ranks of the test targets."""
    ranks = evaluate(
        result.trained, table_of(sequences), options=EvaluationOptions(), device="cpu"
    ).ranks
    in_test = ranks.filter(pa.compute.equal(ranks["split"], "test"))
    values: list[float] = in_test["rank"].to_pylist()
    return values
