"""The registry of losses: what a name needs elsewhere, and what was forgotten there."""

from typing import get_args

import numpy as np
import pytest
import torch

from seqrec.losses import items, negatives, sampled_softmax
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


@pytest.mark.parametrize("on_gpu", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_no_target_is_no_loss(name: str, on_gpu: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU all rows are computed, with or without a target."""
    if on_gpu:
        for module in (items, negatives, sampled_softmax):
            monkeypatch.setattr(module, "rows_that_count", lambda targets: None)
    counts = np.array([0, 3, 2, 1, 1])
    loss = LOSSES[name].build(LossSettings(4, negatives=2, item_counts=lambda: counts))
    states = torch.randn(3, 6, requires_grad=True)
    vectors = torch.randn(5, 6, requires_grad=True)
    held = Held(torch.tensor([[1, 2, 0]]), torch.zeros(3, dtype=torch.long))
    found = loss(states, vectors, torch.zeros(3, dtype=torch.long), lambda: held)
    gradients = torch.autograd.grad(found, [states, vectors])
    assert found.item() == 0
    assert not any(each.to_dense().any() for each in gradients)
