"""The feed-forward layer in chunks against the same in one piece."""

import pytest
import torch
from torch import Tensor

from seqrec.models.parts import feed_forward
from seqrec.models.parts.feed_forward import Activation, FeedForward


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 8), (7, 8), (3, 5, 8), (16, 8)])
def test_chunks_equal_one_piece(
    dtype: torch.dtype, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_forward, "CHUNK", 4)
    torch.manual_seed(0)
    layer = FeedForward(8).to(dtype)
    x = torch.randn(shape, dtype=dtype, requires_grad=True)
    upstream = torch.randn(shape, dtype=dtype)
    variables = (x, *layer.parameters())
    whole = layer.plain(x)
    torch.testing.assert_close(layer(x), whole)
    expected = torch.autograd.grad(whole, variables, upstream)
    actual = torch.autograd.grad(layer(x), variables, upstream)
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_its_inside_is_not_kept() -> None:
    """What waits for the backward pass is the input and the weights, nothing four times as wide."""
    layer, x = FeedForward(8), torch.randn(5000, 8, requires_grad=True)
    kept: list[int] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        layer(x)
    assert max(kept) == x.numel()


@pytest.mark.parametrize("activation", ["gelu", "relu", "swish"])
def test_activations_by_their_formulas(activation: Activation) -> None:
    torch.manual_seed(0)
    layer, x = FeedForward(8, activation), torch.randn(5, 8)
    inside = x @ layer.expand.weight.T + layer.expand.bias
    formulas = {
        "gelu": inside * (1 + torch.erf(inside / 2**0.5)) / 2,
        "relu": inside.clamp(min=0),
        "swish": inside / (1 + torch.exp(-inside)),
    }
    expected = formulas[activation] @ layer.contract.weight.T + layer.contract.bias
    torch.testing.assert_close(layer(x), expected)
