"""Sums of rows over histories against the recursion, item by item."""

import numpy as np
import pytest
import torch

from seqrec.evidence import channels
from seqrec.evidence.channels import CHANNELS, FORGOTTEN, Channel, channel_sums
from seqrec.evidence.evidence_lists import divided_sums, evidence_after
from tests.counted import random_users
from tests.evidence.logs import ITEMS, Plain, of_users
from tests.golden_lists import told

HISTORIES = [[3], [5, 5, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2, 3], [9, 1] * 30]


def padded(histories: list[list[int]]) -> torch.Tensor:
    width = max(map(len, histories))
    return torch.tensor([[0] * (width - len(items)) + items for items in histories])


@pytest.mark.parametrize("dense_from", [8, 0])
def test_equal_the_recursion(dense_from: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whole tables, and entry by entry."""
    monkeypatch.setattr(channels, "DENSE_FROM", dense_from)
    users = random_users()
    sums = channel_sums(of_users(users), padded(HISTORIES))
    expected = np.stack([Plain(users).sums(items) for items in HISTORIES], axis=1)
    np.testing.assert_allclose(sums.numpy(), expected, rtol=1e-4, atol=1e-4)


def test_an_item_counts_until_it_weighs_next_to_nothing() -> None:
    assert Channel(0, 0.0).reach == 1
    for channel in CHANNELS[1:]:
        assert channel.decay ** (channel.reach - 1) >= FORGOTTEN > channel.decay**channel.reach


def test_lists_hold_the_strongest_items_and_what_is_told_of_them() -> None:
    users = random_users()
    tables, plain = of_users(users), Plain(users)
    scales = torch.tensor([0.5, 1.0, 1.5, 1.0, 2.0, 3.0])
    found = evidence_after(tables, padded(HISTORIES), scales, length=5)
    for row, history in enumerate(HISTORIES):
        values = plain.values(history) / scales.numpy()[:, None]
        expected = told(values, plain.degrees, history, 5)
        assert found.columns[row].tolist() == expected.columns
        np.testing.assert_allclose(found.features[row].numpy(), expected.features, atol=2e-4)
        np.testing.assert_allclose(found.moments[row].numpy(), expected.moments, atol=2e-4)


def test_items_of_the_history_have_no_evidence() -> None:
    values = divided_sums(of_users(random_users()), padded(HISTORIES))
    for row, history in enumerate(HISTORIES):
        assert not values[:, row, [0, *history]].any()


def test_nothing_known_of_an_item_is_an_empty_list() -> None:
    found = evidence_after(of_users([[1, 2], [2, 1]]), torch.tensor([[ITEMS]]), torch.ones(6), 4)
    assert not found.columns.any()
    assert not found.features.any()
