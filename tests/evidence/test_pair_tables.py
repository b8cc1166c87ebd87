"""Counted tables against plain ones."""

import numpy as np
import pytest
import torch

from seqrec.evidence import pair_tables as module
from seqrec.evidence.pair_tables import KINDS, Tables, count_pairs
from tests.counted import random_users, sequences_of
from tests.evidence.logs import ITEMS, Plain, dense, of_users, tables_of


@pytest.mark.parametrize("at_once", [1, 300, 4_000_000])
def test_equal_plain_counts(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few pairs are counted at a time; users with repeats, and of one item."""
    monkeypatch.setattr(module, "AT_ONCE", at_once)
    users = [*random_users(), [3], [5, 5, 5], list(range(1, 13)) * 3]
    tables, plain = of_users(users), Plain(users)
    for kind in range(len(KINDS)):
        np.testing.assert_allclose(dense(tables, kind), plain.counts[kind], rtol=1e-6)
        for item in range(1, ITEMS + 1):
            weight = plain.source_weight(kind, item)
            assert float(tables.sources[kind, item]) == pytest.approx(weight, rel=1e-6)
    for ours, theirs in zip(tables.degrees, vars(plain.degrees).values(), strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-6)


def test_many_items_and_few_pairs() -> None:
    users = [[1, 900, 7, 900], [7, 1], [900, 2, 1]]
    counts, plain = count_pairs(sequences_of(*users, num_items=1000), 1000), Plain(users, 1000)
    for kind in range(len(KINDS)):
        table = np.zeros((1001, 1001))
        table[counts.first, counts.second] = counts.values[kind]
        np.testing.assert_allclose(table, plain.counts[kind], rtol=1e-6)


def test_an_item_keeps_its_strongest_neighbours() -> None:
    users = random_users(users=60)
    sequences = sequences_of(*users, num_items=ITEMS)
    whole, few = tables_of(sequences), tables_of(sequences, neighbours=4)
    weighed = sum(
        whole.dense(kind) * whole.sources[kind][:, None] / whole.divisors[kind]
        for kind in range(len(KINDS))
    )
    assert isinstance(weighed, torch.Tensor)
    for item in range(1, ITEMS):
        kept = few.columns[few.offsets[item] : few.offsets[item + 1]]
        lost = [j for j in range(1, ITEMS) if j not in kept.tolist()]
        assert len(kept) == 4
        assert weighed[item, kept.long()].min() >= weighed[item, lost].max()
    assert torch.equal(few.degrees, whole.degrees)


def test_they_lie_in_a_state_and_come_back() -> None:
    tables, other = of_users(random_users()), Tables(ITEMS)
    other.load_state_dict(tables.state_dict())
    for name, tensor in tables.named_buffers():
        assert torch.equal(tensor, other.get_buffer(name)), name
    broken = {**tables.state_dict(), "columns": tables.columns[1:]}
    with pytest.raises(ValueError, match="do not belong together"):
        Tables(ITEMS).load_state_dict(broken)
