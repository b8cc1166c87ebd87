"""SASRec, BERT4Rec and DuoRec as one would write them first in PyTorch.

One left-padded prefix an example, or a whole sequence; all positions of all blocks computed.
Parameters are named as in ``seqrec.models``; blocks that BSARec has too are those of its plain
form.

Shapes: B examples, L = max_len positions, d channels.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.plain.bsarec import NORM_EPS, Attention, FeedForward
from benchmarks.plain.rules import asked, over_all_items, without_padding


class Block(nn.Module):
    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        dim = options["dim"]
        self.attention = Attention(dim, options["num_heads"], options["attention_dropout"])
        self.attention_norm = nn.LayerNorm(dim, eps=NORM_EPS)
        self.feed_forward = FeedForward(dim)
        self.feed_forward_norm = nn.LayerNorm(dim, eps=NORM_EPS)
        self.dropout = nn.Dropout(options["hidden_dropout"])

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.attention_norm(x + self.dropout(self.attention(x, mask)))
        out: Tensor = self.feed_forward_norm(x + self.dropout(self.feed_forward(x)))
        return out


class PlainTransformer(nn.Module):
    """Embeddings and blocks."""

    causal = True

    def __init__(
        self, options: dict[str, Any], num_items: int, protocol: str, more_items: int = 0
    ) -> None:
        super().__init__()
        dim, self.num_items, self.options = options["dim"], num_items, options
        self.protocol = protocol
        self.item_embedding = nn.Embedding(num_items + 1 + more_items, dim, padding_idx=0)
        self.position_embedding = nn.Embedding(options["max_len"], dim)
        self.input_norm = nn.LayerNorm(dim, eps=NORM_EPS)
        self.dropout = nn.Dropout(options["hidden_dropout"])
        self.blocks = nn.ModuleList(Block(options) for _ in range(options["num_blocks"]))
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the states of (B, L) tokens at all positions: (B, L, d)."""
        length = tokens.shape[1]
        visible = (tokens > 0)[:, None, None, :].expand(-1, 1, length, -1)
        if self.causal:
            visible = visible & torch.ones_like(visible[:1]).tril()
        mask = torch.where(visible, 0.0, -10000.0).to(self.position_embedding.weight.dtype)
        positions = torch.arange(length, device=tokens.device)
        x = self.item_embedding(tokens) + self.position_embedding(positions)
        x = without_padding(self.dropout(self.input_norm(x)), tokens, self.protocol)
        for block in self.blocks:
            x = without_padding(block(x, mask), tokens, self.protocol)
        states: Tensor = x
        return states

    def scores(self, histories: Tensor) -> Tensor:
        """Return the score of every item after (B, L) histories: (B, items + 1)."""
        states: Tensor = self(histories)
        return states[:, -1] @ self.item_embedding.weight.T


class PlainSASRec(PlainTransformer):
    def loss(self, histories: Tensor, targets: Tensor, negatives: Tensor) -> Tensor:
        """Return the binary cross entropy of targets and negatives, (B,) or (B, L) each."""
        states, targets, negatives = asked(self(histories), targets, negatives)
        own = (states * self.item_embedding(targets)).sum(-1)
        other = (states * self.item_embedding(negatives)).sum(-1)
        losses = -torch.log(torch.sigmoid(own) + 1e-24) - torch.log(
            1 - torch.sigmoid(other) + 1e-24
        )
        return losses.mean()


class PlainSASRecCE(PlainTransformer):
    def loss(self, histories: Tensor, targets: Tensor) -> Tensor:
        """Return the cross entropy of (B,) or (B, L) targets over all items."""
        states, targets = asked(self(histories), targets)
        return over_all_items(states @ self.item_embedding.weight.T, targets, self.protocol)


LAST_ONLY = 0.1
"""Share of whole sequences of which BERT4Rec masks the last item alone."""


class PlainBERT4Rec(PlainTransformer):
    causal = False

    def __init__(self, options: dict[str, Any], num_items: int, protocol: str) -> None:
        super().__init__(options, num_items, protocol, more_items=1)

    def scores(self, histories: Tensor) -> Tensor:
        """Return the score of every item behind a mask after (B, L) histories."""
        mask = torch.full_like(histories[:, :1], self.num_items + 1)
        states = self(torch.cat([histories[:, 1:], mask], dim=1))
        scores: Tensor = states[:, -1] @ self.item_embedding.weight.T
        return scores[:, :-1]

    def loss(self, histories: Tensor, targets: Tensor | None = None) -> Tensor:
        """Return the cross entropy of (B,) targets of prefixes at the last of the masked positions.

        Without targets of whole sequences, at all masked positions.
        """
        if targets is None:
            return self.cloze_loss(histories, self.masked(histories))
        count = int(self.options["mask_ratio"] * histories.shape[1])
        places = torch.stack([torch.randperm(histories.shape[1])[:count] for _ in histories])
        return self.masked_loss(histories, targets, places)

    def masked(self, sequences: Tensor) -> Tensor:
        """Draw which items of (B, L) sequences are masked, at least one of each."""
        masked: Tensor = (torch.rand(sequences.shape) < self.options["mask_ratio"]) & (
            sequences > 0
        )
        for row, drawn in enumerate(masked):
            if torch.rand(()) < LAST_ONLY or not drawn.any():
                drawn[:] = False
                masked[row, -1] = True
        return masked

    def cloze_loss(self, sequences: Tensor, masked: Tensor) -> Tensor:
        """Return the cross entropy of the items of (B, L) sequences that are masked."""
        states = self(torch.where(masked, self.num_items + 1, sequences))[masked]
        scores = states @ self.item_embedding.weight[:-1].T
        return over_all_items(scores, sequences[masked], self.protocol)

    def masked_loss(self, histories: Tensor, targets: Tensor, places: Tensor) -> Tensor:
        """Return the same with (B, M) given positions masked."""
        tokens = histories.scatter(1, places, self.num_items + 1)
        states = self(tokens)[torch.arange(len(tokens)), places[:, -1]]
        return F.cross_entropy(states @ self.item_embedding.weight.T, targets)


class PlainDuoRec(PlainTransformer):
    def loss(self, histories: Tensor, targets: Tensor, same_target: Tensor) -> Tensor:
        """Return the cross entropy and the contrast of a second pass with (B, L) partners."""
        states = self(histories)[:, -1]
        scores = states @ self.item_embedding.weight.T
        loss = over_all_items(scores, targets, self.protocol)
        again, partners = self(histories)[:, -1], self(same_target)[:, -1]
        weight: float = self.options["supervised_weight"]
        return loss + weight * self.contrast(again, partners)

    def contrast(self, first: Tensor, second: Tensor) -> Tensor:
        views = torch.cat([first, second])
        count, total = len(first), len(views)
        similar = views @ views.T / self.options["tau"]
        positive = torch.cat([similar.diagonal(count), similar.diagonal(-count)]).unsqueeze(1)
        others = torch.ones(total, total, dtype=torch.bool)
        others.fill_diagonal_(False)
        for row in range(count):
            others[row, row + count] = others[row + count, row] = False
        negative = similar[others].view(total, -1)
        logits = torch.cat([positive, negative], dim=1)
        return F.cross_entropy(logits, torch.zeros(total, dtype=torch.long))
