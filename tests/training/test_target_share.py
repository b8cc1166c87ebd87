"""Learning from a share of the targets: of few, none may be drawn."""

from typing import Any

import numpy as np
import pytest

from seqrec.training import train
from tests.counted import split_off
from tests.trainings import data_of, settings

FEW = split_off(*([1 + user % 9, 1 + (user + 1) % 9, 9, 8] for user in range(9)), num_items=9)
"""Nine users with two training items, one target, each; in batches of four the last is one user."""
NOTHING = {"target_share": 1e-9, "batch_size": 4, "max_epochs": 3}


@pytest.mark.parametrize(
    ("model", "training"),
    [
        ("seer", {}),
        ("sasrec", {"loss": "bce"}),
        ("sasrec", {"loss": "gbce"}),
        ("gru4rec", {"loss": "bpr"}),
        ("sasrec", {"loss": "sampled_softmax"}),
        ("sasrec_ce", {}),
        ("bert4rec", {}),
        ("bert4rec", {"loss": "bce"}),
        ("bert4rec", {"loss": "sampled_softmax"}),
    ],
)
def test_batches_of_which_no_target_is_drawn_are_trained_on(
    model: str, training: dict[str, Any]
) -> None:
    options: dict[str, Any] = {"members": 1} if model == "seer" else {}
    told = settings(model, training={**NOTHING, **training}, max_len=5, dim=8, **options)
    result = train(data_of(FEW), told, 3)
    losses = result.history["loss"].to_numpy()
    assert np.isfinite(losses).all()
    # BERT4Rec draws its masks apart, and may mask none of the items that are kept
    assert (losses > 0).all() or model == "bert4rec"
    assert all(value.isfinite().all() for value in result.trained.model.state_dict().values())
