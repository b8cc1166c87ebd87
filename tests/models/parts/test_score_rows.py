"""The table of scores, dense and sparse, against a plain form."""

import numpy as np
import pytest
import torch
from torch import Tensor

from seqrec.evidence.pairs import Pairs
from seqrec.models.parts.score_rows import ScoreRows


def pairs_of(table: Tensor) -> Pairs:
    first, second = np.nonzero(table.numpy())
    values = table.numpy()[first, second].astype(np.float64)
    return Pairs(first.astype(np.int32), second.astype(np.int32), values, len(table) - 1)


def filled(share: float, num_items: int = 30) -> tuple[ScoreRows, Tensor]:
    torch.manual_seed(0)
    table = torch.rand(num_items + 1, num_items + 1)
    table *= torch.rand_like(table) < share
    table[0] = table[:, 0] = 0
    rows = ScoreRows(num_items)
    rows.fill(pairs_of(table))
    return rows, table


@pytest.mark.parametrize("share", [0.0, 0.05, 0.9])
def test_sums_equal_a_plain_form(share: float) -> None:
    rows, table = filled(share)
    histories = torch.randint(0, 31, (7, 5))
    histories[0] = 4  # again and again
    weights = torch.tensor([0.1, 0.2, 0.4, 0.8, 1.0])
    expected = (table[histories] * weights[:, None]).sum(dim=1)
    torch.testing.assert_close(rows(histories, weights), expected)
    torch.testing.assert_close(rows._sum_entries(histories, weights), expected)
    assert torch.equal(rows.table(), table)


def test_a_new_fill_is_a_new_table() -> None:
    rows, table = filled(0.9)
    rows.table()
    rows.fill(pairs_of(2 * table))
    assert torch.equal(rows.table(), 2 * table)


@pytest.mark.parametrize("share", [0.05, 0.9])
def test_a_saved_table_is_loaded_into_an_empty_one(share: float) -> None:
    rows, table = filled(share)
    other = ScoreRows(30)
    other.load_state_dict(rows.state_dict())
    assert torch.equal(other.table(), table)


def test_a_table_of_other_items_is_refused() -> None:
    rows, _ = filled(0.5)
    with pytest.raises(RuntimeError, match="size mismatch for offsets"):
        ScoreRows(31).load_state_dict(rows.state_dict())


def test_a_damaged_table_is_refused() -> None:
    state = dict(filled(0.5)[0].state_dict())
    state["columns"] = state["columns"][:-1]
    with pytest.raises(ValueError, match="do not belong together"):
        ScoreRows(30).load_state_dict(state)
