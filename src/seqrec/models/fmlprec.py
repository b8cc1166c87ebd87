"""FMLPRec: filter-enhanced MLP is all you need for sequential recommendation (arXiv 2202.13556).

A transformer without attention (WWW 2022): each block multiplies the spectrum of every channel by
learned complex weights, which damps the frequencies that are noise, then applies a feed-forward
layer; both with residual and LayerNorm. The loss compares the target with one sampled item.

Notable: the filter is computed as the circular convolution that it is, a product of matrices a
channel; the last block computes the last position alone.

Shapes: B sequences, L = max_len positions, W of them in use, d channels, M = L // 2 + 1 bins.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, cast

import torch
from torch import Tensor, nn

from seqrec.models.parts.bounds import Rate, Size
from seqrec.models.parts.circular import circulant, response_map
from seqrec.models.parts.feed_forward import Activation, FeedForward
from seqrec.models.parts.frequency_model import NORM_EPS, FrequencyModel, start_alike
from seqrec.models.parts.layers import dropout
from seqrec.models.parts.search_range import DROPOUT, LEARNING_RATE, Space
from seqrec.protocol import Protocol

INITIAL_STD = 0.02


@dataclass(frozen=True)
class FMLPRecConfig:
    """The paper's settings."""

    num_items: Size
    max_len: Size = 50
    dim: Size = 64
    num_blocks: Size = 2
    hidden_dropout: Rate = 0.5
    activation: Activation = "gelu"
    protocol: Protocol = "standard"


class SpectralFilter(nn.Module):
    """A learned complex weight for every frequency of every channel (equation 5)."""

    responses: Tensor

    def __init__(self, length: int, dim: int) -> None:
        super().__init__()
        # real and imaginary parts apart: (M, d, 2)
        self.weight = nn.Parameter(torch.empty(length // 2 + 1, dim, 2).normal_(std=INITIAL_STD))
        self.register_buffer("responses", response_map(length), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Filter (B, W, d) along the positions."""
        batch, width, dim = x.shape
        filters = circulant(self.kernel().t(), width)  # (d, W, W)
        channels = x.flatten(0, 1).t().contiguous().view(dim, batch, width)
        filtered = channels @ filters.transpose(1, 2)
        return filtered.flatten(1).t().contiguous().view_as(x)

    def last(self, x: Tensor) -> Tensor:
        """Return the last position of that alone: (B, d)."""
        weights = self.kernel()[: x.shape[1]].flip(0)  # by the distance from the last position
        return (x * weights).sum(dim=1)

    def kernel(self) -> Tensor:
        """Return the filter's response to a single 1 in each channel: (L, d)."""
        return torch.einsum("lmp,mdp->ld", self.responses, self.weight)


class FMLPRecBlock(nn.Module):
    """The filter, then a feed-forward layer, each with dropout, residual and LayerNorm."""

    def __init__(self, config: FMLPRecConfig) -> None:
        super().__init__()
        self.rate = config.hidden_dropout
        self.filter = SpectralFilter(config.max_len, config.dim)
        self.filter_norm = nn.LayerNorm(config.dim, eps=NORM_EPS)
        self.feed_forward = FeedForward(config.dim, config.activation)
        self.feed_forward_norm = nn.LayerNorm(config.dim, eps=NORM_EPS)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map (B, W, d) to the same; there is no mask."""
        return self._rest(x, self.filter(x))

    def last(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the last position of that alone: (B, d)."""
        return self._rest(x[:, -1], self.filter.last(x))

    def _rest(self, residual: Tensor, filtered: Tensor) -> Tensor:
        x = self.filter_norm(residual + self._drop(filtered))
        output: Tensor = self.feed_forward_norm(x + self._drop(self.feed_forward(x)))
        return output

    def _drop(self, x: Tensor) -> Tensor:
        return dropout(x, self.rate, self.training)


class FMLPRec(FrequencyModel):
    """The model: embeddings and blocks of filters."""

    Config: ClassVar[type] = FMLPRecConfig
    config: FMLPRecConfig
    space: ClassVar[Mapping[str, Space]] = {
        "num_blocks": (1, 2, 3),
        "hidden_dropout": DROPOUT,
        "training.learning_rate": LEARNING_RATE,
    }
    authors_losses: ClassVar[tuple[str, ...]] = ("bce",)

    def __init__(self, config: FMLPRecConfig) -> None:
        super().__init__(config, [FMLPRecBlock(config) for _ in range(config.num_blocks)])
        start_alike(layer.weight for layer in self.filters())

    def filters(self) -> list[SpectralFilter]:
        """Return the filter of every block, first to last."""
        return [cast(FMLPRecBlock, block).filter for block in self.blocks]
