"""Sums of rows over histories against the recursion, item by item."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from seqrec.evidence import channels, evidence_lists
from seqrec.evidence.channels import CHANNELS, FORGOTTEN, Channel, channel_sums
from seqrec.evidence.evidence_lists import divided_sums, evidence_after, largest_values
from seqrec.evidence.held_columns import held_columns
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


@pytest.mark.parametrize("seed", range(3))
def test_held_columns_are_those_of_whole_rows(seed: int) -> None:
    """The plain form passes over the whole catalog."""
    tables = of_users(random_users(seed))
    generator = np.random.default_rng(seed)
    histories = padded([generator.integers(1, ITEMS + 1, n).tolist() for n in (1, 4, 30, 2, 300)])
    whole, held = divided_sums(tables, histories), held_columns(tables, histories)
    begins = [0, *held.counts.cumsum(0).tolist()]
    for row, (begin, end) in enumerate(pairwise(begins)):
        columns = held.columns[begin:end]
        assert columns.unique().equal(columns)
        torch.testing.assert_close(held.values[:, begin:end], whole[:, row, columns])
        others = torch.ones(tables.size, dtype=torch.bool).index_fill(0, columns, False)
        assert not whole[:, row, others].any()
    torch.testing.assert_close(held.largest(), whole.amax(dim=2))


@pytest.mark.parametrize("at_once", [1, 1 << 20])
def test_lists_by_held_columns_are_the_same(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tables, scales = of_users(random_users()), torch.tensor([0.5, 1.0, 1.5, 1.0, 2.0, 3.0])
    whole = evidence_after(tables, padded(HISTORIES), scales, length=9)
    largest = largest_values(tables, padded(HISTORIES))
    monkeypatch.setattr(evidence_lists, "WIDE", 0)
    monkeypatch.setattr(evidence_lists, "ENTRIES_AT_ONCE", at_once)
    held = evidence_after(tables, padded(HISTORIES), scales, length=9)
    for mine, plain in zip(held, whole, strict=True):
        torch.testing.assert_close(mine, plain)
    torch.testing.assert_close(largest_values(tables, padded(HISTORIES)), largest)


def test_a_list_does_not_depend_on_its_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """After item 1 hundreds of items are alike, and the cut at K goes between them."""
    monkeypatch.setattr(evidence_lists, "WIDE", 0)
    alike = [[1, item] for item in range(3, 500)] + [[2, item] for item in range(3, 1000)]
    tables = of_users(alike, num_items=1000)
    histories = padded([[1], [2], [1, 2], [7, 1], [2, 1]])
    together = evidence_after(tables, histories, torch.ones(6), length=20)
    for row, history in enumerate(histories):
        alone = evidence_after(tables, history[None], torch.ones(6), length=20)
        for mine, plain in zip(alone, together, strict=True):
            assert mine[0].equal(plain[row])
    assert together.columns[0].tolist() == list(range(3, 23))  # of those alike the first
    assert not len(evidence_after(tables, histories[:0], torch.ones(6), length=20).columns)


def test_items_of_the_history_have_no_evidence() -> None:
    values = divided_sums(of_users(random_users()), padded(HISTORIES))
    for row, history in enumerate(HISTORIES):
        assert not values[:, row, [0, *history]].any()


def test_nothing_known_of_an_item_is_an_empty_list() -> None:
    found = evidence_after(of_users([[1, 2], [2, 1]]), torch.tensor([[ITEMS]]), torch.ones(6), 4)
    assert not found.columns.any()
    assert not found.features.any()
