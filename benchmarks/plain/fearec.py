"""FEARec as one would write it first in PyTorch (arXiv 2304.09184).

Fourier transforms of queries, keys and values and back, one shifted copy of the values for every
delay, all positions of all blocks. Parameters are named as in ``seqrec.models.fearec``.

Shapes: B prefixes, L = max_len positions, d channels, H heads, K delays.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.plain.bsarec import NORM_EPS, FeedForward
from benchmarks.plain.rules import over_all_items, without_padding


def band_of(block: int, options: dict[str, Any]) -> tuple[int, int]:
    """Return the first of the bins that a block keeps, and one past the last."""
    bins, blocks = options["max_len"] // 2 + 1, options["num_blocks"]
    ratio = options["global_ratio"]
    if ratio > 1 / blocks:
        slide = bins * (1 - ratio) // (blocks - 1)
        return int(bins * (1 - ratio) - block * slide), int(bins - block * slide)
    size = bins / blocks
    return int(bins * (1 - 1 / blocks) - block * size), int(bins - block * size)


class HybridAttention(nn.Module):
    def __init__(self, block: int, options: dict[str, Any]) -> None:
        super().__init__()
        dim = options["dim"]
        self.num_heads, self.ratio = options["num_heads"], options["spatial_ratio"]
        self.first, self.stop = band_of(block, options)
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.output = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(options["attention_dropout"])

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        query, key, value = (
            layer(x).unflatten(-1, (self.num_heads, -1)).permute(0, 2, 3, 1)  # (B, H, d / H, L)
            for layer in (self.query, self.key, self.value)
        )
        of_query, of_key, of_value = (self.band(part) for part in (query, key, value))
        length = x.shape[1]
        correlation = torch.fft.irfft(of_query * of_key.conj(), n=length, dim=-1)
        delayed = self.delayed(value, correlation.mean(dim=(1, 2)))
        kept = (torch.fft.irfft(part, n=length, dim=-1) for part in (of_query, of_key, of_value))
        in_time = self.in_time(mask, *kept)
        mixed = (1 - self.ratio) * delayed + self.ratio * in_time
        out: Tensor = self.output(mixed.permute(0, 3, 1, 2).flatten(2))
        return out

    def band(self, x: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(x, dim=-1)
        kept = torch.zeros_like(spectrum)
        kept[..., self.first : self.stop] = spectrum[..., self.first : self.stop]
        return kept

    def delayed(self, value: Tensor, correlation: Tensor) -> Tensor:
        """Return the sum of (B, H, d / H, L) shifted by the best delays, (B, L) say which."""
        length = value.shape[-1]
        count = min(length, int(10 * math.log(length)))
        total = torch.zeros_like(value)
        if self.training:
            delays = correlation.mean(dim=0).topk(count).indices
            weights = torch.softmax(correlation[:, delays], dim=-1)
            for number, delay in enumerate(delays.tolist()):
                weight = weights[:, number, None, None, None]
                total = total + value.roll(-delay, dims=-1) * weight
            return total
        best, own = correlation.topk(count, dim=-1)
        weights = torch.softmax(best, dim=-1)
        twice = value.repeat(1, 1, 1, 2)
        start = torch.arange(length, device=value.device).expand_as(value)
        for number in range(count):
            shifted = twice.gather(-1, start + own[:, number, None, None, None])
            total = total + shifted * weights[:, number, None, None, None]
        return total

    def in_time(self, mask: Tensor, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        scores = query.transpose(-1, -2) @ key / math.sqrt(query.shape[2]) + mask
        weights = self.dropout(torch.softmax(scores, dim=-1))
        attended: Tensor = value @ weights.transpose(-1, -2)
        return attended


class Block(nn.Module):
    def __init__(self, block: int, options: dict[str, Any]) -> None:
        super().__init__()
        self.attention = HybridAttention(block, options)
        self.attention_norm = nn.LayerNorm(options["dim"], eps=NORM_EPS)
        self.feed_forward = FeedForward(options["dim"])
        self.feed_forward_norm = nn.LayerNorm(options["dim"], eps=NORM_EPS)
        self.dropout = nn.Dropout(options["hidden_dropout"])

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.attention_norm(x + self.dropout(self.attention(x, mask)))
        out: Tensor = self.feed_forward_norm(x + self.dropout(self.feed_forward(x)))
        return out


class PlainFEARec(nn.Module):
    """Embeddings, blocks of hybrid attention, and the contrasts of kind ``us_x``."""

    def __init__(self, options: dict[str, Any], num_items: int, protocol: str) -> None:
        super().__init__()
        self.protocol = protocol
        dim, self.options = options["dim"], options
        self.item_embedding = nn.Embedding(num_items + 1, dim, padding_idx=0)
        self.position_embedding = nn.Embedding(options["max_len"], dim)
        self.input_norm = nn.LayerNorm(dim, eps=NORM_EPS)
        self.dropout = nn.Dropout(options["hidden_dropout"])
        self.blocks = nn.ModuleList(Block(n, options) for n in range(options["num_blocks"]))
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(self, histories: Tensor) -> Tensor:
        """Return the states of (B, L) histories at all positions: (B, L, d)."""
        visible = (histories > 0)[:, None, None, :].expand(-1, 1, histories.shape[1], -1)
        visible = visible & torch.ones_like(visible[:1]).tril()
        mask = torch.where(visible, 0.0, -10000.0).to(self.position_embedding.weight.dtype)
        positions = torch.arange(histories.shape[1], device=histories.device)
        x = self.item_embedding(histories) + self.position_embedding(positions)
        x = without_padding(self.dropout(self.input_norm(x)), histories, self.protocol)
        for block in self.blocks:
            x = without_padding(block(x, mask), histories, self.protocol)
        states: Tensor = x
        return states

    def scores(self, histories: Tensor) -> Tensor:
        """Return the score of every item after (B, L) histories: (B, items + 1)."""
        states: Tensor = self(histories)
        return states[:, -1] @ self.item_embedding.weight.T

    def loss(self, histories: Tensor, targets: Tensor, same_target: Tensor) -> Tensor:
        """Return cross entropy and the contrasts of a second pass with (B, L) partners."""
        loss: Tensor = over_all_items(self.scores(histories), targets, self.protocol)
        again, partners = self(histories), self(same_target)
        loss = loss + self.options["supervised_weight"] * self.contrast(
            again[:, -1], partners[:, -1]
        )
        if self.options["regularise_frequencies"]:
            again, partners = (
                torch.fft.rfft(states, dim=1, norm="ortho") for states in (again, partners)
            )
            distance = torch.abs(again - partners).mean()
            loss = loss + self.options["regularisation_weight"] * distance
        return loss

    def contrast(self, first: Tensor, second: Tensor) -> Tensor:
        views = torch.cat([first, second])
        if self.options["similarity"] == "cos":
            similar = F.cosine_similarity(views[:, None], views[None], dim=2)
        else:
            similar = views @ views.T
        count = len(first)
        itself = torch.eye(2 * count, dtype=torch.bool, device=views.device)
        logits = (similar / self.options["tau"]).masked_fill(itself, -torch.inf)
        partners = torch.arange(2 * count, device=views.device).roll(count)
        return F.cross_entropy(logits, partners)
