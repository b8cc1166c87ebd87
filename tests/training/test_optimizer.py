"""The forms of Adam against their formulas and against torch's own."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from seqrec.training.optimizer import Adam, Optimizers, RowAdam

RATE, BETA1, BETA2, EPSILON = 0.01, 0.9, 0.999, 1e-8
PRECISIONS = [torch.float32, torch.float64]


@pytest.fixture(params=["fused", "plain"])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to update a parameter: the fused kernel, and what stands in where it lacks."""
    if request.param == "plain":
        monkeypatch.delattr(torch, "_fused_adam_")
    else:
        assert hasattr(torch, "_fused_adam_")
    return str(request.param)


def random_gradients(steps: int, dtype: torch.dtype) -> list[Tensor]:
    """Of ordinary size, and so small that the epsilon decides."""
    torch.manual_seed(0)
    sizes = torch.tensor([1.0, 1e-3, 1e-7, 1e-8, 1e-9, 0.0], dtype=dtype)
    return [torch.randn(6, dtype=dtype) * sizes for _ in range(steps)]


def tensorflow_adam(weight: Tensor, gradients: list[Tensor]) -> Iterator[Tensor]:
    """TensorFlow 1's: lr_t = lr sqrt(1 - b2^t) / (1 - b1^t); w -= lr_t m / (sqrt(v) + eps)."""
    m, v = torch.zeros_like(weight), torch.zeros_like(weight)
    for t, gradient in enumerate(gradients, start=1):
        m = BETA1 * m + (1 - BETA1) * gradient
        v = BETA2 * v + (1 - BETA2) * gradient**2
        rate = RATE * (1 - BETA2**t) ** 0.5 / (1 - BETA1**t)
        weight = weight - rate * m / (v.sqrt() + EPSILON)
        yield weight


class OneWeight(nn.Module):
    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1, 1, 6, dtype=dtype))


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.usefixtures("kernel")
def test_tensorflows_form_equals_its_formula(dtype: torch.dtype) -> None:
    weight = OneWeight(dtype).weight
    gradients = random_gradients(5, dtype)
    expected = tensorflow_adam(weight.detach().clone(), gradients)
    adam = Adam([weight], lr=RATE, tensorflow=True)
    for gradient, after in zip(gradients, expected, strict=True):
        weight.grad = gradient.clone()
        adam.step()
        torch.testing.assert_close(weight.detach(), after)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.usefixtures("kernel")
def test_torchs_form_equals_torchs_own(dtype: torch.dtype) -> None:
    """With two parameters, one of which has no gradient in the first step, and gradients whose
    memory lies in another order than the parameter's until autograd has put them right."""
    torch.manual_seed(0)
    ours = [nn.Parameter(torch.randn(4, 3, dtype=dtype)) for _ in range(2)]
    plain = [nn.Parameter(weight.detach().clone()) for weight in ours]
    adam, torchs = Adam(ours, lr=RATE), torch.optim.Adam(plain, lr=RATE, fused=False)
    for step in range(4):
        for number in range(1 if step == 0 else 2):
            upstream = torch.randn(3, 4, dtype=dtype).T
            for weights in (ours, plain):
                (weights[number] * upstream).sum().backward()
        adam.step()
        torchs.step()
        adam.zero_grad()
        torchs.zero_grad()
    assert adam.state[ours[1]]["step"] == 3
    for our, theirs in zip(ours, plain, strict=True):
        torch.testing.assert_close(our, theirs, rtol=1e-6, atol=1e-6)


@pytest.mark.usefixtures("kernel")
def test_the_two_forms_differ_where_the_epsilon_matters() -> None:
    """In the first step, corrected: g / (|g| + eps / sqrt(1 - b2)) and g / (|g| + eps)."""
    moved = []
    for tensorflow in (True, False):
        weight = nn.Parameter(torch.zeros(2, dtype=torch.float64))
        weight.grad = torch.tensor([1.0, 1e-8], dtype=torch.float64)
        Adam([weight], lr=RATE, tensorflow=tensorflow).step()
        moved.append(weight.detach() / -RATE)
    assert moved[0].tolist() == pytest.approx([1.0, 1 / (1 + 1 / 0.001**0.5)], rel=1e-5)
    assert moved[1].tolist() == pytest.approx([1.0, 1 / 2], rel=1e-5)


