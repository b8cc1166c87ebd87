"""Popularity, by hand."""

import pytest
import torch

from seqrec.errors import SeqrecError
from seqrec.models import checked_options
from tests.counted import fitted, ranks_of_test, split_off
from tests.trainings import trained_on


def test_every_history_gets_the_counts() -> None:
    model = fitted("popularity", [[1, 2, 2], [2, 3], [2]], num_items=4)
    histories = torch.tensor([[0, 0, 1], [3, 2, 4]])
    expected = torch.tensor([0.0, 1.0, 4.0, 1.0, 0.0])
    assert torch.equal(model.scorer()(histories, torch.tensor([1, 2])), expected.expand(2, 5))


@pytest.mark.parametrize(
    ("protocol", "ranks"), [("standard", [2.5, 2.5, 1.0]), ("authors", [4.5, 4.5, 4.0])]
)
def test_ranks_by_hand(protocol: str, ranks: list[float]) -> None:
    """Training counts of the items 1 to 6: 3 2 2 1 0 0.

    User 1 has seen 1 2 3; the target 5 stands behind 4 and level with 6. User 2 has seen 1 3 4; the
    target 6 stands behind 2 and level with 5. For user 3 nothing but the target is left. For the
    authors, what has been seen and padding score 0 too, and are level with the targets.
    """
    log = split_off([1, 2, 3, 5], [1, 3, 4, 6], [1, 2, 3, 4, 5, 6], num_items=6)
    assert ranks_of_test(log, trained_on(log, "popularity", protocol)) == ranks


def test_there_is_nothing_to_set() -> None:
    with pytest.raises(SeqrecError, match=r"unknown parameter 'model_options\.trials'"):
        checked_options("popularity", {"trials": 3}, "standard")
