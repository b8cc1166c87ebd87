"""Transition counts, by hand and against a plain form."""

import numpy as np
import pytest
import torch

from tests.counted import (
    fitted,
    plain_ties,
    plain_transitions,
    random_users,
    ranks_of_test,
    split_off,
)
from tests.trainings import trained_on

USERS = [[1, 2, 3, 2], [1, 2], [1, 3]]
"""1 is followed by 2, 2 and 3; 2 by 3; 3 by 2. Popularity: 3 3 2 0."""


def test_followers_by_hand() -> None:
    scores = fitted("markov", USERS, num_items=4).scores(torch.tensor([[0, 3, 1], [0, 0, 4]]))
    ties = [0, 1e-4, 1e-4, 2e-4 / 3, 0]
    first = [0, ties[1], 1 + ties[2], 0.5 + ties[3], 0]
    # nothing follows 4: popularity alone
    torch.testing.assert_close(scores, torch.tensor([first, ties]))


def test_a_wider_window_by_hand() -> None:
    """After 1: 2 twice, at once; 3 at once for one user, two places on for another."""
    model = fitted("markov", USERS, num_items=4, window=2, gamma=0.5)
    scores = model.scores(torch.tensor([[1]]))
    expected = torch.tensor([[0, 1e-4, 1 + 1e-4, 0.75 + 2e-4 / 3, 0]])
    torch.testing.assert_close(scores, expected)


@pytest.mark.parametrize(("window", "gamma"), [(1, 1.0), (3, 0.6), (20, 0.9)])
def test_scores_equal_a_plain_form(window: int, gamma: float) -> None:
    users = random_users()
    model = fitted("markov", users, 12, window=window, gamma=gamma)
    table = plain_transitions(users, 12, window, gamma)
    table /= np.maximum(table.max(axis=1, keepdims=True), 1e-9)
    scores = model.scores(torch.arange(13)[:, None])
    np.testing.assert_allclose(scores.numpy(), table + plain_ties(users, 12), atol=1e-6)


def test_validation_and_test_are_not_counted() -> None:
    """Test: 2 is followed by 4 in training; by 3, the target, in two held-out places only."""
    log = split_off([1, 2, 4, 2, 3], [2, 4, 1, 2, 3], [1, 4, 1, 3, 2], num_items=4)
    assert ranks_of_test(log, trained_on(log, "markov")) == [1.0, 1.0, 1.0]
    assert fitted("markov", [[1, 2, 4], [2, 4, 1]], 4).scores(torch.tensor([[2]]))[0, 3] == 0


def test_plain_unless_trials_are_asked_for() -> None:
    users = random_users(users=20)
    log = split_off(*users, num_items=12)
    assert len(trained_on(log, "markov").history) == 1
    tuned = trained_on(log, "markov", trials=4)
    assert {"window", "gamma"} < set(tuned.history.column_names)
    assert tuned.history["window"][0].as_py() == 1