@pytest.mark.parametrize("tensorflow", [True, False])
@pytest.mark.usefixtures("kernel")
def test_restored_in_the_middle_it_goes_on_equally(tensorflow: bool) -> None:
    gradients = random_gradients(6, torch.float32)

    def steps(model: OneWeight, optimizers: Optimizers, some: list[Tensor]) -> None:
        for gradient in some:
            model.weight.grad = gradient.clone()
            optimizers.step()

    whole = OneWeight()
    steps(whole, Optimizers(whole, RATE, tensorflow=tensorflow), gradients)

    first, second = OneWeight(), OneWeight()
    before = Optimizers(first, RATE, tensorflow=tensorflow)
    assert before.state_of(first.weight) == {}
    steps(first, before, gradients[:3])
    second.load_state_dict(first.state_dict())
    after = Optimizers(second, RATE, tensorflow=tensorflow)
    moments = {name: value.clone() for name, value in before.state_of(first.weight).items()}
    after.restore(second.weight, moments)
    steps(second, after, gradients[3:])
    assert torch.equal(whole.weight, second.weight)


def test_a_step_forgets_the_gradients() -> None:
    model = OneWeight()
    optimizers = Optimizers(model, RATE)
    model.weight.grad = torch.ones(6)
    optimizers.step()
    assert model.weight.grad is None


class Table(nn.Module):
    """A sparse embedding under a dense layer."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Embedding(10, 4, sparse=True)
        self.over = nn.Linear(4, 1)

    def forward(self, ids: Tensor) -> Tensor:
        output: Tensor = self.over(self.rows(ids)).square().sum()
        return output


def test_a_sparse_embedding_changes_in_its_rows_alone() -> None:
    torch.manual_seed(0)
    model = Table()
    optimizers = Optimizers(model, RATE, sparse=[model.rows.weight])
    before = [model.rows.weight.detach().clone(), model.over.weight.detach().clone()]
    for ids in ([2, 5, 5], [7]):
        model(torch.tensor(ids)).backward()
        optimizers.step()
    changed = (model.rows.weight != before[0]).any(dim=1)
    assert changed.nonzero().flatten().tolist() == [2, 5, 7]
    assert (model.over.weight != before[1]).all()
    moments = optimizers.state_of(model.rows.weight)
    assert moments["exp_avg"].any(dim=1).nonzero().flatten().tolist() == [2, 5, 7]
    assert model.rows.weight.grad is None
    assert "exp_avg" in optimizers.state_of(model.over.weight)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_rows_equal_torchs_own(dtype: torch.dtype) -> None:
    """With rows that repeat, padding's row 0 among them, and others that never come."""
    torch.manual_seed(0)
    ours = nn.Parameter(torch.randn(10, 4, dtype=dtype))
    plain = nn.Parameter(ours.detach().clone())
    adam, torchs = RowAdam([ours], lr=RATE), torch.optim.SparseAdam([plain], lr=RATE)
    for rows in ([0, 2, 5, 2, 2, 0], [7], [5, 9, 9, 0], [2, 7], [0, 0]):
        ids = torch.tensor(rows)
        values = torch.randn(len(rows), 4, dtype=dtype) * (ids != 0)[:, None]
        ours.grad = torch.sparse_coo_tensor(ids[None], values, (10, 4), check_invariants=True)
        plain.grad = ours.grad.clone()
        adam.step()
        torchs.step()
        torch.testing.assert_close(ours, plain)


def test_moments_of_rows_are_restored_too() -> None:
    torch.manual_seed(0)
    first, second = Table(), Table()
    batches = [torch.tensor(ids) for ids in ([1, 2], [2, 3], [1, 3])]
    before = Optimizers(first, RATE, sparse=[first.rows.weight])
    first(batches[0]).backward()
    before.step()
    second.load_state_dict(first.state_dict())
    after = Optimizers(second, RATE, sparse=[second.rows.weight])
    for name, parameter in second.named_parameters():
        state = before.state_of(first.get_parameter(name))
        after.restore(parameter, {key: value.clone() for key, value in state.items()})
    for model, optimizers in ((first, before), (second, after)):
        for ids in batches[1:]:
            model(ids).backward()
            optimizers.step()
    for ours, theirs in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(ours, theirs)
