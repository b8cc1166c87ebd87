"""Caser as one would write it first in PyTorch.

A ``Conv2d`` for every height, over all of the padded image, pooled over its places. Parameters are
named as in ``seqrec.models.caser``; users are counted from 0.

Shapes: B prefixes, L = max_len positions, d channels.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.plain.rules import without_padding


class PlainCaser(nn.Module):
    """Embeddings, convolutions and two linear layers."""

    def __init__(
        self, options: dict[str, Any], num_items: int, protocol: str, num_users: int
    ) -> None:
        super().__init__()
        self.protocol = protocol
        dim, length, count = options["dim"], options["max_len"], options["horizontal_filters"]
        self.l2: float = options["l2"]
        self.item_embedding = nn.Embedding(num_items + 1, dim, padding_idx=0)
        self.user_embedding = nn.Embedding(
            num_users, dim, padding_idx=0 if protocol == "authors" else None
        )
        self.vertical = nn.Conv2d(1, options["vertical_filters"], (length, 1))
        self.horizontal = nn.ModuleList(
            nn.Conv2d(1, count, (height, dim)) for height in range(1, length + 1)
        )
        self.features = nn.Linear(options["vertical_filters"] * dim + count * length, dim)
        self.output = nn.Linear(2 * dim, dim)
        self.dropout = nn.Dropout(options["hidden_dropout"])
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(self, histories: Tensor, users: Tensor) -> Tensor:
        """Return the states after (B, L) histories of (B,) users: (B, d)."""
        x = without_padding(self.item_embedding(histories), histories, self.protocol)
        image = x.unsqueeze(1)
        filtered = [self.vertical(image).flatten(1)]
        for filters in self.horizontal:
            answers = F.relu(filters(image)).squeeze(3)
            filtered.append(F.max_pool1d(answers, answers.shape[2]).squeeze(2))
        features = F.relu(self.features(self.dropout(torch.cat(filtered, dim=1))))
        both = torch.cat([features, self.user_embedding(users)], dim=1)
        return F.relu(self.output(both))

    def scores(self, histories: Tensor, users: Tensor) -> Tensor:
        """Return the score of every item after (B, L) histories: (B, items + 1)."""
        states: Tensor = self(histories, users)
        return states @ self.item_embedding.weight.T

    def loss(self, histories: Tensor, targets: Tensor, negatives: Tensor, users: Tensor) -> Tensor:
        """Return the binary cross entropy of (B,) targets and (B,) negatives, and the norms."""
        states = self(histories, users)
        own = (states * self.item_embedding(targets)).sum(-1)
        other = (states * self.item_embedding(negatives)).sum(-1)
        of_items = F.binary_cross_entropy_with_logits(own, torch.ones_like(own))
        of_items = of_items + F.binary_cross_entropy_with_logits(other, torch.zeros_like(other))
        weights = [value for name, value in self.named_parameters() if name.endswith("weight")]
        norms = torch.stack([weight.norm() for weight in weights])
        return of_items + self.l2 * norms.sum()
