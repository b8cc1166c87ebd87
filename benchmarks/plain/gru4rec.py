"""GRU4Rec as one would write it first in PyTorch.

``nn.GRU`` over all of the padded prefix or sequence. Parameters are named as in
``seqrec.models.gru4rec``.

Shapes: B examples, L = max_len positions, d channels.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.plain.rules import asked, without_padding


class PlainGRU4Rec(nn.Module):
    """An embedding, ``nn.GRU`` and a linear layer."""

    def __init__(self, options: dict[str, Any], num_items: int, protocol: str) -> None:
        super().__init__()
        self.protocol = protocol
        dim, hidden_dim = options["dim"], options["hidden_dim"]
        self.item_embedding = nn.Embedding(num_items + 1, dim, padding_idx=0)
        self.dropout = nn.Dropout(options["hidden_dropout"])
        self.gru = nn.GRU(dim, hidden_dim, options["num_layers"], bias=False, batch_first=True)
        self.dense = nn.Linear(hidden_dim, dim)
        nn.init.normal_(self.item_embedding.weight, std=0.02)
        nn.init.normal_(self.dense.weight, std=0.02)
        nn.init.zeros_(self.dense.bias)
        layers = self.gru.all_weights
        for weight in chain(*(layers[:1] if protocol == "authors" else layers)):
            nn.init.xavier_uniform_(weight)

    def forward(self, histories: Tensor) -> Tensor:
        """Return the states of (B, L) histories at all positions: (B, L, d)."""
        x = without_padding(self.item_embedding(histories), histories, self.protocol)
        states, _ = self.gru(self.dropout(x))  # without biases it rests while zeros come in
        mapped: Tensor = self.dense(states)
        return mapped

    def scores(self, histories: Tensor) -> Tensor:
        """Return the score of every item after (B, L) histories: (B, items + 1)."""
        states: Tensor = self(histories)
        return states[:, -1] @ self.item_embedding.weight.T

    def loss(self, histories: Tensor, targets: Tensor, negatives: Tensor) -> Tensor:
        """Return BPR's loss of targets against negatives, (B,) or (B, L) each."""
        states, targets, negatives = asked(self(histories), targets, negatives)
        own = (states * self.item_embedding(targets)).sum(-1)
        other = (states * self.item_embedding(negatives)).sum(-1)
        return -torch.log(torch.sigmoid(own - other) + 1e-10).mean()
