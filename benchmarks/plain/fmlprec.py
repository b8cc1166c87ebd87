"""FMLPRec as one would write it first in PyTorch (arXiv 2202.13556).

A real FFT, a product with complex weights and the FFT back in every block, at all positions.
Parameters are named as in ``seqrec.models.fmlprec``.

Shapes: B prefixes, L = max_len positions, d channels.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.plain.bsarec import NORM_EPS, FeedForward
from benchmarks.plain.rules import without_padding


class Filter(nn.Module):
    def __init__(self, length: int, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(length // 2 + 1, dim, 2) * 0.02)

    def forward(self, x: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(x, dim=1, norm="ortho") * torch.view_as_complex(self.weight)
        filtered: Tensor = torch.fft.irfft(spectrum, n=x.shape[1], dim=1, norm="ortho")
        return filtered


class Block(nn.Module):
    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        self.filter = Filter(options["max_len"], options["dim"])
        self.filter_norm = nn.LayerNorm(options["dim"], eps=NORM_EPS)
        self.feed_forward = FeedForward(options["dim"])
        self.feed_forward_norm = nn.LayerNorm(options["dim"], eps=NORM_EPS)
        self.dropout = nn.Dropout(options["hidden_dropout"])

    def forward(self, x: Tensor) -> Tensor:
        x = self.filter_norm(x + self.dropout(self.filter(x)))
        out: Tensor = self.feed_forward_norm(x + self.dropout(self.feed_forward(x)))
        return out


class PlainFMLPRec(nn.Module):
    """Embeddings and blocks of filters."""

    def __init__(self, options: dict[str, Any], num_items: int, protocol: str) -> None:
        super().__init__()
        self.protocol = protocol
        dim = options["dim"]
        self.item_embedding = nn.Embedding(num_items + 1, dim, padding_idx=0)
        self.position_embedding = nn.Embedding(options["max_len"], dim)
        self.input_norm = nn.LayerNorm(dim, eps=NORM_EPS)
        self.dropout = nn.Dropout(options["hidden_dropout"])
        self.blocks = nn.ModuleList(Block(options) for _ in range(options["num_blocks"]))
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(self, histories: Tensor) -> Tensor:
        """Return the states of (B, L) histories at all positions: (B, L, d)."""
        positions = torch.arange(histories.shape[1], device=histories.device)
        x = self.item_embedding(histories) + self.position_embedding(positions)
        x = without_padding(self.dropout(self.input_norm(x)), histories, self.protocol)
        for block in self.blocks:
            x = without_padding(block(x), histories, self.protocol)
        states: Tensor = x
        return states

    def scores(self, histories: Tensor) -> Tensor:
        """Return the score of every item after (B, L) histories: (B, items + 1)."""
        states: Tensor = self(histories)
        return states[:, -1] @ self.item_embedding.weight.T

    def loss(self, histories: Tensor, targets: Tensor, negatives: Tensor) -> Tensor:
        """Return the binary cross entropy of (B,) targets and (B,) negatives."""
        states = self(histories)[:, -1]
        own = (states * self.item_embedding(targets)).sum(-1)
        other = (states * self.item_embedding(negatives)).sum(-1)
        losses = -torch.log(torch.sigmoid(own) + 1e-24) - torch.log(
            1 - torch.sigmoid(other) + 1e-24
        )
        return losses.mean()
