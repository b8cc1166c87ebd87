"""Fast products against torch's own, with gradients."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from seqrec import products
from seqrec.products import Linear, columns_by_columns, inner, linear

PRECISIONS = [torch.float32, torch.float64]
SHAPES = [(7,), (1,), (3, 5), (2, 3, 4)]
"""Dimensions in front of the one that is summed over."""
VIEWS: list[Callable[[Tensor], Tensor]] = [
    lambda x: x,
    lambda x: torch.stack([x, x], dim=-1)[..., 0],  # every other number
    lambda x: x.transpose(-1, -2).contiguous().transpose(-1, -2) if x.dim() > 1 else x,
    lambda x: torch.cat([x, x])[len(x) :],  # starts in the middle of its memory
]


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("shape", [*SHAPES, (0,)])
@pytest.mark.parametrize("view", range(len(VIEWS)))
@pytest.mark.parametrize("bias", [True, False])
def test_inner_products_of_any_form(
    shape: tuple[int, ...], dtype: torch.dtype, view: int, bias: bool
) -> None:
    torch.manual_seed(0)
    a, b = VIEWS[view](torch.randn(*shape, 6, dtype=dtype)), torch.randn(9, 6, dtype=dtype)
    added = torch.randn(9, dtype=dtype) if bias else None
    expected = a @ b.T + (added if added is not None else 0)
    torch.testing.assert_close(inner(a, b, added), expected)
    torch.testing.assert_close(inner(a, VIEWS[view](b), added), expected)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("view", range(len(VIEWS)))
@pytest.mark.parametrize("bias", [True, False])
def test_linear_has_the_gradients_of_torch(
    shape: tuple[int, ...], dtype: torch.dtype, view: int, bias: bool
) -> None:
    torch.manual_seed(0)
    x, weight, added = torch.randn(*shape, 6), torch.randn(9, 6), torch.randn(9)
    given = [tensor.to(dtype).requires_grad_() for tensor in (x, weight, added)[: 2 + bias]]
    upstream = VIEWS[view](torch.randn(*shape, 9, dtype=dtype))
    results = []
    for form in (linear, F.linear):
        output = form(VIEWS[view](given[0]), *given[1:])
        results.append([output, *torch.autograd.grad(output, given, upstream)])
    for ours, plain in zip(*results, strict=True):
        torch.testing.assert_close(ours, plain)


def test_an_expanded_gradient_is_taken_too() -> None:
    """The gradient of a sum is one number, seen everywhere."""
    x, weight = torch.randn(4, 6, requires_grad=True), torch.randn(3, 6, requires_grad=True)
    linear(x, weight).sum().backward()
    assert x.grad is not None
    assert weight.grad is not None
    torch.testing.assert_close(x.grad, weight.detach().sum(dim=0).expand(4, 6))
    torch.testing.assert_close(weight.grad, x.detach().sum(dim=0).expand(3, 6))


@pytest.mark.parametrize("wanted", [0, 1, 2])
def test_only_what_is_wanted_gets_a_gradient(wanted: int) -> None:
    given = [torch.randn(4, 6), torch.randn(3, 6), torch.randn(3)]
    given[wanted].requires_grad_()
    linear(*given).square().sum().backward()
    plain = [tensor.detach().clone() for tensor in given]
    plain[wanted].requires_grad_()
    F.linear(*plain).square().sum().backward()
    assert [tensor.grad is None for tensor in given] == [tensor.grad is None for tensor in plain]
    torch.testing.assert_close(given[wanted].grad, plain[wanted].grad)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize(("m", "n", "k"), [(5, 3, 4), (5, 4, 3), (1, 2, 2), (50, 7, 7)])
def test_columns_by_columns(m: int, n: int, k: int, dtype: torch.dtype) -> None:
    a, b = torch.randn(m, n, dtype=dtype), torch.randn(m, k, dtype=dtype)
    torch.testing.assert_close(columns_by_columns(a, b), a.T @ b)


def test_the_layer_is_torchs_own_under_the_same_names() -> None:
    torch.manual_seed(0)
    ours, plain = Linear(6, 9), torch.nn.Linear(6, 9)
    ours.load_state_dict(plain.state_dict())
    x = torch.randn(2, 5, 6)
    torch.testing.assert_close(ours(x), plain(x))


def test_other_precisions_and_autocast_are_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "ONEDNN", True)
    monkeypatch.setattr(products._Linear, "apply", None)  # would raise
    x, weight = torch.randn(4, 6, dtype=torch.float64), torch.randn(3, 6, dtype=torch.float64)
    assert torch.equal(linear(x, weight), F.linear(x, weight))
    assert torch.equal(inner(x, weight), F.linear(x, weight))
    x, weight = x.float(), weight.float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert linear(x, weight).dtype == torch.bfloat16
        assert inner(x, weight).dtype == torch.bfloat16


def test_without_onednn_all_is_torchs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "ONEDNN", False)
    monkeypatch.setattr(products._Linear, "apply", None)  # would raise
    x, weight, bias = torch.randn(4, 6), torch.randn(3, 6), torch.randn(3)
    assert torch.equal(linear(x, weight, bias), F.linear(x, weight, bias))
    assert torch.equal(inner(x, weight, bias), F.linear(x, weight, bias))
