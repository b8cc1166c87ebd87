"""Shared blocks against their plain forms."""

import pytest
import torch
import torch.nn.functional as F

from seqrec.models.layers import LowPass, SelfAttention, dropout


@pytest.mark.parametrize("length", [1, 2, 5, 12, 13, 50])
@pytest.mark.parametrize("bins", [1, 2, 3, 7])
def test_low_pass_equals_a_truncated_fft(length: int, bins: int) -> None:
    x = torch.randn(3, length, 4, dtype=torch.float64)
    spectrum = torch.fft.rfft(x, dim=1, norm="ortho")
    spectrum[:, bins:] = 0
    expected = torch.fft.irfft(spectrum, n=length, dim=1, norm="ortho")
    layer = LowPass(length, bins).double()
    torch.testing.assert_close(layer(x), expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(layer(x, slice(-1, None)), expected[:, -1:], atol=1e-6, rtol=0)


def test_attention_equals_the_library_form() -> None:
    torch.manual_seed(0)
    layer = SelfAttention(dim=8, num_heads=2, weight_dropout=0.0)
    x, mask = torch.randn(3, 5, 8), torch.zeros(1, 1, 5, 5)
    q, k, v = (
        part(x).view(3, 5, 2, 4).transpose(1, 2) for part in (layer.query, layer.key, layer.value)
    )
    plain = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(3, 5, 8)
    torch.testing.assert_close(layer(x, mask), layer.output(plain))


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
