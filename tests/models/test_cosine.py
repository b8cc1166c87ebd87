"""Item-item cosine, by hand and against a plain form."""

import numpy as np
import pytest
import torch

from seqrec.errors import SeqrecError
from seqrec.models import checked_options
from tests.counted import fitted, plain_shared_users, plain_sum, plain_ties, random_users

USERS = [[1, 2, 3], [2, 1, 2], [3, 1]]
"""Users of the items: 3 2 2 0. Shared: 1 and 2 two, 1 and 3 two, 2 and 3 one."""
COSINE = {"source_exponent": 0.5, "target_exponent": 0.5}


def test_similarities_by_hand() -> None:
    """cos(1, 2) = cos(1, 3) = 2 / √6 and cos(2, 3) = 1/2; the repeat in user 2 is nothing."""
    model = fitted("cosine", USERS, 4, **COSINE, last_items=2, decay=0.5)
    scores = model.scores(torch.tensor([[0, 2], [2, 3], [0, 4]]))
    ties = torch.tensor([0, 3, 3, 2, 0]) * 1e-4 / 3
    one = 2 / 6**0.5
    after_2 = torch.tensor([0, one, 0, 0.5, 0]) / one
    after_2_3 = torch.tensor([0, 1.5 * one, 0.5, 0.25, 0]) / (1.5 * one)
    torch.testing.assert_close(scores - ties, torch.stack([after_2, after_2_3, torch.zeros(5)]))


@pytest.mark.parametrize(("last_items", "decay"), [(1, 0.5), (4, 0.7), (30, 1.0)])
@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (0.0, 0.0), (0.7, 0.2)])
def test_scores_equal_a_plain_form(last_items: int, decay: float, a: float, b: float) -> None:
    users = random_users()
    options = {"source_exponent": a, "target_exponent": b}
    model = fitted("cosine", users, 12, **options, last_items=last_items, decay=decay)
    shared, audience = plain_shared_users(users, 12)
    audience[audience == 0] = 1
    table = shared / np.outer(audience**a, audience**b)
    for history in random_users(seed=1, users=8):
        sums = plain_sum(table, history, last_items, decay)
        expected = sums / sums.max() + plain_ties(users, 12)
        scores = model.scores(torch.tensor([[0, 0, *history]]))
        np.testing.assert_allclose(scores[0].numpy(), expected, atol=1e-6)


def test_only_the_nearest_neighbours_stay() -> None:
    """Of 1's neighbours 2 and 3, level, the first stays; 2 and 3 are nearest to 1."""
    model = fitted("cosine", USERS, 4, **COSINE, neighbours=1)
    scores = model.scores(torch.tensor([[1], [2], [3]]))
    assert (scores > 0.1).nonzero().tolist() == [[0, 2], [1, 1], [2, 1]]


def test_no_users_in_common_leaves_popularity() -> None:
    model = fitted("cosine", [[1], [2], [2]], 3)
    torch.testing.assert_close(
        model.scores(torch.tensor([[1]])), torch.tensor([[0, 5e-5, 1e-4, 0]])
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decay": 1.5}, "model_options.decay"),
        ({"last_items": 0}, "model_options.last_items"),
        ({"trials": 0}, "model_options.trials"),
        ({"max_len": 50}, "unknown parameter"),
        ({"source_exponnent": 1}, "did you mean 'model_options.source_exponent'"),
    ],
)
def test_bad_options_are_one_clear_line(options: dict[str, object], message: str) -> None:
    with pytest.raises(SeqrecError, match=message) as caught:
        checked_options("cosine", options, "standard")
    assert "\n" not in str(caught.value)
