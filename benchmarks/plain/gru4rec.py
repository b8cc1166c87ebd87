"""GRU4Rec as one would write it first in PyTorch, protocol ``authors``.

``nn.GRU`` over all of the padded prefix. Parameters are named as in ``seqrec.models.gru4rec``.

Shapes: B prefixes, L = max_len positions, d channels.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class PlainGRU4Rec(nn.Module):
    """An embedding, ``nn.GRU`` and a linear layer."""

    def __init__(self, options: dict[str, Any], num_items: int, protocol: str) -> None:
        super().__init__()
        if protocol != "authors":
            raise ValueError("the plain form is that of protocol authors")
        dim, hidden_dim = options["dim"], options["hidden_dim"]
        self.item_embedding = nn.Embedding(num_items + 1, dim, padding_idx=0)
        self.dropout = nn.Dropout(options["hidden_dropout"])
        self.gru = nn.GRU(dim, hidden_dim, options["num_layers"], bias=False, batch_first=True)
        self.dense = nn.Linear(hidden_dim, dim)
        nn.init.normal_(self.item_embedding.weight, std=0.02)
        nn.init.normal_(self.dense.weight, std=0.02)
        nn.init.zeros_(self.dense.bias)
        for weight in self.gru.all_weights[0]:
            nn.init.xavier_uniform_(weight)

    def forward(self, histories: Tensor) -> Tensor:
        """Return the states of (B, L) histories at all positions: (B, L, d)."""
        states, _ = self.gru(self.dropout(self.item_embedding(histories)))
        mapped: Tensor = self.dense(states)
        return mapped

    def scores(self, histories: Tensor) -> Tensor:
        """Return the score of every item after (B, L) histories: (B, items + 1)."""
        states: Tensor = self(histories)
        return states[:, -1] @ self.item_embedding.weight.T

    def loss(self, histories: Tensor, targets: Tensor, negatives: Tensor) -> Tensor:
        """Return BPR's loss of (B,) targets against (B,) negatives."""
        states = self(histories)[:, -1]
        own = (states * self.item_embedding(targets)).sum(-1)
        other = (states * self.item_embedding(negatives)).sum(-1)
        return -torch.log(torch.sigmoid(own - other) + 1e-10).mean()
