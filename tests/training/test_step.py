"""One step: which losses it adds up, and that it makes them smaller."""

import pytest
import torch
from torch import Tensor

from seqrec.batches import Batch
from seqrec.losses.distillation import Distillation
from seqrec.models import build_model
from seqrec.models.parts.face import SequentialModel
from seqrec.parameters.sections import TrainingOptions
from seqrec.training.loop import training_batches
from seqrec.training.optimizer import Adam
from seqrec.training.shares import AnyBatch
from seqrec.training.step import TrainingStep, distil
from tests.logs import circle_distillation, circles

CPU = torch.device("cpu")
NUM_ITEMS = 12
MODELS = ["bsarec", "mqsa_ted"]
WITHOUT_DROPOUT = {
    "bsarec": {"c": 3, "hidden_dropout": 0.0, "attention_dropout": 0.0},
    "mqsa_ted": {"dropout": 0.0},
}


def circle_graph(weight: float) -> Distillation:
    return circle_distillation(NUM_ITEMS, weight)


def model_of(name: str, *, dropout: bool = True, protocol: str = "standard") -> SequentialModel:
    torch.manual_seed(1)
    options = {"max_len": 5, "dim": 16} | ({"c": 3} if name == "bsarec" else {})
    return build_model(
        name, options if dropout else options | WITHOUT_DROPOUT[name], protocol, NUM_ITEMS
    ).train()


def batch_of(model: SequentialModel) -> AnyBatch:
    batches = training_batches(circles(16, 6, NUM_ITEMS, step=1), model, CPU)
    return batches.gather(torch.arange(len(batches)))


def step_of(
    model: SequentialModel, distillation: Distillation | None = None, **options: object
) -> TrainingStep:
    section = TrainingOptions.model_validate({"learning_rate": 0.01, **options})
    return TrainingStep(model, section, CPU, distillation=distillation)


@pytest.mark.parametrize("name", MODELS)
def test_the_distillation_is_added_with_its_weight(name: str) -> None:
    model = model_of(name, dropout=False)
    batch, ted = batch_of(model), circle_graph(weight=0.3)
    own = step_of(model).losses(batch)
    losses = step_of(model, ted).losses(batch)
    assert set(losses) == {*own, "distillation"}
    torch.testing.assert_close(losses["distillation"], distil(model, batch.heads, ted))
    torch.testing.assert_close(losses["loss"], own["loss"] + 0.3 * losses["distillation"])


@pytest.mark.parametrize("name", MODELS)
def test_a_weight_of_zero_is_training_without(name: str) -> None:
    results = []
    for ted in (None, circle_graph(weight=0.0)):
        model = model_of(name, dropout=False)
        step, batch = step_of(model, ted), batch_of(model)
        for _ in range(3):
            step(batch)
        results.append(list(model.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


@pytest.mark.parametrize("protocol", ["standard", "authors"])
@pytest.mark.parametrize("name", MODELS)
def test_steps_make_the_loss_smaller(name: str, protocol: str) -> None:
    """And the distillation's part of it, beside a run in which it weighs nothing."""
    ends = []
    for weight in (0.0, 2.0):
        model = model_of(name, dropout=False, protocol=protocol)
        step, batch = step_of(model, circle_graph(weight)), batch_of(model)
        losses = [{key: value.item() for key, value in step(batch).items()} for _ in range(30)]
        assert losses[-1]["loss"] < 0.95 * losses[0]["loss"]
        ends.append(losses[-1]["distillation"])
    assert ends[1] < ends[0] - 0.1


def test_heads_are_dropped_as_inputs_are() -> None:
    """At rate 0.5 a component of a head's vector is 0 or doubled; never outside training."""
    seen: list[Tensor] = []

    class Watched(Distillation):
        def __call__(self, heads: Tensor, head_vectors: Tensor, item_vectors: Tensor) -> Tensor:
            seen.append(head_vectors.detach() / item_vectors.detach()[heads])
            return super().__call__(heads, head_vectors, item_vectors)

    ted = circle_graph(weight=1.0)
    model = model_of("bsarec")
    heads = torch.tensor([0, 3, 5, 0, 3])
    for _ in range(20):
        distil(model, heads, Watched(ted.graph, 1.0, ted.tau))
    factors = torch.stack(seen)
    assert factors.shape[1] == 3  # heads of 0 do not count
    assert set(factors.round(decimals=4).unique().tolist()) == {0.0, 2.0}
    assert factors.mean().item() == pytest.approx(1, abs=0.2)
    seen.clear()
    distil(model.eval(), heads, Watched(ted.graph, 1.0, ted.tau))
    torch.testing.assert_close(seen[0], torch.ones_like(seen[0]))


def test_heads_of_prefixes_are_the_last_items() -> None:
    """An empty history, as the authors have it, has none."""
    histories = torch.tensor([[0, 0, 0], [0, 0, 4], [4, 5, 6]])
    batch = Batch(users=torch.arange(3), histories=histories, targets=torch.tensor([4, 5, 7]))
    assert batch.heads.tolist() == [0, 4, 6]


@pytest.mark.parametrize(
    ("name", "protocol", "tensorflow"),
    [
        ("mqsa_ted", "authors", True),
        ("mqsa_ted", "standard", False),
        ("bsarec", "authors", False),
    ],
)
def test_whose_adam(name: str, protocol: str, tensorflow: bool) -> None:
    step = step_of(model_of(name, protocol=protocol))
    (adam,) = step.optimizer.parts
    assert isinstance(adam, Adam)
    assert adam.tensorflow == tensorflow


def test_losses_come_back_detached_and_gradients_are_gone() -> None:
    model = model_of("mqsa_ted")
    losses = step_of(model)(batch_of(model))
    assert set(losses) == {"loss", "items", "l2"}
    assert not any(value.requires_grad for value in losses.values())
    assert all(parameter.grad is None for parameter in model.parameters())
