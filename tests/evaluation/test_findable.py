"""Targets that stand in their user's own history."""

import logging
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec.batches import SPLITS, Examples, Sequences, evaluation_examples
from seqrec.errors import SeqrecError
from seqrec.evaluation.findable import are_repeats, check_findable
from seqrec.protocol import ranking_rules

TRAIN, VALID, TEST = map(SPLITS.index, ("train", "valid", "test"))


def sequences_of(users: list[list[int]], valid: int = 1) -> Sequences:
    """Users' items; of each the last is for test, so many before it for validation."""
    split = [[TRAIN] * (len(items) - valid - 1) + [VALID] * valid + [TEST] for items in users]
    return Sequences(
        np.concatenate(users),
        np.cumsum([0, *map(len, users)]),
        np.concatenate(split).astype(np.int8),
        9,
    )


def ranker_of(sequences: Sequences, *choice: Any) -> Any:
    """What is asked of a ranker: its targets and rules."""
    return SimpleNamespace(examples=targets_of(sequences), rules=ranking_rules(*choice))


def targets_of(sequences: Sequences) -> Examples:
    return evaluation_examples(sequences, "valid", 50, "standard")


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.lists(st.integers(1, 9), min_size=4, max_size=9), min_size=1, max_size=6),
    st.integers(1, 2),
)
def test_as_by_looking_into_every_history(users: list[list[int]], valid: int) -> None:
    sequences = sequences_of(users, valid)
    expected = [
        items[place] in items[:place]
        for items in users
        for place in range(len(items) - valid - 1, len(items) - 1)
    ]
    assert are_repeats(sequences, targets_of(sequences)).tolist() == expected


def test_nothing_to_find_is_refused_and_little_is_said(caplog: pytest.LogCaptureFixture) -> None:
    again, new = [1, 2, 1, 3], [1, 2, 3, 4]
    caplog.set_level(logging.INFO)
    for users, said in (([new] * 3 + [again], 0), ([new, again], 1)):
        caplog.clear()
        sequences = sequences_of(users)
        check_findable(sequences, ranker_of(sequences, "standard"))
        assert len(caplog.messages) == said
    assert "1 of 2 validation targets stand in their user's own history" in caplog.text
    nothing = sequences_of([again, again])
    with pytest.raises(SeqrecError, match=r"all 2 validation targets .*seen_items=keep"):
        check_findable(nothing, ranker_of(nothing, "standard"))
    for others in (("standard", "keep"), ("authors",)):
        check_findable(nothing, ranker_of(nothing, *others))
