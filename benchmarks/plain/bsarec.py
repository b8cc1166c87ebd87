"""BSARec as one would write it first in PyTorch from the paper (arXiv 2312.10325).

nn.Dropout, a real FFT and back, all positions of all blocks computed, logits and their softmax
by ``F.cross_entropy``, examples collated one by one. Nothing here is meant to be fast; it is
meant to be plainly right. Parameters are named as in ``seqrec.models.bsarec``.

Shapes: B sequences, L = max_len positions, d channels, H heads.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from benchmarks.plain.rules import over_all_items, prefixes_of, without_padding
from benchmarks.sequences import Lists

NORM_EPS = 1e-12


class Filter(nn.Module):
    """Low frequencies as they are, high ones rescaled (equation 10)."""

    def __init__(self, dim: int, c: int) -> None:
        super().__init__()
        self.kept = c // 2 + 1
        self.sqrt_beta = nn.Parameter(torch.randn(1, 1, dim))

    def forward(self, x: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(x, dim=1, norm="ortho")
        spectrum[:, self.kept :] = 0
        low: Tensor = torch.fft.irfft(spectrum, n=x.shape[1], dim=1, norm="ortho")
        weight: Tensor = self.sqrt_beta**2
        return low + weight * (x - low)


class Attention(nn.Module):
    def __init__(self, dim: int, num_heads: int, rate: float) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.output = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(rate)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        query, key, value = (
            layer(x).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # (B, H, L, d / H)
            for layer in (self.query, self.key, self.value)
        )
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
        weights = self.dropout(torch.softmax(scores + mask, dim=-1))
        mixed: Tensor = self.output((weights @ value).transpose(1, 2).flatten(2))
        return mixed


class FeedForward(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.expand = nn.Linear(dim, 4 * dim)
        self.contract = nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.contract(F.gelu(self.expand(x)))
        return out


class Block(nn.Module):
    """alpha · filter + (1 - alpha) · attention, then the feed-forward layer."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        dim = options["dim"]
        self.alpha = options["alpha"]
        self.filter = Filter(dim, options["c"])
        self.filter_norm = nn.LayerNorm(dim, eps=NORM_EPS)
        self.attention = Attention(dim, options["num_heads"], options["attention_dropout"])
        self.attention_norm = nn.LayerNorm(dim, eps=NORM_EPS)
        self.feed_forward = FeedForward(dim)
        self.feed_forward_norm = nn.LayerNorm(dim, eps=NORM_EPS)
        self.dropout = nn.Dropout(options["hidden_dropout"])

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        filtered = self.filter_norm(x + self.dropout(self.filter(x)))
        attended = self.attention_norm(x + self.dropout(self.attention(x, mask)))
        mixed = self.alpha * filtered + (1 - self.alpha) * attended
        out: Tensor = self.feed_forward_norm(mixed + self.dropout(self.feed_forward(mixed)))
        return out


class PlainBSARec(nn.Module):
    """The model; ``authors`` lets padding take part everywhere, ``standard`` nowhere."""

    def __init__(self, options: dict[str, Any], num_items: int, protocol: str) -> None:
        super().__init__()
        dim, self.protocol = options["dim"], protocol
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
        length = histories.shape[1]
        causal = torch.ones(length, length, dtype=torch.bool, device=histories.device).tril()
        visible = causal & (histories > 0)[:, None, None, :]
        mask = torch.where(visible, 0.0, -10000.0).to(self.position_embedding.weight.dtype)
        positions = torch.arange(length, device=histories.device)
        x = self.item_embedding(histories) + self.position_embedding(positions)
        x = without_padding(self.dropout(self.input_norm(x)), histories, self.protocol)
        for block in self.blocks:
            x = without_padding(block(x, mask), histories, self.protocol)
        return x

    def scores(self, histories: Tensor) -> Tensor:
        """Return the score of every item after (B, L) histories: (B, items + 1)."""
        states: Tensor = self(histories)
        return states[:, -1] @ self.item_embedding.weight.T

    def loss(self, histories: Tensor, targets: Tensor) -> Tensor:
        """Return the cross entropy of (B,) targets."""
        return over_all_items(self.scores(histories), targets, self.protocol)


class Prefixes(Dataset[tuple[Tensor, Tensor]]):
    """One example for every prefix of a user's last ``max_len`` training items."""

    def __init__(self, users: Lists, max_len: int, protocol: str) -> None:
        self.max_len = max_len
        self.examples: list[tuple[list[int], int]] = []
        for items in users.train:
            self.examples += prefixes_of(items, max_len, protocol)

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        prefix, target = self.examples[index]
        padded = [0] * (self.max_len - len(prefix)) + prefix
        return torch.tensor(padded), torch.tensor(target)
