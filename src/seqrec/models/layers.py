"""Blocks that two or more models share.

Shapes: B sequences, L positions, d channels, H heads, R query rows (L, or 1 where only the
last position is asked for), K kept components.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_WORD = 8  # bytes of random bits drawn at once


def dropout(x: Tensor, rate: float, training: bool) -> Tensor:
    """Zero a share ``rate`` of the elements and scale the rest by 1 / (1 - rate).

    On CPU the mask is cut from random 64-bit words, several elements a word: the native
    dropout draws a float an element, which costs more than the matrix products around it.

    Args:
        x: any shape.
        rate: share of zeros, kept to a resolution of 1 / 65536; 0.5 is exact.
        training: nothing happens outside training.

    Returns:
        A tensor of the shape of ``x``.
    """
    if not training or rate == 0.0:
        return x
    if x.device.type != "cpu":
        return F.dropout(x, rate)
    keep = _coin_flips(x.numel()) if rate == 0.5 else _below(x.numel(), 1.0 - rate)
    return x * keep.view(x.shape).to(x.dtype).mul_(1.0 / (1.0 - rate))


def _random_words(count: int) -> Tensor:
    return torch.empty(count, dtype=torch.int64).random_(-(2**63), None)


def _coin_flips(count: int) -> Tensor:
    """(count,) fair bits, one random bit each."""
    random_bytes = _random_words(-(-count // (8 * _WORD))).view(torch.uint8)
    bits = random_bytes.unsqueeze(-1).bitwise_and(_BIT_OF_BYTE)
    return bits.view(-1)[:count] != 0


def _below(count: int, share: float) -> Tensor:
    """(count,) bools, true with probability ``share``, sixteen random bits each."""
    draws = _random_words(-(-count * 2 // _WORD)).view(torch.int16)[:count]
    return draws < round(share * 65536) - 32768


_BIT_OF_BYTE = torch.tensor([1, 2, 4, 8, 16, 32, 64, 128], dtype=torch.uint8)


class LowPass(nn.Module):
    """Keep the lowest frequencies of a sequence: a fixed linear map over its positions.

    Cutting a real FFT to its first bins and transforming back is a projection of rank K,
    P = U Uᵀ with cosines and sines as the columns of U (BSARec, equations 8 and 9). No FFT
    is needed, and one output row costs one row of U.

    Args:
        length: L.
        bins: kept bins of the real FFT, the constant one included.
    """

    basis: Tensor

    def __init__(self, length: int, bins: int) -> None:
        super().__init__()
        self.register_buffer("basis", _fourier_basis(length, bins), persistent=False)

    def forward(self, x: Tensor, rows: slice = slice(None)) -> Tensor:
        """Return the low frequencies (B, R, d) of ``x`` (B, L, d) at ``rows``."""
        return self.basis[rows] @ (self.basis.T @ x)


def _fourier_basis(length: int, bins: int) -> Tensor:
    """(L, K) orthonormal columns that span the first ``bins`` bins of a real FFT."""
    position = torch.arange(length, dtype=torch.float64)
    columns = [torch.full_like(position, 1 / math.sqrt(length))]
    for frequency in range(1, min(bins, length // 2 + 1)):
        angle = 2 * math.pi * frequency * position / length
        if 2 * frequency == length:
            columns.append(torch.cos(angle) / math.sqrt(length))
        else:
            scale = math.sqrt(2 / length)
            columns += [torch.cos(angle) * scale, torch.sin(angle) * scale]
    return torch.stack(columns, dim=1).float()


class SelfAttention(nn.Module):
    """Multi-head self-attention with an additive mask; heads share the channels evenly."""

    def __init__(self, dim: int, num_heads: int, weight_dropout: float) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.weight_dropout = weight_dropout
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.output = nn.Linear(dim, dim)

    def forward(self, x: Tensor, mask: Tensor, rows: slice = slice(None)) -> Tensor:
        """Attend from ``rows`` of ``x`` (B, L, d) to all of it.

        Args:
            x: (B, L, d).
            mask: (B or 1, 1, R, L), added to the scores.
            rows: the query positions.

        Returns:
            (B, R, d).
        """
        query, key, value = (
            self._split(layer(part))  # (B, H, R or L, d / H)
            for layer, part in ((self.query, x[:, rows]), (self.key, x), (self.value, x))
        )
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1]) + mask
        weights = dropout(scores.softmax(dim=-1), self.weight_dropout, self.training)
        attended: Tensor = self.output((weights @ value).transpose(1, 2).flatten(2))
        return attended

    def _split(self, x: Tensor) -> Tensor:
        batch, rows, dim = x.shape
        return x.view(batch, rows, self.num_heads, dim // self.num_heads).transpose(1, 2)


class FeedForward(nn.Module):
    """Two linear layers with a GELU between them, four times as wide inside."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.expand = nn.Linear(dim, 4 * dim)
        self.contract = nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map (…, d) to (…, d)."""
        contracted: Tensor = self.contract(F.gelu(self.expand(x)))
        return contracted


def initialise(model: nn.Module, std: float = 0.02) -> None:
    """Draw linear and embedding weights from N(0, std²); biases 0, LayerNorm the identity."""
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=std)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
