"""The moving average of weights, by hand."""

import pytest
import torch
from torch import nn

from seqrec.training import train
from seqrec.training.averaging import AverageWeights
from seqrec.training.optimizer import Optimizers
from tests.trainings import data_of, settings


def test_by_hand() -> None:
    model = nn.Linear(1, 1, bias=False)
    nn.init.ones_(model.weight)
    average = AverageWeights(model, 0.99)
    for step, weight in enumerate((2.0, 4.0), start=1):
        nn.init.constant_(model.weight, weight)
        average.update()
        assert average.steps == step
    first = 2 / 11 * 1 + 9 / 11 * 2
    expected = 3 / 12 * first + 9 / 12 * 4
    with average.in_place():
        assert float(model.weight.detach()) == pytest.approx(expected)
    assert float(model.weight.detach()) == 4
    average.keep()
    assert float(model.weight.detach()) == pytest.approx(expected)


def test_it_forgets_no_slower_than_told() -> None:
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    average = AverageWeights(model, 0.5)
    average.steps = 1000
    nn.init.ones_(model.weight)
    average.update()
    assert float(average.average["weight"]) == pytest.approx(0.5)


def test_a_model_is_validated_and_kept_with_its_average() -> None:
    """Another one than without, and the one that the last epoch's figures are of."""
    plain = train(data_of(), settings(), 5)
    averaged = train(data_of(), settings(training={"average_weights": 0.5}), 5)
    assert averaged.history["loss"].equals(plain.history["loss"])
    ours, theirs = (each.trained.model.state_dict() for each in (averaged, plain))
    assert any(not torch.equal(ours[name], theirs[name]) for name in ours)


def test_without_validation_the_average_stays() -> None:
    told = settings(training={"average_weights": 0.5})
    plain, averaged = (train(data_of(), each, 5, epochs=2) for each in (settings(), told))
    ours, theirs = (each.trained.model.state_dict() for each in (averaged, plain))
    assert any(not torch.equal(ours[name], theirs[name]) for name in ours)


def test_some_parameters_learn_faster() -> None:
    model = nn.ModuleDict(
        {"head": nn.Linear(1, 1, bias=False), "rest": nn.Linear(1, 1, bias=False)}
    )
    before = {name: each.detach().clone() for name, each in model.named_parameters()}
    optimizer = Optimizers(model, 0.01, faster={"head.": 3.0})
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    moved = {name: float(before[name] - each) for name, each in model.named_parameters()}
    assert moved["head.weight"] == pytest.approx(0.03, rel=1e-3)
    assert moved["rest.weight"] == pytest.approx(0.01, rel=1e-3)


def test_a_share_of_examples_with_one_target_is_drawn_in_each_epoch() -> None:
    whole = train(data_of(), settings(), 5).history
    half = train(data_of(), settings(training={"target_share": 0.5}), 5).history
    assert not whole["loss"].equals(half["loss"])


def test_examples_a_second_are_those_that_were_learned_from() -> None:
    """BSARec learns from prefixes; the share of them is what is divided by the seconds."""
    found = train(data_of(), settings(training={"target_share": 0.25}), 5).progress.to_pylist()
    whole = train(data_of(), settings(), 5).progress.to_pylist()
    examples = [round(row["seconds"] * row["examples_per_second"]) for row in (found[0], whole[0])]
    assert examples[0] == round(0.25 * examples[1])
