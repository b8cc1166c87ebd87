"""MQSA-TED as one would write it first in PyTorch from the paper (arXiv 2311.01056).

Dense padded batches of users, the logits of every position over all items for both branches,
their mix, dense rows of the transition graph as the targets of the distillation. Nothing here is
meant to be fast; it is meant to be plainly right. Parameters are named as in
``seqrec.models.mqsa_ted``.

Shapes: B users, L = max_len positions, d channels, H heads of attention, I items, N real inputs.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from benchmarks.sequences import Lists

NORM_EPS = 1e-24
FLOOR = 1e-24


class Block(nn.Module):
    """Attention whose query is normalised and kept as the residual; keys and values are raw."""

    def __init__(self, dim: int, num_heads: int, rate: float) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.query_norm = nn.LayerNorm(dim, eps=NORM_EPS)
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.norm = nn.LayerNorm(dim, eps=NORM_EPS)
        self.expand = nn.Linear(dim, dim)
        self.contract = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(rate)

    def forward(self, queries: Tensor, x: Tensor, visible: Tensor) -> Tensor:
        """Attend from (B, L, d) queries to (B, L, d) inputs where (B, 1, L, L) says so."""
        queries = self.query_norm(queries)
        query, key, value = (
            layer(part).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # (B, H, L, d / H)
            for layer, part in ((self.query, queries), (self.key, x), (self.value, x))
        )
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
        weights = self.dropout(scores.masked_fill(~visible, -1e9).softmax(dim=-1))
        attended = self.norm(queries + (weights @ value).transpose(1, 2).flatten(2))
        out: Tensor = attended + self.contract(F.relu(self.expand(attended)))
        return out


class Branch(nn.Module):
    """Blocks whose query is the mean of the last ``window`` inputs."""

    def __init__(self, options: dict[str, Any], window: int) -> None:
        super().__init__()
        self.window = window
        self.blocks = nn.ModuleList(
            Block(options["dim"], options["num_heads"], options["dropout"])
            for _ in range(options["num_blocks"])
        )
        self.norm = nn.LayerNorm(options["dim"], eps=NORM_EPS)

    def forward(self, x: Tensor, real: Tensor, visible: Tensor) -> Tensor:
        """Map (B, L, d) inputs to (B, L, d) states; ``real`` is (B, L, 1)."""
        for block in self.blocks:
            x = block(self.mean_of_last(x), x, visible) * real
        out: Tensor = self.norm(x)
        return out

    def mean_of_last(self, x: Tensor) -> Tensor:
        """Return at every position the mean of the last inputs; padding before it counts as 0."""
        shifted = [F.pad(x, (0, 0, back, 0))[:, : x.shape[1]] for back in range(self.window)]
        return torch.stack(shifted).mean(dim=0)


class PlainMQSATED(nn.Module):
    """The model with its losses."""

    def __init__(
        self, options: dict[str, Any], ted: dict[str, Any], num_items: int, protocol: str
    ) -> None:
        super().__init__()
        self.alpha, self.ted, self.protocol = options["alpha"], ted, protocol
        self.item_embedding = nn.Embedding(num_items + 1, options["dim"], padding_idx=0)
        self.position_embedding = nn.Embedding(options["max_len"], options["dim"])
        self.dropout = nn.Dropout(options["dropout"])
        self.short = Branch(options, window=1)
        self.long = Branch(options, window=options["L"])
        for embedding in (self.item_embedding, self.position_embedding):
            nn.init.normal_(embedding.weight, std=0.01)
        nn.init.zeros_(self.item_embedding.weight[0])
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def table(self) -> Tensor:
        """Return the item vectors, always zeros for padding: (I + 1, d)."""
        vectors = self.item_embedding.weight
        return torch.cat([torch.zeros_like(vectors[:1]), vectors[1:]])

    def forward(self, histories: Tensor) -> tuple[Tensor, Tensor]:
        """Return the states of both branches of (B, L) histories: twice (B, L, d)."""
        length = histories.shape[1]
        real = (histories > 0).unsqueeze(-1)
        causal = torch.ones(length, length, dtype=torch.bool, device=histories.device).tril()
        visible = causal & (histories > 0)[:, None, None, :]
        x = self.item_embedding(histories) * math.sqrt(self.item_embedding.embedding_dim)
        x = self.dropout(x + self.position_embedding.weight) * real
        return self.short(x, real, visible), self.long(x, real, visible)

    def logits(self, short: Tensor, long: Tensor) -> Tensor:
        """Mix the scores of the branches: (…, d) twice to (…, I + 1); padding scores 0."""
        table = self.table()
        mixed: Tensor = self.alpha * (short @ table.T) + (1 - self.alpha) * (long @ table.T)
        return mixed

    def scores(self, histories: Tensor) -> Tensor:
        """Return the score of every item after (B, L) histories: (B, I + 1)."""
        short, long = self(histories)
        return self.logits(short[:, -1], long[:, -1])

    def recommendation_loss(self, histories: Tensor, targets: Tensor) -> Tensor:
        """Return the cross entropy of (B, L) targets wherever there is one."""
        logits = self.logits(*self(histories))
        if self.protocol != "authors":  # padding is no class
            logits, targets = logits[..., 1:], targets - 1
            return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=0)

    def distillation_loss(self, heads: Tensor, counts: Tensor) -> Tensor:
        """Return the cross entropy of (N, I) counts and the items that (N,) heads predict."""
        tau, items = self.ted["tau"], self.item_embedding.weight[1:]
        target = torch.softmax(counts / counts.amax(dim=1, keepdim=True) / tau, dim=1)
        vectors = self.dropout(items[heads - 1]) * math.sqrt(items.shape[1])
        predicted = torch.softmax(vectors @ items.T / tau, dim=1)
        return -(target * torch.log(predicted + FLOOR)).sum(dim=1).mean()

    def squares(self) -> Tensor:
        """Return half the sum of squares of all variables."""
        return torch.stack([0.5 * value.square().sum() for value in self.parameters()]).sum()


class UserBatch(NamedTuple):
    histories: Tensor
    """(B, L)."""
    targets: Tensor
    """(B, L): the item after each position."""
    heads: Tensor
    """(N,) the real inputs."""
    counts: Tensor
    """(N, I) their rows of the transition graph."""


class Users(Dataset[tuple[list[int], list[int]]]):
    """A user's last training items as inputs, and what follows each as targets."""

    def __init__(self, users: Lists, max_len: int, time_span: int, protocol: str) -> None:
        kept = max_len if protocol == "authors" else max_len + 1
        window = max_len if protocol == "authors" else None
        self.max_len = max_len
        self.sequences = [items[-kept:] for items in users.train if len(items) > 1]
        self.graph = transitions(
            [items[-window:] if window else items for items in users.train], time_span
        )

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, index: int) -> tuple[list[int], list[int]]:
        items = self.sequences[index]
        return self.padded(items[:-1]), self.padded(items[1:])

    def padded(self, items: list[int]) -> list[int]:
        return [0] * (self.max_len - len(items)) + items

    def collate(self, examples: list[tuple[list[int], list[int]]], num_items: int) -> UserBatch:
        """Return the batch of some users, with the dense rows of the graph that it needs."""
        heads = [item for inputs, _ in examples for item in inputs if item]
        counts = np.zeros((len(heads), num_items), np.float32)
        for row, head in enumerate(heads):
            for item, count in self.graph[head].items():
                counts[row, item - 1] = count
        return UserBatch(
            torch.tensor([inputs for inputs, _ in examples]),
            torch.tensor([targets for _, targets in examples]),
            torch.tensor(heads),
            torch.from_numpy(counts),
        )


def transitions(sequences: list[list[int]], time_span: int) -> dict[int, Counter[int]]:
    """Count how often an item is followed by another one, up to ``time_span`` places on."""
    graph: dict[int, Counter[int]] = {}
    for items in sequences:
        for place, head in enumerate(items):
            graph.setdefault(head, Counter()).update(items[place + 1 : place + 1 + time_span])
    return graph
