"""Blocks that two or more models share.

Shapes: B sequences, L positions, d channels, H heads, R query positions, K kept components.
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
    return draws <= max(-32768, round(share * 65536) - 32769)


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

    def forward(self, x: Tensor) -> Tensor:
        """Return the low frequencies of (B, W, d), the last W of L positions, the others 0."""
        basis = self.basis[-x.shape[1] :]
        return basis @ (basis.T @ x)

    def last(self, x: Tensor) -> Tensor:
        """Return them at the last position alone: (B, d)."""
        weights = self.basis[-x.shape[1] :] @ self.basis[-1]
        return weights @ x


def _fourier_basis(length: int, bins: int) -> Tensor:
    """(L, K) orthonormal columns that span the first ``bins`` bins of a real FFT.

    They are made on the CPU, whatever the default: a model goes to its device as a whole.
    """
    position = torch.arange(length, dtype=torch.float64, device="cpu")
    columns = [torch.full_like(position, 1 / math.sqrt(length))]
    for frequency in range(1, min(bins, length // 2 + 1)):
        angle = 2 * math.pi * frequency * position / length
        if 2 * frequency == length:
            columns.append(torch.cos(angle) / math.sqrt(length))
        else:
            scale = math.sqrt(2 / length)
            columns += [torch.cos(angle) * scale, torch.sin(angle) * scale]
    return torch.stack(columns, dim=1).float()


def attend(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor, num_heads: int, rate: float
) -> Tensor:
    """Return softmax(query . key / sqrt(d / H) + mask) value, each head on its own channels.

    Args:
        query: (B, R, d).
        key: (B, L, d).
        value: (B, L, d).
        mask: (B or 1, 1, R, L), added to the scores.
        num_heads: H.
        rate: dropout of the weights; 0 outside training.

    Returns:
        (B, R, d).
    """
    query, key, value = (_split(x, num_heads) for x in (query, key, value))
    scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1]) + mask
    weights = dropout(scores.softmax(dim=-1), rate, training=True)
    return (weights @ value).transpose(1, 2).flatten(2)


def attend_last(
    query: Tensor,
    x: Tensor,
    key: nn.Linear,
    value: nn.Linear,
    mask: Tensor,
    num_heads: int,
    rate: float,
) -> Tensor:
    """Return what ``attend`` gives for one query a sequence, without any key or value.

    A score is a product of the query with W_k x, hence of W_k' query with x; the output is W_v
    times a weighted sum of x. With one query a sequence this moves both products from L
    positions to one.

    Args:
        query: (B, d), one a sequence.
        x: (B, L, d), of which keys and values would be made.
        key: the layer that would make the keys.
        value: the layer that would make the values.
        mask: (B or 1, 1, 1, L), added to the scores.
        num_heads: H.
        rate: dropout of the weights; 0 outside training.

    Returns:
        (B, d).
    """
    batch, dim = query.shape
    query = query.view(batch, num_heads, dim // num_heads)
    by_head = (num_heads, dim // num_heads, -1)
    # The keys' bias adds the same to all scores of a query, which the softmax does not see: its
    # gradient is 0, and present.
    query = query + 0.0 * key.bias.view(num_heads, -1)
    towards = torch.einsum("bhc,hcd->bhd", query, key.weight.view(by_head))
    scores = towards @ x.transpose(1, 2) / math.sqrt(query.shape[-1])
    weights = (scores + mask.squeeze(1)).softmax(dim=-1)
    weights = dropout(weights, rate, training=True)
    summed = weights @ x  # (B, H, d)
    values = torch.einsum("bhd,hcd->bhc", summed, value.weight.view(by_head))
    values = values + weights.sum(dim=-1, keepdim=True) * value.bias.view(num_heads, -1)
    return values.flatten(1)


def _split(x: Tensor, num_heads: int) -> Tensor:
    """(B, L, d) → (B, H, L, d / H)."""
    batch, rows, dim = x.shape
    return x.view(batch, rows, num_heads, dim // num_heads).transpose(1, 2)


class SelfAttention(nn.Module):
    """Multi-head self-attention with an additive mask; heads share the channels evenly."""

    def __init__(self, dim: int, num_heads: int, weight_dropout: float) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.weight_dropout = weight_dropout
        self.query, self.key, self.value, self.output = (nn.Linear(dim, dim) for _ in range(4))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map (B, L, d) to the same; ``mask`` (B or 1, 1, L, L) is added to the scores."""
        if self.num_heads == 1:
            return self._single_head(x, mask)
        attended: Tensor = self.output(
            attend(self.query(x), self.key(x), self.value(x), mask, self.num_heads, self._rate)
        )
        return attended

    def _single_head(self, x: Tensor, mask: Tensor) -> Tensor:
        """The same with W_k' W_q and W_o W_v multiplied first: two products over x, not four."""
        towards = self.key.weight.t() @ self.query.weight
        # the keys' bias does not matter to a softmax: its gradient is 0, and present
        bias = self.key.weight.t() @ self.query.bias + 0.0 * self.key.bias
        query = F.linear(x, towards, bias)
        through = self.output.weight @ self.value.weight
        value = F.linear(x, through, self.output.weight @ self.value.bias)
        return attend(query, x, value, mask, 1, self._rate) + self.output.bias

    def last(self, x: Tensor, mask: Tensor) -> Tensor:
        """Attend from the last position of (B, L, d) alone: (B, d); ``mask`` (B or 1, 1, 1, L)."""
        return self.of(x[:, -1], x, mask)

    def of(self, queries: Tensor, x: Tensor, mask: Tensor) -> Tensor:
        """Attend from one position of each sequence, (B, d) of (B, L, d), alone: (B, d)."""
        query = self.query(queries)
        attended: Tensor = self.output(
            attend_last(query, x, self.key, self.value, mask, self.num_heads, self._rate)
        )
        return attended

    @property
    def _rate(self) -> float:
        return self.weight_dropout if self.training else 0.0


def initialise(model: nn.Module, std: float = 0.02) -> None:
    """Draw linear and embedding weights from N(0, std²); biases 0, LayerNorm the identity."""
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=std)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
