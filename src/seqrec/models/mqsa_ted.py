"""MQSA-TED: multi-query self-attention with transition-aware embedding distillation
(WSDM 2024, arXiv 2311.01056).

Two attention branches read the same sequence. The short one queries with the current item, the
long one with the mean of the last L inputs, which is less disturbed by a single stray item. The
final state is alpha * short + (1 - alpha) * long. The distillation (TED) is a loss of its own,
``seqrec.losses.distillation``, and any model can be trained with it.

Notable: the model is causal, so several users are packed in one row in training; a prediction
needs one query of the last block, whose scores are products with the inputs themselves.

Shapes: B sequences (or rows of packed sequences), W positions, d channels, H heads.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqrec.batches.packing import PackedBatch
from seqrec.losses import ItemLoss, Padding
from seqrec.models.parts.bounds import Rate, Share, Size, Weight
from seqrec.models.parts.face import SequentialModel, TrainingForm, check_width
from seqrec.models.parts.layers import attend, attend_last, dropout
from seqrec.models.parts.search_range import (
    DROPOUT,
    LEARNING_RATE,
    WEIGHT_DECAY,
    SearchRange,
    Space,
)
from seqrec.models.parts.transformer import check_heads
from seqrec.protocol import Protocol, RankingRules

NORM_EPS = 1e-24
INITIAL_STD = 0.01


@dataclass(frozen=True)
class MQSATEDConfig:
    """The settings published for Beauty."""

    num_items: Size
    max_len: Size = 50
    dim: Size = 64
    num_blocks: Size = 1
    num_heads: Size = 1
    L: Size = 3
    """How many inputs the long query is the mean of (L of the paper); 1 makes it a second short
    one."""
    alpha: Share = 0.5
    """Share of the short branch in the final state (alpha of the paper); the rest is the long
    one's."""
    dropout: Rate = 0.5
    """Share of the input vectors and of the attention weights that training drops."""
    l2: Weight = 1e-4
    """Weight in the loss of half the squared norm of all parameters."""
    protocol: Protocol = "standard"

    def __post_init__(self) -> None:
        check_heads(self.dim, self.num_heads)
        if self.protocol == "authors" and self.max_len < 2:
            raise ValueError(
                "max_len must be 2 or more under protocol authors: its window holds the target too"
            )


