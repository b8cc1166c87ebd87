"""Histories column by column: what is real, longest history first."""

import torch

from seqrec.models.parts.columns import may_walk, real_columns

HISTORIES = torch.tensor([[0, 0, 5], [0, 0, 0], [7, 8, 9], [0, 3, 4]])


def test_columns_hold_the_longest_histories_first() -> None:
    columns = real_columns(HISTORIES)
    assert columns.order.tolist() == [2, 3, 0, 1]
    assert columns.counts == [1, 2, 3]
    assert HISTORIES.flatten()[columns.places].tolist() == [7, 8, 3, 9, 4, 5]


def test_columns_without_any_item_are_left_out() -> None:
    assert real_columns(HISTORIES[:2]).counts == [1]
    nothing = real_columns(HISTORIES[1:2])
    assert nothing.counts == []
    assert nothing.places.tolist() == []
    assert nothing.order.tolist() == [0]


def test_a_zero_between_items_is_one_of_them() -> None:
    histories = torch.tensor([[0, 4, 0, 5]])
    columns = real_columns(histories)
    assert histories.flatten()[columns.places].tolist() == [4, 0, 5]


def test_nothing_depends_on_lengths_where_that_would_wait() -> None:
    x = torch.zeros(1)
    assert may_walk(x)
    assert not may_walk(x.to("meta"))
    with torch.autocast("cpu", torch.bfloat16):
        assert not may_walk(x)
