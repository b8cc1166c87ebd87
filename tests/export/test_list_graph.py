"""The end of the graph, by hand: which items compete, and in which order."""

import math
from typing import Any

import numpy as np
import onnxruntime
import pytest

from seqrec.export.list_graph import lists
from seqrec.protocol import RankingRules

STANDARD = RankingRules(padding_competes=False, seen_score=-math.inf)
AUTHORS = RankingRules(padding_competes=True, seen_score=0.0)
WINDOW = RankingRules(padding_competes=False, seen_score=-math.inf, seen_in_window=True)
#          padding, items 1 to 5
SCORES = [[9.0, 0.5, 2.0, 0.5, -1.0, 2.0], [9.0, 1.0, 1.0, 1.0, 1.0, 1.0]]
HISTORIES = [[0, 0, 2], [1, 4, 3]]


@pytest.mark.parametrize(
    ("rules", "asked", "expected"),
    [
        (STANDARD, {}, [[5, 1, 3, 4], [2, 5, 0, 0]]),
        (STANDARD, {"k": 2}, [[5, 1], [2, 5]]),
        (STANDARD, {"k": 9}, [[5, 1, 3, 4, 0], [2, 5, 0, 0, 0]]),
        (STANDARD, {"keep_seen": True}, [[2, 5, 1, 3], [1, 2, 3, 4]]),
        (AUTHORS, {}, [[5, 1, 3, 2], [2, 5, 1, 3]]),
        (WINDOW, {}, [[5, 1, 3, 4], [1, 2, 5, 0]]),
    ],
)
def test_lists_by_hand(rules: RankingRules, asked: dict[str, Any], expected: list[Any]) -> None:
    graph = lists(5, rules, max_len=2)
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    items, scores = session.run(
        ["items", "scores"],
        {
            "all_scores": np.array(SCORES, np.float32),
            "histories": np.array(HISTORIES),
            "k": np.array([asked.get("k", 4)]),
            "keep_seen": np.array(asked.get("keep_seen", False)),
        },
    )
    assert items.tolist() == expected
    assert (np.isneginf(scores) == (items == 0)).all()


def test_an_empty_history_leaves_nothing_out() -> None:
    session = onnxruntime.InferenceSession(lists(5, STANDARD, max_len=2).SerializeToString())
    asked = {
        "all_scores": np.array(SCORES[:1], np.float32),
        "histories": np.zeros((1, 0), np.int64),
    }
    asked |= {"k": np.array([3]), "keep_seen": np.array(False)}
    assert session.run(["items"], asked)[0].tolist() == [[2, 5, 1]]
