"""Shared blocks against their plain forms."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqrec.models.parts.layers import LowPass, SelfAttention, attend, attend_last, dropout

PRECISIONS = [torch.float32, torch.float64]


def causal_mask(lengths: list[int], width: int, dtype: torch.dtype) -> Tensor:
    """(B, 1, W, W) added scores: causal, and padding on the left sees and is seen by itself."""
    real = torch.arange(width) >= width - torch.tensor(lengths)[:, None]
    visible = (real[:, None, :] == real[:, :, None]).tril()
    return torch.zeros(visible.shape, dtype=dtype).masked_fill_(~visible, -torch.inf)[:, None]


@pytest.mark.parametrize("length", [1, 2, 5, 12, 13, 50])
@pytest.mark.parametrize("bins", [1, 2, 3, 7])
def test_low_pass_equals_a_truncated_fft(length: int, bins: int) -> None:
    x = torch.randn(3, length, 4, dtype=torch.float64)
    spectrum = torch.fft.rfft(x, dim=1, norm="ortho")
    spectrum[:, bins:] = 0
    expected = torch.fft.irfft(spectrum, n=length, dim=1, norm="ortho")
    layer = LowPass(length, bins).double()
    torch.testing.assert_close(layer(x), expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(layer.last(x), expected[:, -1], atol=1e-6, rtol=0)


@pytest.mark.parametrize("width", [1, 3, 8])
def test_low_pass_of_a_narrower_sequence_is_that_of_zeros_before_it(width: int) -> None:
    layer, x = LowPass(8, 3).double(), torch.randn(2, width, 4, dtype=torch.float64)
    expected = layer(F.pad(x, (0, 0, 8 - width, 0)))[:, -width:]
    torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(layer.last(x), expected[:, -1])


def four_products(layer: SelfAttention, x: Tensor, mask: Tensor) -> Tensor:
    """Attention as the textbook has it: query, key, value and output each over all positions."""
    heads = (layer.num_heads, x.shape[-1] // layer.num_heads)
    q, k, v = (
        F.linear(x, part.weight, part.bias).unflatten(-1, heads).transpose(1, 2)
        for part in (layer.query, layer.key, layer.value)
    )
    attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return F.linear(attended.transpose(1, 2).flatten(2), layer.output.weight, layer.output.bias)


def attention(num_heads: int, dtype: torch.dtype, dim: int = 8) -> SelfAttention:
    torch.manual_seed(0)
    layer = SelfAttention(dim, num_heads, weight_dropout=0.0).to(dtype)
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.4)
    return layer


def gradients(layer: nn.Module, x: Tensor, output: Tensor) -> dict[str, Tensor]:
    """Of a weighted sum of the output, in the input and in every parameter."""
    weights = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).view_as(output)
    wanted = {"x": x, **dict(layer.named_parameters())}
    actual = torch.autograd.grad((output * weights).sum(), list(wanted.values()))
    return dict(zip(wanted, actual, strict=True))


def assert_equal_gradients(ours: dict[str, Tensor], plain: dict[str, Tensor]) -> None:
    """To some hundred rounding errors of the largest."""
    largest = max(float(gradient.abs().max()) for gradient in plain.values())
    for name, gradient in plain.items():
        atol = 200 * torch.finfo(gradient.dtype).eps * largest
        torch.testing.assert_close(ours[name], gradient, atol=atol, rtol=0, msg=name)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("num_heads", [1, 2, 4])
def test_attention_equals_four_products_with_all_gradients(
    num_heads: int, dtype: torch.dtype
) -> None:
    """One head takes two products over x instead of four; the keys' bias gets a gradient of 0."""
    layer = attention(num_heads, dtype)
    x = torch.randn(3, 5, 8, dtype=dtype, requires_grad=True)
    mask = causal_mask([5, 2, 1], 5, dtype)
    ours, plain = layer(x, mask), four_products(layer, x, mask)
    torch.testing.assert_close(ours, plain)
    actual = gradients(layer, x, ours)
    assert_equal_gradients(actual, gradients(layer, x, plain))
    if num_heads == 1:
        assert not actual["key.bias"].any()


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("num_heads", [1, 2, 4])
def test_the_last_query_alone_equals_the_last_of_all(num_heads: int, dtype: torch.dtype) -> None:
    layer = attention(num_heads, dtype)
    x = torch.randn(4, 6, 8, dtype=dtype, requires_grad=True)
    mask = causal_mask([6, 4, 1, 0], 6, dtype)
    ours, plain = layer.last(x, mask[:, :, -1:]), four_products(layer, x, mask)[:, -1]
    torch.testing.assert_close(ours, plain)
    actual = gradients(layer, x, ours)
    assert_equal_gradients(actual, gradients(layer, x, plain))
    assert not actual["key.bias"].any()


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("num_heads", [1, 2, 4])
def test_attend_last_needs_no_keys_and_values(num_heads: int, dtype: torch.dtype) -> None:
    layer = attention(num_heads, dtype)
    query, x = torch.randn(3, 8, dtype=dtype), torch.randn(3, 5, 8, dtype=dtype)
    mask = causal_mask([5, 3, 1], 5, dtype)[:, :, -1:]
    last = attend_last(query, x, layer.key, layer.value, mask, num_heads, rate=0.0)
    every = attend(query[:, None], layer.key(x), layer.value(x), mask, num_heads, rate=0.0)
    torch.testing.assert_close(last, every[:, 0])