class QueryBlock(nn.Module):
    """Attention whose queries are means of the last ``span`` inputs, and a feed-forward layer."""

    def __init__(self, config: MQSATEDConfig, span: int) -> None:
        super().__init__()
        self.span, self.num_heads, self.rate = span, config.num_heads, config.dropout
        self.query_norm = nn.LayerNorm(config.dim, eps=NORM_EPS)
        self.query, self.key, self.value = (nn.Linear(config.dim, config.dim) for _ in range(3))
        self.norm = nn.LayerNorm(config.dim, eps=NORM_EPS)
        self.expand, self.contract = (nn.Linear(config.dim, config.dim) for _ in range(2))

    def forward(self, x: Tensor, mask: Tensor, links: list[Tensor]) -> Tensor:
        """Map (B, W, d) to the same.

        Args:
            x: the inputs, zero at padding.
            mask: (B, 1, W, W), added to the scores.
            links: for 1, 2, … positions back, (B, W, 1): 1 where that one is the same user's.
        """
        query = self.mean_query(x, links)
        attended = attend(
            self.query(query), self.key(x), self.value(x), mask, self.num_heads, self._rate
        )
        return self._feed_forward(attended + query)

    def mean_query(self, x: Tensor, links: list[Tensor]) -> Tensor:
        """Return what queries at each position, the normalised mean of the last inputs: (B, W, d).

        ``x`` and ``links`` are those of ``forward``.
        """
        recent = x
        for back, link in enumerate(links[: self.span - 1], start=1):
            recent = recent + F.pad(x[:, :-back], (0, 0, back, 0)) * link
        query: Tensor = self.query_norm(recent / self.span)
        return query

    def last(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return the output at the last position alone: (B, d).

        Args:
            x: (B, W, d), zero at padding.
            mask: (B, 1, 1, W), added to the scores.
        """
        query = self.query_norm(x[:, -self.span :].sum(dim=1) / self.span)
        attended = attend_last(
            self.query(query), x, self.key, self.value, mask, self.num_heads, self._rate
        )
        return self._feed_forward(attended + query)

    def _feed_forward(self, x: Tensor) -> Tensor:
        x = self.norm(x)
        contracted: Tensor = self.contract(F.relu(self.expand(x)))
        return x + contracted

    @property
    def _rate(self) -> float:
        return self.rate if self.training else 0.0


class Branch(nn.Module):
    """Blocks whose queries span equally many inputs."""

    def __init__(self, config: MQSATEDConfig, span: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(QueryBlock(config, span) for _ in range(config.num_blocks))
        self.norm = nn.LayerNorm(config.dim, eps=NORM_EPS)

    def forward(self, x: Tensor, mask: Tensor, links: list[Tensor], real: Tensor) -> Tensor:
        """Map (B, W, d) to the same; ``real`` is (B, W, 1)."""
        for block in self.blocks:
            x = block(x, mask, links) * real
        output: Tensor = self.norm(x)
        return output

    def last(self, x: Tensor, mask: Tensor, links: list[Tensor], real: Tensor) -> Tensor:
        """Return the output at the last position alone: (B, d)."""
        *others, final = cast("list[QueryBlock]", list(self.blocks))
        for block in others:
            x = block(x, mask, links) * real
        output: Tensor = self.norm(final.last(x, mask[:, :, -1:]) * real[:, -1])
        return output


class MQSATED(SequentialModel):
    """The model: embeddings, two branches, and the face every model of the project has."""

    Config: ClassVar[type] = MQSATEDConfig
    usually_best_in: ClassVar[int] = 57
    config: MQSATEDConfig
    space: ClassVar[Mapping[str, Space]] = {
        "L": SearchRange(1, 8),
        "alpha": SearchRange(0.1, 0.9),
        "dropout": DROPOUT,
        "l2": WEIGHT_DECAY,
        "training.learning_rate": LEARNING_RATE,
        "ted.weight": SearchRange(0.01, 0.5, log=True),
        "ted.tau": SearchRange(0.05, 1.0, log=True),
    }
    section_defaults: ClassVar[Mapping[str, Any]] = {
        "training.max_epochs": 60,
        "training.patience": None,
        "ted.weight": 0.1,
    }
    tensorflow_adam: ClassVar[bool] = True
    authors_ranking: ClassVar[RankingRules] = RankingRules(
        padding_competes=False, seen_score=-torch.inf, seen_in_window=True
    )

    def __init__(self, config: MQSATEDConfig) -> None:
        super().__init__()
        self.config = config
        self.item_embedding = nn.Embedding(config.num_items + 1, config.dim, padding_idx=0)
        self.position_embedding = nn.Embedding(config.max_len, config.dim)
        self.short = Branch(config, 1)
        self.long = Branch(config, config.L)
        self._initialise()

    def encode(self, histories: Tensor, users: Tensor | None = None) -> Tensor:
        """Return the state after each history's last item.

        Args:
            histories: (B, W) item indices, oldest first, padded with 0 on the left; W is
                max_len or less.
            users: not looked at.

        Returns:
            (B, d).
        """
        check_width(histories, self.config.max_len)
        width = histories.shape[1]
        longest, device = self.config.max_len, histories.device
        positions = torch.arange(longest - width, longest, device=device)
        segments = torch.where(histories != 0, 0, -1)
        inputs = self.inputs(histories, positions, segments)
        return self._mixed(self.short.last(*inputs), self.long.last(*inputs))

    @property
    def embedding_dropout(self) -> float:
        """At which rate input vectors are dropped, and the heads of the distillation."""
        return self.config.dropout

    @property
    def training_form(self) -> TrainingForm:
        """Whole sequences, packed."""
        return "sequences"

    @property
    def padding(self) -> Padding:
        """What item 0 is to a softmax over all items."""
        return "zero" if self.config.protocol == "authors" else "none"

    @property
    def sparse_gradients(self) -> bool:
        """Weight decay needs all item vectors in every step."""
        return self.config.l2 == 0

    @property
    def hides_padding(self) -> bool:
        """Padding leaves no trace in a state."""
        return True

    def loss(self, batch: PackedBatch, item_loss: ItemLoss | None = None) -> dict[str, Tensor]:
        """Cross entropy over all items at every position, and weight decay.

        Args:
            batch: packed sequences, histories and targets (B, W).
            item_loss: another loss over items than ``own_loss``.

        Returns:
            ``loss``, the sum, and its parts ``items`` and ``l2``, scalars.
        """
        states = self.states(batch.histories, batch.positions, batch.segments)
        item_loss = item_loss or self.own_loss()
        targets = batch.targets.flatten()
        of_items = item_loss(states.flatten(0, 1), self.item_vectors(), targets, batch.seen)
        decay = torch.zeros_like(of_items)
        if self.config.l2:  # else the norm's gradient, zero, would reach all item vectors
            decay = self.config.l2 * self.half_squared_norm()
        return {"loss": of_items + decay, "items": of_items, "l2": decay}

    def half_squared_norm(self) -> Tensor:
        """Return half the squared norm of all parameters, a scalar."""
        norms = [parameter.square().sum() for parameter in self.parameters()]
        return torch.stack(norms).sum() / 2

    def states(self, histories: Tensor, positions: Tensor, segments: Tensor) -> Tensor:
        """Return the states at all positions, (B, W, d).

        Args:
            histories: (B, W) item indices, 0 where there is none.
            positions: (W,) or (B, W), which position embedding each takes.
            segments: (B, W), equal where two positions belong to one user; -1 for none.
        """
        inputs = self.inputs(histories, positions, segments)
        return self._mixed(self.short(*inputs), self.long(*inputs))

    def _mixed(self, short: Tensor, long: Tensor) -> Tensor:
        return self.config.alpha * short + (1 - self.config.alpha) * long

    def inputs(
        self, histories: Tensor, positions: Tensor, segments: Tensor
    ) -> tuple[Tensor, Tensor, list[Tensor], Tensor]:
        """Return what a branch takes: inputs, attention mask, links to earlier positions, real.

        The arguments are those of ``states``.
        """
        real = (segments >= 0).unsqueeze(-1).to(self.item_embedding.weight.dtype)
        x = self.item_embedding(histories) * math.sqrt(self.config.dim)
        x = x + self.position_embedding(positions)
        x = dropout(x, self.config.dropout, self.training) * real
        visible = (segments[:, :, None] == segments[:, None, :]).tril()
        mask = torch.zeros_like(visible, dtype=x.dtype).masked_fill_(~visible, -torch.inf)
        links = [
            F.pad(segments[:, back:] == segments[:, :-back], (back, 0)).unsqueeze(-1).to(x.dtype)
            for back in range(1, min(self.config.L, histories.shape[1]))
        ]
        return x, mask.unsqueeze(1), links, real

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=INITIAL_STD)
        with torch.no_grad():
            self.item_embedding.weight[0] = 0.0
