"""States whose likeness is known by hand."""

import numpy as np
import pytest
import torch

from seqrec.reporting.pictures.depth import Stack
from seqrec.reporting.pictures.oversmoothing import (
    position_similarity,
    similarity_by_depth,
    singular_values,
    singular_values_by_depth,
)

EQUAL = torch.tensor([3.0, -1.0, 2.0]).expand(4, 3)
ORTHOGONAL = torch.tensor([[5.0, 0, 0], [0, 2, 0], [0, 0, 1]])


def test_equal_positions_are_alike() -> None:
    assert position_similarity(EQUAL[None]).tolist() == pytest.approx([1.0])


def test_orthogonal_positions_are_not() -> None:
    assert position_similarity(ORTHOGONAL[None]).tolist() == pytest.approx([0.0], abs=1e-12)


def test_pairs_by_hand() -> None:
    """Cosines 1, 0 and 0 of three positions; lengths do not count."""
    states = torch.tensor([[[1.0, 0], [9.0, 0], [0, 2.0]], [[1.0, 0], [-1.0, 0], [1.0, 0]]])
    np.testing.assert_allclose(position_similarity(states), [1 / 3, -1 / 3])


def test_a_matrix_of_rank_one_has_one_singular_value() -> None:
    states = torch.outer(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([4.0, 5.0]))[None]
    np.testing.assert_allclose(singular_values(states), [[1.0, 0.0]], atol=1e-7)


def test_singular_values_are_shares_of_the_largest() -> None:
    np.testing.assert_allclose(singular_values(ORTHOGONAL[None]), [[1.0, 0.4, 0.2]])


def test_depths_are_counted_from_the_embeddings() -> None:
    before, after = ORTHOGONAL.repeat(2, 1, 1), torch.ones(2, 3, 3)
    stack = Stack("short", [before, after], [])
    values = singular_values_by_depth(stack)
    assert values.columns.tolist() == ["branch", "depth", "index", "singular_value"]
    assert values["depth"].tolist() == [0, 0, 0, 1, 1, 1]
    assert values["index"].tolist() == [1, 2, 3] * 2
    expected = [1, 0.4, 0.2, 1, 0, 0]
    np.testing.assert_allclose(values["singular_value"], expected, atol=1e-12)
    assert set(values["branch"]) == {"short"}


def test_similarity_is_a_mean_over_histories() -> None:
    """Two histories, one with equal positions and one with opposite ones."""
    opposite = torch.tensor([[1.0, 0], [-1.0, 0]])
    equal = torch.tensor([[1.0, 0], [1.0, 0]])
    table = similarity_by_depth(Stack("all", [torch.stack([equal, opposite])], []))
    row = table.iloc[0]
    assert (row["branch"], row["depth"]) == ("all", 0)
    assert row["similarity"] == pytest.approx(0)
    assert row["deviation"] == pytest.approx(np.sqrt(2))
