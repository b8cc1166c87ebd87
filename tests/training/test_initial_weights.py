"""Weights drawn by another law, and weight decay."""

import math

import pytest
import torch
from torch import nn

from seqrec.models import build_model
from seqrec.training import train
from seqrec.training.initial_weights import draw_weights
from seqrec.training.optimizer import Adam, _plain
from tests.trainings import data_of, settings


@pytest.mark.parametrize("law", ["normal", "xavier"])
def test_weights_follow_the_law(law: str) -> None:
    torch.manual_seed(0)
    model = build_model("bsarec", {"dim": 64}, "standard", 2000)
    draw_weights(model, law)
    for module in model.modules():
        if isinstance(module, nn.Linear):
            rows, columns = module.weight.shape
            expected = 0.02 if law == "normal" else math.sqrt(2 / (rows + columns))
            assert float(module.weight.std()) == pytest.approx(expected, rel=0.05)
            assert not module.bias.any()
    assert float(model.item_embedding.weight[1:].std()) == pytest.approx(0.02, rel=0.02)
    assert not model.item_embedding.weight[0].any()


def test_layers_that_start_at_zero_stay_there() -> None:
    model = build_model("seer", {"dim": 8, "max_len": 5}, "standard", 20)
    draw_weights(model, "xavier")
    assert not model.get_parameter("head.output.weight").any()
    assert model.get_parameter("head.entry.weight").any()


def test_weight_decay_is_torchs() -> None:
    """Both forms, step by step."""
    torch.manual_seed(1)
    ours, theirs, plainly = (nn.Parameter(torch.ones(5)) for _ in range(3))
    adam = Adam([ours], 0.1, weight_decay=0.3)
    other = torch.optim.Adam([theirs], lr=0.1, weight_decay=0.3)
    state = {name: torch.zeros(size) for name, size in (("exp_avg", 5), ("exp_avg_sq", 5))}
    state["step"] = torch.zeros(())
    for _ in range(3):
        gradient = torch.randn(5)
        for parameter in (ours, theirs, plainly):
            parameter.grad = gradient.clone()
        adam.step()
        other.step()
        with torch.no_grad():
            _plain([plainly], [state], 0.1, 1e-8, 0.3)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(plainly, theirs)


@pytest.mark.parametrize("told", [{"weight_decay": 0.1}, {"initialisation": "xavier"}])
def test_a_run_is_another_one_with_it(told: dict[str, object]) -> None:
    assert not train(data_of(), settings(training=told), 5).history.equals(
        train(data_of(), settings(), 5).history
    )


def test_weight_decay_moves_all_item_vectors() -> None:
    """So sampled softmax gives no sparse gradients with it."""
    told = {"loss": "sampled_softmax", "negatives": 2, "weight_decay": 0.5}
    model = train(data_of(), settings(training=told), 5).trained.model
    less = train(data_of(), settings(training={**told, "weight_decay": 0.0}), 5).trained.model
    key = "item_embedding.weight"
    assert model.state_dict()[key].norm() < less.state_dict()[key].norm()
