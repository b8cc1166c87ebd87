"""The registry of losses: what a name needs elsewhere, and what was forgotten there."""

from typing import get_args

import numpy as np
import pytest
import torch

from seqrec.losses.by_name import LOSSES, LossSettings
from seqrec.losses.items import Held
from seqrec.parameters.sections import TrainingOptions


def test_what_a_user_may_write_is_what_there_is() -> None:
    """``TrainingOptions.loss`` lists the names, for the parameters know no torch."""
    assert get_args(TrainingOptions.model_fields["loss"].annotation) == tuple(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_by_name_pulls_states_towards_their_targets(name: str) -> None:
    torch.manual_seed(0)
    settings = LossSettings(
        4, negatives=LOSSES[name].negatives or 1, item_counts=lambda: np.array([0, 3, 2, 1, 1])
    )
    vectors, targets = torch.eye(5), torch.tensor([1, 2, 3])

    def loss_at(states: torch.Tensor) -> float:
        held = Held(targets[:, None], torch.arange(3))
        return float(LOSSES[name].build(settings)(states, vectors, targets, lambda: held))

    away, nowhere, towards = (loss_at(length * vectors[targets]) for length in (-3, 0, 3))
    assert towards < nowhere < away
