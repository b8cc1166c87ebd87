import json
from collections import Counter

import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec.parameters.sections import TransitionOptions
from seqrec.preparation.transitions import count_transitions
from tests.authors import GOLDEN

GRAPH = GOLDEN / "mqsa_transition.npz"
Edges = dict[tuple[int, int], int]


def sequences(histories: list[list[int]], held_out: int = 0) -> ibis.Table:
    """The table ``sequences``; each user's last ``held_out`` items are for test."""
    rows = [
        (user, position, item, "test" if position >= len(history) - held_out else "train")
        for user, history in enumerate(histories, start=1)
        for position, item in enumerate(history)
    ]
    names = ("user_index", "position", "item_index", "split")
    types = (pa.int32(), pa.int32(), pa.int32(), pa.string())
    arrays = [pa.array([row[k] for row in rows], types[k]) for k in range(4)]
    return ibis.memtable(pa.table(dict(zip(names, arrays, strict=True))))


def counted(table: ibis.Table, time_span: int = 1, last_items: int | None = None) -> Edges:
    options = TransitionOptions(time_span=time_span, last_items=last_items)
    graph = count_transitions(table, options).to_pyarrow().to_pylist()
    edges = {(row["source_item"], row["target_item"]): row["count"] for row in graph}
    assert list(edges) == sorted(edges)
    assert len(edges) == len(graph)
    return edges


def plain(histories: list[list[int]], time_span: int, last_items: int | None = None) -> Edges:
    """Count with a double loop."""
    edges: Counter[tuple[int, int]] = Counter()
    for history in histories:
        recent = history if last_items is None else history[-last_items:]
        for t, source in enumerate(recent):
            for target in recent[t + 1 : t + 1 + time_span]:
                edges[source, target] += 1
    return dict(edges)


@pytest.mark.parametrize("time_span", [1, 3])
def test_golden(time_span: int) -> None:
    with np.load(GRAPH, allow_pickle=False) as golden:
        histories = [json.loads(text) for text in golden["train_seqs"]]
        expected = golden[f"transition_span{time_span}"]
    # the golden items count from 0, ours from 1
    edges = counted(sequences([[item + 1 for item in h] for h in histories]), time_span)
    graph = np.zeros_like(expected)
    for (source, target), count in edges.items():
        graph[source - 1, target - 1] = count
    np.testing.assert_array_equal(graph, expected)


def test_by_hand() -> None:
    table = sequences([[1, 2, 2, 1, 2], [3, 1]])
    assert counted(table) == {(1, 2): 2, (2, 1): 1, (2, 2): 1, (3, 1): 1}
    assert counted(table, last_items=2) == {(1, 2): 1, (3, 1): 1}
    two = {(1, 2): 3, (2, 1): 2, (2, 2): 2, (3, 1): 1}
    assert counted(table, time_span=2) == two


def test_only_the_training_part_counts() -> None:
    assert counted(sequences([[1, 2, 3, 4], [5, 6]], held_out=2)) == {(1, 2): 1}


def test_no_transition_at_all() -> None:
    assert counted(sequences([[1], [2]])) == {}


def test_schema() -> None:
    schema = count_transitions(sequences([[1, 2]]), TransitionOptions()).schema()
    assert {name: str(type_).lstrip("!") for name, type_ in schema.items()} == {
        "source_item": "int32",
        "target_item": "int32",
        "count": "int64",
    }


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=12), min_size=1, max_size=6),
    st.integers(1, 4),
    st.none() | st.integers(1, 6),
    st.integers(0, 2),
)
def test_equals_a_double_loop(
    histories: list[list[int]], time_span: int, last_items: int | None, held_out: int
) -> None:
    table = sequences(histories, held_out)
    training = [history[: max(len(history) - held_out, 0)] for history in histories]
    assert counted(table, time_span, last_items) == plain(training, time_span, last_items)
