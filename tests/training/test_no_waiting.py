"""Nothing in a step or in a ranking waits for the device.

On the device "meta" a tensor has a shape and no values: whatever asks for one (``.item()``,
``nonzero()``, a mask as an index, a copy to the host) raises. The code takes the same way there
as on a GPU, so what passes here makes no GPU wait.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from seqrec.batches import Sequences, evaluation_examples
from seqrec.evaluation.evaluate import repeat_targets
from seqrec.evaluation.ranker import Ranker
from seqrec.evaluation.ranking import candidate_counts, target_ranks
from seqrec.losses.by_name import LOSSES
from seqrec.losses.distillation import Distillation, TransitionGraph
from seqrec.losses.sampled_softmax import SampledSoftmax
from seqrec.models import MODELS, build_model, model_class
from seqrec.models.parts.face import SequentialModel
from seqrec.parameters.sections import EvaluationOptions, TrainingOptions
from seqrec.training.loop import training_batches
from seqrec.training.objective import item_loss
from seqrec.training.step import TrainingStep

META = torch.device("meta")
ITEMS, MAX_LEN = 50, 20


@dataclass(frozen=True)
class Options:
    learning_rate: float = 1e-3
    precision: str = "fp32"
    compile: str = "off"
    weight_decay: float = 0.0


def some_sequences() -> Sequences:
    lengths = np.arange(3, 43)
    random = np.random.default_rng(0)
    return Sequences(
        items=random.integers(1, ITEMS + 1, lengths.sum()).astype(np.int32),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        split=np.concatenate([[0] * (n - 2) + [1, 2] for n in lengths]).astype(np.int8),
        num_items=ITEMS,
    )


def some_distillation() -> Distillation:
    pairs = np.unique(np.random.default_rng(1).integers(1, ITEMS + 1, (200, 2)), axis=0)
    graph = TransitionGraph(
        pairs[:, 0],
        pairs[:, 1],
        np.ones(len(pairs), dtype=np.int64),
        num_items=ITEMS,
        tau=0.1,
        device=META,
    )
    return Distillation(graph, weight=0.1, tau=0.1)


def a_model(name: str, protocol: str) -> SequentialModel:
    return build_model(name, {"max_len": MAX_LEN, "dim": 16}, protocol, ITEMS).to(META).train()


def take_steps(model: SequentialModel, steps: int = 2, **losses: Any) -> None:
    batches = training_batches(some_sequences(), model, META)
    step = TrainingStep(model, Options(), META, **losses)
    for rows in torch.split(batches.shuffled(), 16)[:steps]:
        parts = step(batches.gather(rows))
        assert all(value.is_meta for value in parts.values())


KEEP_STEP = [name for name in MODELS if not model_class(name).looks_things_up]
"""Models that look nothing up on the host."""


def few(names: list[str]) -> list[Any]:
    """All models, those of the two papers at once and the others among the slow tests."""
    return [
        name if name in ("bsarec", "mqsa_ted") else pytest.param(name, marks=pytest.mark.slow)
        for name in names
    ]


@pytest.mark.parametrize("protocol", ["authors", "standard"])
@pytest.mark.parametrize("name", KEEP_STEP)
def test_a_step_does_not_wait(name: str, protocol: str) -> None:
    take_steps(a_model(name, protocol))
    take_steps(a_model(name, protocol), distillation=some_distillation())


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", KEEP_STEP)
def test_a_step_with_any_loss_does_not_wait(name: str, loss: str) -> None:
    model = a_model(name, "standard")
    options: Any = TrainingOptions.model_validate({"loss": loss})
    take_steps(model, 1, item_loss=item_loss(options, model, some_sequences(), META))


def test_a_step_with_sparse_gradients_does_not_wait() -> None:
    counts = some_sequences().item_counts()
    loss = SampledSoftmax(counts, negatives=8, device=META, sparse=True)
    take_steps(a_model("bsarec", "standard"), item_loss=loss, sparse_items=True)


@pytest.mark.parametrize("name", few(KEEP_STEP))
def test_a_step_is_one_graph(name: str) -> None:
    """The compiler takes it whole, so that a GPU can replay it with one launch."""
    torch.compiler.reset()  # it gives up on a function that it has compiled for many models
    model = a_model(name, "authors")
    step = TrainingStep(model, Options(), META, distillation=some_distillation())
    whole = torch.compile(step.losses, backend="aot_eager", fullgraph=True, dynamic=False)
    batches = training_batches(some_sequences(), model, META)
    losses = whole(batches.gather(batches.shuffled()[:16]))
    torch.autograd.backward(losses["loss"])
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("protocol", ["authors", "standard"])
@pytest.mark.parametrize("name", KEEP_STEP)
def test_a_ranking_does_not_wait(name: str, protocol: str) -> None:
    sequences, model = some_sequences(), a_model(name, protocol)
    targets = evaluation_examples(sequences, "valid", MAX_LEN, protocol)
    ranker = Ranker(sequences, targets, model, META, EvaluationOptions(batch_size=16))
    parts = []
    for part in ranker.scored(model):
        parts.append((part.rows, target_ranks(part.scores, part.targets)))
        assert candidate_counts(part.scores).is_meta
        assert repeat_targets(part).is_meta
    assert ranker.in_order(parts).shape == (len(targets),)


def test_what_waits_is_found_here() -> None:
    """The check can fail: each of these raises on the device without values."""
    x = torch.ones(3, device=META)
    for waits in (x.sum().item, (x > 0).nonzero, x.cpu, lambda: x[x > 0]):
        with pytest.raises((RuntimeError, NotImplementedError)):
            waits()
