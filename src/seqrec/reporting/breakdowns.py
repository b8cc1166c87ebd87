"""Quality by what is known of a target: history, popularity, transition, repetition.

By the frequency of the transition from the last item to the target, MQSA-TED's authors compare
models (WSDM 2024, arXiv 2311.01056). The facts of a target are the data's, the same for all
models, and are computed once a data set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.cell import Cell
from seqrec.errors import SeqrecError
from seqrec.evaluation.metrics import Floats, Integers, mean_and_error
from seqrec.reporting.cells import RankedTargets, Ranks, grouped, ranked_targets

METRICS = ("HR@10", "NDCG@10")
COLUMNS = (
    "dataset",
    "protocol",
    "model",
    "by",
    "group",
    "order",
    "targets",
    "metric",
    "value",
    "standard_error",
)
REPEATS = ("new", "repeat")


@dataclass(frozen=True)
class Kind:
    """One way to group targets."""

    name: str
    fact: str
    """The column of the facts it looks at."""
    edges: tuple[int, ...]
    """First values of the second group and all further ones."""
    labels: tuple[str, ...] = field(default=())
    """Names of the groups; by default the values they span."""

    def names(self) -> tuple[str, ...]:
        """Return the groups by name, in order: ``0``, ``1–4``, ``5+`` for edges (1, 5)."""
        if self.labels:
            return self.labels
        firsts = (0, *self.edges)
        spans = [
            str(first) if after - first == 1 else f"{first}–{after - 1}"
            for first, after in zip(firsts, self.edges, strict=False)
        ]
        return (*spans, f"{firsts[-1]}+")

    def groups(self, facts: pd.DataFrame) -> npt.NDArray[np.intp]:
        """Return (T,) the group of each target, from 0."""
        return np.searchsorted(self.edges, facts[self.fact].to_numpy(), side="right")


KINDS = (
    Kind("history length", "position", (1, 5, 10, 20, 50, 100)),
    Kind("target popularity", "popularity", (1, 5, 10, 20, 50, 100)),
    Kind("transition frequency", "transitions", (1, 2, 3, 5)),
    Kind("repeated target", "repeat", (1,), REPEATS),
)


def target_facts(sequences: pa.Table, transition_graph: pa.Table) -> pd.DataFrame:
    """Return what the data say of every validation and test target.

    Args:
        sequences: user_index, position, item_index, split; sorted by user and position.
        transition_graph: source_item, target_item, count.

    Returns:
        split, user_index, position (also the length of the history), item_index, popularity
        (training interactions of the target; 0 is cold), transitions (how often the training
        part has the transition from the last item; 0 too where there is none), repeat (whether
        the target stands in its history already). Sorted as the sequences are.
    """
    users, positions, items = (
        sequences[name].to_numpy().astype(np.int64)
        for name in ("user_index", "position", "item_index")
    )
    split = sequences["split"]
    train = pc.equal(split, "train").to_numpy()
    targets = np.flatnonzero(~train)
    size = int(items.max(initial=0)) + 1
    popularity = np.bincount(items[train], minlength=size)
    before = items[np.maximum(targets - 1, 0)]
    again = pd.Series(users * size + items).duplicated().to_numpy()
    has_history = positions[targets] > 0
    transitions = _counts(transition_graph, before, items[targets])
    return pd.DataFrame(
        {
            "split": pd.Series(split.take(targets).to_pylist(), dtype="str"),
            "user_index": users[targets],
            "position": positions[targets],
            "item_index": items[targets],
            "popularity": popularity[items[targets]],
            "transitions": np.where(has_history, transitions, 0),
            "repeat": again[targets],
        }
    )


def breakdowns(
    ranks: Ranks,
    facts: Mapping[str, pd.DataFrame],
    *,
    metrics: Sequence[str] = METRICS,
    kinds: Sequence[Kind] = KINDS,
) -> pd.DataFrame:
    """Return the quality of every model on groups of the test targets.

    Args:
        ranks: by cell.
        facts: by data set, as from ``target_facts``.
        metrics: labels.
        kinds: how the targets are grouped.

    Returns:
        dataset, protocol, model, by (the kind), group, order (of the group, from 0), targets,
        metric, value (mean over seeds and targets), standard_error (over users; null for one).
        Groups without targets have no row.

    Raises:
        SeqrecError: a cell ranked other targets than the sequences hold.
    """
    rows: list[tuple[Any, ...]] = []
    for group, cells in grouped(ranks).items():
        tests = facts[group.dataset]
        tests = tests[tests["split"] == "test"]
        for cell in cells:
            targets = ranked_targets(cell, ranks[cell])
            of_targets = facts_of(cell, targets, tests)
            rows += [
                (*group, cell.model, *row)
                for kind in kinds
                for row in _rows(kind, targets, of_targets, metrics)
            ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(
        {"value": float, "standard_error": float}
    )


def facts_of(cell: Cell, targets: RankedTargets, facts: pd.DataFrame) -> pd.DataFrame:
    """Return the facts of ranked targets, row by row.

    Ranks hold no positions, and targets without history may be left out of them; these come
    first in their sequence, so a user's targets are matched from the last one backwards.

    Args:
        cell: whose targets they are, for the message.
        targets: T of them.
        facts: of all targets of their split.

    Returns:
        (T) rows of the facts.

    Raises:
        SeqrecError: the ranked targets are not those of the sequences.
    """
    keys, target_keys = (
        _keys(users) for users in (facts["user_index"].to_numpy(), targets.users.astype(np.int64))
    )
    order = np.argsort(keys)
    places = np.minimum(np.searchsorted(keys[order], target_keys), len(keys) - 1)
    matched = facts.iloc[order[places]] if len(keys) else facts
    same = len(keys) and np.array_equal(keys[order[places]], target_keys)
    if not same or not np.array_equal(matched["item_index"].to_numpy(), targets.items):
        raise SeqrecError(
            f"the ranks of {cell.id} are of other targets than the sequences of "
            f"{cell.dataset} hold; evaluate it again"
        )
    return matched


def _keys(users: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Number each user's rows from the last backwards, in one number with the user."""
    _, inverse, counts = np.unique(users, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return users * 2**31 + ends[inverse] - 1 - np.arange(len(users))


def _counts(graph: pa.Table, sources: Integers, targets: Integers) -> npt.NDArray[np.int64]:
    """Return how often each transition stands in the graph."""
    from_item, to_item, count = (
        graph[name].to_numpy().astype(np.int64) for name in ("source_item", "target_item", "count")
    )
    if not len(count):
        return np.zeros(len(sources), dtype=np.int64)
    size = int(max(to_item.max(), targets.max(initial=0))) + 1
    order = np.argsort(from_item * size + to_item, kind="stable")
    pairs, target_pairs = (from_item * size + to_item)[order], sources * size + targets
    places = np.minimum(np.searchsorted(pairs, target_pairs), len(pairs) - 1)
    return np.where(pairs[places] == target_pairs, count[order][places], 0)


def _rows(
    kind: Kind, targets: RankedTargets, facts: pd.DataFrame, metrics: Sequence[str]
) -> list[tuple[Any, ...]]:
    groups, names = kind.groups(facts), kind.names()
    rows: list[tuple[Any, ...]] = []
    for label in metrics:
        values: Floats = targets.gains(label).mean(axis=0)
        for number in np.unique(groups).tolist():
            of_group = groups == number
            measured = mean_and_error(values[of_group], targets.users[of_group])
            place = (kind.name, names[number], number, int(of_group.sum()), label)
            rows.append((*place, measured["value"], measured["standard_error"]))
    return rows
