"""Sampled softmax: right on average, close to the full softmax, and cheap in its gradients."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seqrec.batches import Sequences
from seqrec.errors import SeqrecError
from seqrec.losses import plain_cross_entropy
from seqrec.losses.sampled_softmax import SampledSoftmax
from seqrec.models import build_model
from seqrec.models.parts.face import SequentialModel
from seqrec.parameters.sections import TrainingOptions
from seqrec.training import Checkpointing, Fitted, fit
from seqrec.training.optimizer import RowAdam
from tests.logs import circles

CPU = torch.device("cpu")
ITEMS, DIM = 30, 4


def skewed_counts(items: int = ITEMS) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The first item is the most popular; the last ones have no interaction."""
    return np.concatenate([[0], 200 // np.arange(1, items + 1) ** 2])


def sampled(negatives: int, *, sparse: bool = False) -> SampledSoftmax:
    return SampledSoftmax(skewed_counts(), negatives, CPU, sparse=sparse)


def drawing(loss: SampledSoftmax, items: list[int]) -> SampledSoftmax:
    """Let the loss draw these."""
    loss.draw = lambda: torch.tensor(items)  # type: ignore[method-assign]
    return loss


def task(rows: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """States, item vectors and targets; popular items have the higher scores, as once trained."""
    torch.manual_seed(seed)
    states = torch.randn(rows, DIM, dtype=torch.float64)
    vectors = torch.randn(ITEMS + 1, DIM, dtype=torch.float64)
    states[:, 0], vectors[1:, 0] = 1.0, torch.linspace(2, -2, ITEMS, dtype=torch.float64)
    targets = torch.randint(1, ITEMS + 1, (rows,))
    return states.requires_grad_(), vectors.requires_grad_(), targets


def gradients(loss: Tensor, *of: Tensor) -> list[Tensor]:
    actual = torch.autograd.grad(loss, of)
    return [value.to_dense() if value.is_sparse else value for value in actual]


def test_by_hand() -> None:
    """Three items, counted 3, 1 and 0 times: of two negatives 8/7, 4/7 and 2/7 are expected.

    The scores are ln 2, ln 3 and ln 5, the target is item 2, items 1 and 3 are drawn.
    """
    loss = drawing(SampledSoftmax(np.array([9, 3, 1, 0]), 2, CPU), [1, 3])
    vectors = torch.tensor([7.0, 2.0, 3.0, 5.0], dtype=torch.float64).log()[:, None]
    states, target = torch.ones(1, 1, dtype=torch.float64), torch.tensor([2])
    total = 3 + 2 / (8 / 7) + 5 / (2 / 7)
    assert loss(states, vectors, target).item() == pytest.approx(np.log(total / 3), abs=1e-6)


def test_draws_follow_popularity() -> None:
    """Chi square of 29 degrees of freedom: above 68 once in 20,000 times. No item is left out."""
    torch.manual_seed(0)
    loss = sampled(100_000)
    actual = torch.bincount(loss.draw(), minlength=ITEMS + 1)
    expected = loss.log_expected.double().exp()
    assert len(actual) == ITEMS + 1
    assert actual[0] == 0
    assert expected.sum().item() == pytest.approx(100_000)
    weights = torch.from_numpy(skewed_counts()[1:] + 1.0)
    torch.testing.assert_close(expected, 100_000 * weights / weights.sum(), rtol=1e-5, atol=0)
    assert ((actual[1:] - expected).square() / expected).sum() < 68
    assert actual[1:].min() > 0


def estimates(loss: SampledSoftmax, draws: int) -> tuple[float, float]:
    """Return the mean estimate of the sum over all items by its true value, and its error."""
    states, vectors, targets = (x.detach() for x in task(1))
    scores = (states @ vectors[1:].T).squeeze(0)
    own = scores[targets[0] - 1]
    actual = torch.stack([(loss(states, vectors, targets) + own).exp() for _ in range(draws)])
    actual /= scores.exp().sum()
    return actual.mean().item(), actual.std().item() / draws**0.5


def test_the_sum_over_all_items_is_estimated_without_bias() -> None:
    torch.manual_seed(1)
    mean, error = estimates(sampled(200), draws=3_000)
    assert error < 0.01
    assert abs(mean - 1) < 3 * error


def test_without_the_correction_it_would_be_biased() -> None:
    """As if all items were drawn alike: the popular ones, which score high, would count twice."""
    torch.manual_seed(1)
    loss = sampled(200)
    loss.log_expected.fill_(np.log(200 / ITEMS))
    mean, error = estimates(loss, draws=1_000)
    assert mean - 1 > 20 * error


def test_with_more_negatives_it_becomes_the_full_cross_entropy() -> None:
    states, vectors, targets = task(12)
    full = plain_cross_entropy(states, vectors, targets)
    expected = [full.detach(), *gradients(full, states, vectors)]

    def distances(negatives: int) -> Tensor:
        loss = sampled(negatives)(states, vectors, targets)
        actual = [loss.detach(), *gradients(loss, states, vectors)]
        return torch.stack(
            [(a - b).norm() / b.norm() for a, b in zip(actual, expected, strict=True)]
        )

    torch.manual_seed(2)
    few, some, many = (
        torch.stack([distances(negatives) for _ in range(10)]).mean(dim=0)
        for negatives in (30, 1_000, 300_000)
    )
    assert (many < some).all()
    assert (some < few).all()
    assert many.max() < 0.01


def test_rows_without_a_target_do_not_count() -> None:
    states, vectors, targets = task(9)
    targets[[0, 4, 8]] = 0
    kept = targets != 0
    loss = drawing(sampled(3), [1, 2, 17])
    ours, few = loss(states, vectors, targets), loss(states[kept], vectors, targets[kept])
    assert ours.item() == few.item()
    of_states, of_vectors = gradients(ours, states, vectors)
    expected = gradients(few, states, vectors)
    assert torch.equal(of_states, expected[0])
    assert not of_states[~kept].any()
    assert torch.equal(of_vectors, expected[1])
    assert not of_vectors[0].any()


def test_a_target_that_is_drawn_does_not_count_twice() -> None:
    """Alone it leaves nothing to learn, and nothing that is not a number."""
    states, vectors, targets = task(1)
    drawn = int(targets[0])
    loss = drawing(sampled(2), [drawn, drawn])(states, vectors, targets)
    assert loss.item() == pytest.approx(0, abs=1e-12)
    for gradient in gradients(loss, states, vectors):
        torch.testing.assert_close(gradient, torch.zeros_like(gradient))
    other = drawn % ITEMS + 1
    with_hit = drawing(sampled(2), [drawn, other])(states, vectors, targets)
    without = drawing(sampled(2), [other])(states, vectors, targets)
    assert with_hit.item() == pytest.approx(without.item(), abs=1e-12)


def test_sparse_gradients_equal_dense_ones() -> None:
    states, vectors, targets = task(20)
    losses = []
    for sparse in (False, True):
        torch.manual_seed(3)
        losses.append(sampled(8, sparse=sparse)(states, vectors, targets))
    assert torch.equal(losses[0], losses[1])
    raw = torch.autograd.grad(losses[1], vectors, retain_graph=True)[0]
    assert raw.is_sparse
    assert raw._nnz() == 20 + 8
    for dense, sparse_one in zip(
        gradients(losses[0], states, vectors),
        gradients(losses[1], states, vectors),
        strict=True,
    ):
        torch.testing.assert_close(dense, sparse_one)


def test_adam_on_rows_equals_torchs_on_the_same_losses() -> None:
    states, vectors, targets = task(20)
    tables = [nn.Parameter(vectors.detach().clone()) for _ in range(2)]
    ours, torchs = RowAdam([tables[0]], lr=0.01), torch.optim.SparseAdam([tables[1]], lr=0.01)
    for step in range(6):
        for table in tables:
            torch.manual_seed(step)
            table.grad = None
            torch.autograd.backward(sampled(8, sparse=True)(states.detach(), table, targets))
        ours.step()
        torchs.step()
        torch.testing.assert_close(tables[0], tables[1])


# ------------------------------------------------------------------------------- in training

SMALL: dict[str, dict[str, Any]] = {
    "bsarec": {"c": 3, "hidden_dropout": 0.2, "attention_dropout": 0.2},
    "mqsa_ted": {"dropout": 0.2, "l2": 0.0},
}


def cycles(num_items: int) -> Sequences:
    """Everybody walks the same circle of 20 items, of a catalog that may have more."""
    return replace(circles(60, 12, 20), num_items=num_items)


def small_model(name: str = "bsarec", num_items: int = 20, **options: object) -> SequentialModel:
    torch.manual_seed(1)
    chosen = {"max_len": 8, "dim": 16, **SMALL[name], **options}
    return build_model(name, chosen, "standard", num_items)


def run(
    model: SequentialModel, epochs: int, kept: Checkpointing | None = None, **options: object
) -> Fitted[SequentialModel]:
    values: dict[str, object] = {
        "max_epochs": epochs,
        "batch_size": 16,
        "learning_rate": 5e-3,
        "patience": None,
    }
    values = {**values, "loss": "sampled_softmax", "negatives": 8, **options}
    return fit(
        model,
        cycles(model.config.num_items),
        options=TrainingOptions.model_validate(values),
        seed=5,
        device=CPU,
        checkpointing=kept,
    )


@pytest.mark.parametrize(("name", "epochs"), [("bsarec", 6), ("mqsa_ted", 40)])
def test_a_certain_next_item_is_learned(name: str, epochs: int) -> None:
    assert run(small_model(name), epochs).best_value > 0.9


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """All items that are drawn in the test."""
    actual: set[int] = set()
    draw: Callable[[SampledSoftmax], Tensor] = SampledSoftmax.draw

    def watched(loss: SampledSoftmax) -> Tensor:
        items = draw(loss)
        actual.update(items.tolist())
        return items

    monkeypatch.setattr(SampledSoftmax, "draw", watched)
    return actual


def changed_items(model: SequentialModel) -> set[int]:
    """Return the items whose vectors an epoch changes."""
    before = model.item_vectors().detach().clone()
    after = run(model, 1, batch_size=64).model.item_vectors()
    return set((after != before).any(dim=1).nonzero().flatten().tolist())


@pytest.mark.parametrize("name", SMALL)
def test_vectors_of_items_that_are_in_no_batch_stay_as_they_were(
    name: str, drawn: set[int]
) -> None:
    changed = changed_items(small_model(name, num_items=500))
    assert changed == drawn | set(range(1, 21))
    assert len(changed) < 200


def test_weight_decay_needs_all_of_them() -> None:
    assert changed_items(small_model("mqsa_ted", 500, l2=0.01)) == set(range(1, 501))


@pytest.mark.parametrize("name", SMALL)
def test_interrupted_training_ends_as_if_it_had_not_been(tmp_path: Path, name: str) -> None:
    kept = Checkpointing(tmp_path / "checkpoint.safetensors", "run")
    whole = run(small_model(name), 4)
    run(small_model(name), 2, kept)
    resumed = run(small_model(name), 4, kept)
    assert [row["loss"] for row in resumed.history] == [row["loss"] for row in whole.history]
    theirs = resumed.model.state_dict()
    assert all(torch.equal(value, theirs[key]) for key, value in whole.model.state_dict().items())


def test_the_authors_protocol_has_the_papers_own_loss() -> None:
    model = build_model("bsarec", {"max_len": 8, "dim": 16, "c": 3}, "authors", 20)
    with pytest.raises(SeqrecError, match=r"training\.loss=sampled_softmax .* authors") as caught:
        run(model, 1)
    assert "\n" not in str(caught.value)
