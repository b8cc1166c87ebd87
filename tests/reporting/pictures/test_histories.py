"""Which histories are chosen, on a table that can be read."""

import numpy as np
import pytest

from seqrec.batches import Sequences
from seqrec.errors import SeqrecError
from seqrec.reporting.pictures.histories import longest_histories


def sequences(*lengths: int) -> Sequences:
    """Users with so many items before two last ones, valid and test; items count up from 1."""
    splits = [[0] * (length - 1) + [1, 2] for length in lengths]
    split = np.concatenate([np.array(one, dtype=np.int8) for one in splits])
    offsets = np.cumsum([0, *(length + 1 for length in lengths)])
    items = np.arange(1, len(split) + 1, dtype=np.int32)
    return Sequences(items=items, offsets=offsets, split=split, num_items=len(items))


DATA = sequences(3, 6, 4, 6)
"""Histories 1–3, 5–10, 12–15 and 17–22; 4, 11, 16 and 23 are test items."""


def test_the_longest_before_the_test_part() -> None:
    chosen = longest_histories(DATA, max_len=50, users=2)
    assert chosen.tolist() == [[5, 6, 7, 8, 9, 10], [17, 18, 19, 20, 21, 22]]


def test_the_shortest_of_the_chosen_gives_the_width() -> None:
    chosen = longest_histories(DATA, max_len=50, users=3)
    assert chosen.tolist() == [[7, 8, 9, 10], [12, 13, 14, 15], [19, 20, 21, 22]]


def test_a_model_reads_its_last_items() -> None:
    assert longest_histories(DATA, max_len=2, users=9).tolist() == [
        [2, 3],
        [9, 10],
        [14, 15],
        [21, 22],
    ]


def test_of_equal_lengths_the_first_users() -> None:
    assert longest_histories(DATA, max_len=5, users=1).tolist() == [[6, 7, 8, 9, 10]]


def test_full_ones_alone() -> None:
    chosen = longest_histories(DATA, max_len=5, users=4, full=True)
    assert chosen.tolist() == [[6, 7, 8, 9, 10], [18, 19, 20, 21, 22]]


def test_one_item_is_no_history_to_look_at() -> None:
    assert longest_histories(sequences(1, 2, 1), max_len=5).tolist() == [[3, 4]]


@pytest.mark.parametrize(
    ("data", "full", "message"),
    [(DATA, True, "no history of 50 items.*smaller max_len"), (sequences(1), False, "longer seq")],
)
def test_no_such_history_is_one_clear_line(data: Sequences, full: bool, message: str) -> None:
    with pytest.raises(SeqrecError, match=message) as caught:
        longest_histories(data, max_len=50, full=full)
    assert "\n" not in str(caught.value)
