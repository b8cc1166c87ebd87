"""The best of many scores beside a stable sort of all of them."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seqrec.recommendation.best import best, best_of_blocks

FEW = (0.0, 1.0, 2.0, -float("inf"))
"""So few different scores that most are equal."""


def sorted_plainly(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    values, columns = scores.sort(dim=1, descending=True, stable=True)
    return values[:, :k], columns[:, :k]


def same(found: tuple[Tensor, Tensor], expected: tuple[Tensor, Tensor]) -> None:
    assert torch.equal(found[0], expected[0])
    real = ~torch.isneginf(expected[0])  # what is out of the list may come in any order
    assert torch.equal(found[1][real], expected[1][real])


@given(st.data(), st.integers(1, 5), st.integers(1, 30), st.integers(1, 35))
def test_equal_scores_come_by_their_columns(data: st.DataObject, b: int, n: int, k: int) -> None:
    rows = st.lists(st.sampled_from(FEW), min_size=n, max_size=n)
    scores = torch.tensor(data.draw(st.lists(rows, min_size=b, max_size=b)))
    same(best(scores, k), sorted_plainly(scores, k))


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 12), st.integers(1, 50))
def test_blocks_of_columns_give_the_same(seed: int, n: int, size: int, k: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randint(0, 6, (4, n), generator=generator).float()
    same(best_of_blocks(scores.split(size, dim=1), k), sorted_plainly(scores, k))


def test_a_score_that_is_no_number_comes_first_where_it_is_noticed() -> None:
    scores = torch.tensor([[1.0, float("nan"), 1.0, 1.0], [1.0, 2.0, 2.0, 2.0]])
    values, columns = best(scores, 2)
    assert torch.isnan(values[0, 0])
    assert columns[1].tolist() == [1, 2]
