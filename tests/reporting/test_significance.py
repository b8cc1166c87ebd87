"""The two tests of a difference, against plain forms and by hand."""

from itertools import permutations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqrec.cell import Cell
from seqrec.errors import SeqrecError
from seqrec.reporting import significance as module
from seqrec.reporting.significance import (
    best_in_validation,
    bootstrap_means,
    holm,
    permutation_p,
    significance,
    two_sided_p,
)
from tests.reporting.examples import A, B, ranks_table

C = Cell("tiny", "c", "standard")
SOME_P = st.lists(st.floats(0, 1), max_size=12)


def test_holm_by_hand() -> None:
    """Sorted .01 .02 .03 .04, times 4 3 2 1, never below the one before."""
    corrected = holm(np.array([0.03, 0.01, np.nan, 0.04, 0.02]))
    np.testing.assert_allclose(corrected, [0.06, 0.04, np.nan, 0.06, 0.06])
    assert holm(np.array([0.6, 0.7])).tolist() == [1.0, 1.0]


@given(SOME_P)
def test_holm_keeps_the_order_and_lies_between_plain_and_bonferroni(values: list[float]) -> None:
    plain = np.array(values)
    corrected = holm(plain)
    assert (corrected >= plain).all()
    assert (corrected <= np.minimum(1.0, plain * max(1, len(plain))) + 1e-12).all()
    assert (np.diff(corrected[np.argsort(plain, kind="stable")]) >= 0).all()


def test_the_bootstrap_is_a_plain_loop_over_drawn_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """Users with one to three targets; weights are made a few at a time."""
    monkeypatch.setattr(module, "WEIGHTS", 25)
    data = np.random.default_rng(3)
    counts = data.integers(1, 4, size=10)
    sums = data.random((10, 2))
    generator = np.random.default_rng(7)
    expected = []
    for _ in range(9):
        drawn = generator.integers(10, size=10)
        expected.append(
            [sum(sums[u, c] for u in drawn) / sum(counts[u] for u in drawn) for c in (0, 1)]
        )
    np.testing.assert_allclose(bootstrap_means(sums, counts, 9, seed=7), expected)


def test_the_bootstrap_spreads_as_the_standard_error_says() -> None:
    values = np.random.default_rng(0).random((400, 1))
    means = bootstrap_means(values, np.ones(400, dtype=np.int64), 4000, seed=1)
    error = values.std(ddof=1) / np.sqrt(400)
    assert means.mean() == pytest.approx(values.mean(), abs=error / 10)
    assert means.std() == pytest.approx(error, rel=0.05)


def test_p_is_twice_the_smaller_side() -> None:
    """Of 9 resamples 1 is below zero in the first column; the second is all zero."""
    means = np.column_stack([[-1, 1, 1, 1, 1, 1, 1, 1, 1], np.zeros(9)])
    assert two_sided_p(means).tolist() == pytest.approx([2 * 2 / 10, 1.0])


def test_seeds_by_hand() -> None:
    """Three against three, wholly apart: 2 of 20 ways are as extreme."""
    low, high = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])
    assert permutation_p(low, high, 10, 0) == pytest.approx(2 / 20)
    assert permutation_p(low, low, 10, 0) == 1.0


@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=3),
    st.lists(st.integers(0, 9), min_size=2, max_size=3),
)
def test_seeds_against_all_orders(first: list[int], second: list[int]) -> None:
    size = len(first)
    observed = abs(np.mean(first) - np.mean(second))
    orders = list(permutations(first + second))
    as_large = sum(
        abs(np.mean(order[:size]) - np.mean(order[size:])) >= observed - 1e-9 for order in orders
    )
    p = permutation_p(np.array(first, dtype=float), np.array(second, dtype=float), 10, 0)
    assert p == pytest.approx(as_large / len(orders))


def test_many_seeds_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.5, 3.5, 4.5, 6.0])
    exact = permutation_p(first, second, 10, 0)
    monkeypatch.setattr(module, "MOST_SPLITS", 69)
    drawn = permutation_p(first, second, 20_000, seed=5)
    assert drawn != exact
    assert drawn == pytest.approx(exact, abs=0.02)


def test_a_comparison_by_hand() -> None:
    """HR@1: a hits users 1 and 2 (both seeds), b user 1, and user 2 with one seed of two."""
    ranks = {
        A: ranks_table({1: [1, 1, 9, 9], 2: [1, 1, 9, 9]}, users=[1, 2, 3, 4]),
        B: ranks_table({1: [1, 9, 9, 9], 2: [1, 1, 9, 9]}, users=[1, 2, 3, 4]),
    }
    table = significance(ranks, metrics=["HR@1"], reference="a", resamples=500, seed=3)
    (row,) = table.to_dict("records")
    assert (row["model"], row["reference"], row["metric"]) == ("b", "a", "HR@1")
    assert (row["users"], row["seeds"], row["reference_seeds"]) == (4, 2, 2)
    assert row["difference"] == pytest.approx(-0.125)  # user 2 alone differs, by a half
    assert row["p_seeds"] == 1.0  # of .25, .5, .5, .5 the .25 lies on one side in any way
    generator = np.random.default_rng(3)
    plain = [-0.5 * (generator.integers(4, size=4) == 1).sum() / 4 for _ in range(500)]
    assert [row["low"], row["high"]] == pytest.approx(np.percentile(plain, [2.5, 97.5]).tolist())
    never_drawn = sum(difference == 0 for difference in plain)
    assert row["p"] == row["p_holm"] == pytest.approx(2 * (never_drawn + 1) / 501)


def test_the_reference_is_the_best_in_validation_and_not_in_test() -> None:
    good, bad = [1.0, 1.0], [9.0, 9.0]
    ranks = {
        cell: pa.concat_tables(
            ranks_table({1: p}, users=[1, 2], splits=(split,))
            for split, p in (("valid", valid), ("test", test))
        )
        for cell, valid, test in ((A, bad, good), (B, good, bad), (C, good, good))
    }
    assert best_in_validation(ranks) == "b"  # a tie with c: by name
    assert set(significance(ranks, resamples=10)["reference"]) == {"b"}


def test_another_model_changes_nothing_but_the_correction() -> None:
    some = np.random.default_rng(0)
    ranks = {
        cell: ranks_table({1: some.integers(1, 20, 30).tolist()}, users=range(1, 31))
        for cell in (A, B, C)
    }
    both = significance(ranks, reference="a", resamples=200)
    alone = significance({A: ranks[A], B: ranks[B]}, reference="a", resamples=200)
    kept = ["difference", "low", "high", "p"]
    of_b = both[both["model"] == "b"]
    np.testing.assert_allclose(of_b[kept].to_numpy(), alone[kept].to_numpy())


def test_one_cell_is_compared_with_nothing() -> None:
    table = significance({A: ranks_table({1: [1]}, users=[1])})
    assert len(table) == 0
    assert "p_holm" in table.columns


def test_cells_of_other_targets_are_refused() -> None:
    ranks = {A: ranks_table({1: [1, 2]}, [1, 2]), B: ranks_table({1: [1, 2]}, [1, 3])}
    with pytest.raises(SeqrecError, match="tiny/b/standard and tiny/a/standard ranked different"):
        significance(ranks, reference="a")


def test_a_reference_without_results_is_refused() -> None:
    ranks = {cell: ranks_table({1: [1]}, [1]) for cell in (A, B)}
    with pytest.raises(SeqrecError, match="'x' has no results on tiny under protocol standard"):
        significance(ranks, reference="x")
