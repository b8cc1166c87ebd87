"""Pairs of items, by hand and against plain forms."""

import numpy as np
import pytest

from seqrec.evidence import pairs
from seqrec.evidence.pairs import Pairs, blocks, lagged_pairs, shared_users
from tests.counted import Floats, plain_shared_users, plain_transitions, random_users, sequences_of


def dense(counted: Pairs) -> Floats:
    table = np.zeros((counted.num_items + 1, counted.num_items + 1))
    table[counted.first, counted.second] = counted.values
    assert np.count_nonzero(table) == len(counted.values)
    order = np.lexsort((counted.second, counted.first))
    assert np.array_equal(order, np.arange(len(order)))
    return table


def test_lags_by_hand() -> None:
    """1 2 1: 2 after 1 and before 1, 1 two places after (and before) itself."""
    counted = lagged_pairs(sequences_of([1, 2, 1], [2], num_items=3), longest=2)
    starts = [*counted.starts, len(counted.lags)]
    listed = {
        (int(first), int(second)): list(
            zip(counted.lags[begin:end].tolist(), counted.counts[begin:end].tolist(), strict=True)
        )
        for first, second, begin, end in zip(
            counted.first, counted.second, starts[:-1], starts[1:], strict=True
        )
    }
    assert listed == {
        (1, 1): [(-2, 1), (2, 1)],
        (1, 2): [(-1, 1), (1, 1)],
        (2, 1): [(-1, 1), (1, 1)],
    }


@pytest.mark.parametrize("reverse", [0.0, 0.4, 1.0])
@pytest.mark.parametrize(("window", "longest"), [(1, 1), (2, 5), (5, 5), (30, 30)])
def test_weighted_lags_equal_a_plain_form(window: int, longest: int, reverse: float) -> None:
    users = random_users()
    counted = lagged_pairs(sequences_of(*users, num_items=12), longest)
    expected = plain_transitions(users, 12, window, gamma=0.7)
    weighted = counted.weighted(window, 0.7, reverse)
    np.testing.assert_allclose(dense(weighted), expected + reverse * expected.T)
    sums = weighted.sums()
    np.testing.assert_allclose(sums[0], dense(weighted).sum(axis=1))
    np.testing.assert_allclose(sums[1], dense(weighted).sum(axis=0))


@pytest.mark.parametrize("at_once", [1, 7, 4_000_000])
def test_shared_users_equal_a_plain_form(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few pairs are expanded at a time."""
    monkeypatch.setattr(pairs, "AT_ONCE", at_once)
    users = random_users()
    counted = shared_users(sequences_of(*users, num_items=12), neighbours=12)
    shared, audience = plain_shared_users(users, 12)
    assert np.array_equal(dense(counted.pairs), shared)
    assert np.array_equal(counted.users, audience)


@pytest.mark.parametrize("neighbours", [1, 3, 11])
def test_the_nearest_neighbours_are_those_of_the_highest_cosine(neighbours: int) -> None:
    users = random_users(users=12)
    counted = dense(shared_users(sequences_of(*users, num_items=12), neighbours).pairs)
    shared, audience = plain_shared_users(users, 12)
    cosine = shared / np.sqrt(np.outer(np.maximum(audience, 1), np.maximum(audience, 1)))
    for item in range(1, 13):
        best = sorted(np.flatnonzero(shared[item]), key=lambda other: -cosine[item, other])
        assert set(np.flatnonzero(counted[item])) == set(best[:neighbours])


def test_one_item_a_user_makes_no_pairs() -> None:
    log = sequences_of([1], [2], num_items=2)
    assert len(lagged_pairs(log, 3).weighted(2, 0.5).values) == 0
    assert len(shared_users(log, 5).pairs.values) == 0


def test_blocks_are_as_large_as_may_be() -> None:
    assert list(blocks(np.array([2, 2, 1, 9, 0, 3]), 5)) == [(0, 3), (3, 4), (4, 6)]