@pytest.mark.parametrize("num_heads", [1, 2])
@pytest.mark.parametrize("only_last", [False, True])
def test_attention_dropout_keeps_the_mean_and_its_spread(num_heads: int, only_last: bool) -> None:
    """Dropped weights: over many draws the mean is the output without dropout; a plain form
    that drops the softmax's weights at the same rate varies as much."""
    layer = attention(num_heads, torch.float32).train()
    layer.weight_dropout = 0.4
    draws = 4000
    x, mask = torch.randn(1, 4, 8), causal_mask([4], 4, torch.float32)

    def output(copies: Tensor) -> Tensor:
        last: Tensor = layer(copies, mask)[:, -1]
        return layer.last(copies, mask[:, :, -1:]) if only_last else last

    def plain(copies: Tensor) -> Tensor:
        q, k, v = (
            part(copies).unflatten(-1, (num_heads, -1)).transpose(1, 2)
            for part in (layer.query, layer.key, layer.value)
        )
        weights = (q @ k.mT / (8 / num_heads) ** 0.5 + mask).softmax(dim=-1)
        dropped = F.dropout(weights, 0.4) @ v
        kept: Tensor = layer.output(dropped.transpose(1, 2).flatten(2))
        return kept[:, -1]

    with torch.no_grad():
        copies = x.expand(draws, 4, 8)
        ours, theirs = output(copies), plain(copies)
        expected = four_products(layer, x, mask)[0, -1]
    error = theirs.std(dim=0) / draws**0.5
    assert ((ours.mean(dim=0) - expected).abs() < 5 * error).all()
    torch.testing.assert_close(ours.std(dim=0), theirs.std(dim=0), rtol=0.1, atol=0)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.73])
def test_dropout_keeps_its_rate_and_its_mean(rate: float) -> None:
    torch.manual_seed(0)
    kept = dropout(torch.ones(1_000_003), rate, training=True)
    share = (kept != 0).double().mean().item()
    assert share == pytest.approx(1 - rate, abs=5 * (rate * (1 - rate) / 1e6) ** 0.5)
    assert kept.max().item() == pytest.approx(1 / (1 - rate))


@pytest.mark.parametrize("rate", [0.3, 0.5])
def test_dropout_masks_are_independent(rate: float) -> None:
    """Between neighbours at every distance within two words, and between draws."""
    torch.manual_seed(0)
    first, second = (dropout(torch.ones(400_000), rate, training=True) != 0 for _ in range(2))
    a, b = first.double() - (1 - rate), second.double() - (1 - rate)
    variance = rate * (1 - rate)
    for distance in range(1, 129):
        correlation = (a[:-distance] * a[distance:]).mean().item() / variance
        assert abs(correlation) < 0.01, distance
    assert abs((a * b).mean().item() / variance) < 0.01


def test_dropout_is_seeded_and_off_outside_training() -> None:
    x = torch.randn(1000)
    torch.manual_seed(3)
    first = dropout(x, 0.5, training=True)
    torch.manual_seed(3)
    assert torch.equal(first, dropout(x, 0.5, training=True))
    assert torch.equal(x, dropout(x, 0.5, training=False))


def test_a_tiny_rate_drops_next_to_nothing() -> None:
    torch.manual_seed(0)
    assert dropout(torch.ones(10_000), 1e-6, training=True).mean().item() == pytest.approx(
        1, abs=1e-2
    )
    assert dropout(torch.ones(10_000), 1 - 1e-6, training=True).isfinite().all()
