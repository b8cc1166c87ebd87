"""BSARec: attentive inductive bias beyond self-attention (AAAI 2024, arXiv 2312.10325).

Softmax attention is a low-pass filter (theorem 1 of the paper), so stacked attention
oversmooths: all positions end up alike. Each block here mixes attention with a frequency
filter that gives every channel its own weight for the high frequencies.

Notable: only the last position feeds the loss and the prediction, so the last block computes
that one position alone; the frequency filter is a fixed linear map over positions.

Shapes: B sequences, L positions (max_len, or fewer where padding is hidden), d channels.
"""

from dataclasses import dataclass
from typing import ClassVar, cast

import torch
from torch import Tensor, nn

from seqrec.batches import Batch
from seqrec.losses import ItemLoss
from seqrec.models.parts.bounds import Count, Rate, Share, Size
from seqrec.models.parts.by_length import encode_by_length
from seqrec.models.parts.face import SequentialModel, check_width
from seqrec.models.parts.feed_forward import FeedForward
from seqrec.models.parts.layers import LowPass, SelfAttention, dropout, initialise
from seqrec.protocol import Protocol

NORM_EPS = 1e-12
MASKED = -10_000.0


@dataclass(frozen=True)
class BSARecConfig:
    """The paper's settings; ``alpha``, ``c`` and ``num_heads`` differ by data set."""

    num_items: Size
    max_len: Size = 50
    dim: Size = 64
    num_blocks: Size = 2
    num_heads: Size = 1
    alpha: Share = 0.7
    """Share of the frequency filter; the rest is attention (equation 11)."""
    c: Count = 5
    """Kept frequency components."""
    hidden_dropout: Rate = 0.5
    attention_dropout: Rate = 0.5
    protocol: Protocol = "standard"

    def __post_init__(self) -> None:
        if self.dim % self.num_heads:
            raise ValueError(f"dim {self.dim} must be a multiple of num_heads {self.num_heads}")
        if self.protocol == "authors":
            return
        if self.c % 2 == 0:
            raise ValueError(
                f"c = {self.c} must be odd: a constant and pairs of frequencies "
                "(protocol authors takes even values too)"
            )
        if self.c > self.max_len:
            raise ValueError(f"c = {self.c} keeps more components than max_len {self.max_len} has")


class FrequencyFilter(nn.Module):
    """Low frequencies as they are, high ones rescaled by a learned weight a channel (eq. 10)."""

    def __init__(self, config: BSARecConfig) -> None:
        super().__init__()
        self.low_pass = LowPass(config.max_len, config.c // 2 + 1)
        self.sqrt_beta = nn.Parameter(torch.randn(config.dim))

    def forward(self, x: Tensor) -> Tensor:
        """Filter (B, L, d) along the positions."""
        low: Tensor = self.low_pass(x)
        return low + self.sqrt_beta.square() * (x - low)

    def last(self, x: Tensor) -> Tensor:
        """Return the last position of that alone: (B, d)."""
        low = self.low_pass.last(x)
        return low + self.sqrt_beta.square() * (x[:, -1] - low)


class BSARecBlock(nn.Module):
    """alpha · filter + (1 - alpha) · attention, then a feed-forward layer; all with residuals."""

    def __init__(self, config: BSARecConfig) -> None:
        super().__init__()
        self.alpha = config.alpha
        self.rate = config.hidden_dropout
        self.filter = FrequencyFilter(config)
        self.filter_norm = nn.LayerNorm(config.dim, eps=NORM_EPS)
        self.attention = SelfAttention(config.dim, config.num_heads, config.attention_dropout)
        self.attention_norm = nn.LayerNorm(config.dim, eps=NORM_EPS)
        self.feed_forward = FeedForward(config.dim)
        self.feed_forward_norm = nn.LayerNorm(config.dim, eps=NORM_EPS)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map (B, L, d) to the same; ``mask`` is (B, 1, L, L)."""
        return self._mix(x, self.filter(x), self.attention(x, mask))

    def last(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return the last position of that alone: (B, d); ``mask`` is (B, 1, 1, L)."""
        return self._mix(x[:, -1], self.filter.last(x), self.attention.last(x, mask))

    def _mix(self, residual: Tensor, filtered: Tensor, attended: Tensor) -> Tensor:
        filtered = self.filter_norm(residual + self._drop(filtered))
        attended = self.attention_norm(residual + self._drop(attended))
        mixed = self.alpha * filtered + (1 - self.alpha) * attended
        output: Tensor = self.feed_forward_norm(mixed + self._drop(self.feed_forward(mixed)))
        return output

    def _drop(self, x: Tensor) -> Tensor:
        return dropout(x, self.rate, self.training)


class BSARec(SequentialModel):
    """The model: embeddings, blocks, and the face every model of the project has."""

    Config: ClassVar[type] = BSARecConfig
    config: BSARecConfig
    causal: Tensor

    def __init__(self, config: BSARecConfig) -> None:
        super().__init__()
        self.config = config
        # padding_idx: as an input, padding teaches its row nothing.
        self.item_embedding = nn.Embedding(config.num_items + 1, config.dim, padding_idx=0)
        self.position_embedding = nn.Embedding(config.max_len, config.dim)
        self.input_norm = nn.LayerNorm(config.dim, eps=NORM_EPS)
        self.blocks = nn.ModuleList(BSARecBlock(config) for _ in range(config.num_blocks))
        self.register_buffer("causal", _causal(config.max_len), persistent=False)
        self._initialise()

    def encode(self, histories: Tensor, users: Tensor | None = None) -> Tensor:
        """Return the state after each history's last item.

        Args:
            histories: (B, L) item indices, oldest first, padded with 0 on the left; under
                ``standard`` a shorter L is as good.
            users: not looked at.

        Returns:
            (B, d).
        """
        x, mask, real = self._before_last(histories)
        last = cast(BSARecBlock, self.blocks[-1]).last(x, mask[:, :, -1:])
        return self._hide_padding(last, real[:, -1])

    def item_vectors(self) -> Tensor:
        """Return the vectors whose product with a state is the score: (items + 1, d)."""
        return self.item_embedding.weight

    @property
    def embedding_dropout(self) -> float:
        """At which rate input vectors are dropped, and the heads of a distillation."""
        return self.config.hidden_dropout

    @property
    def hides_padding(self) -> bool:
        """Whether padding leaves no trace in a state."""
        return self.config.protocol == "standard"

    def loss(self, batch: Batch, item_loss: ItemLoss | None = None) -> dict[str, Tensor]:
        """Cross entropy over all items at the last position.

        Args:
            batch: histories (B, L) and targets (B,).
            item_loss: another loss over items than ``own_loss``.

        Returns:
            One entry, ``loss``, a scalar.
        """
        item_loss = item_loss or self.own_loss()
        states = encode_by_length(self, batch.histories)
        return {"loss": item_loss(states, self.item_vectors(), batch.targets, batch.seen)}

    def states(self, histories: Tensor) -> Tensor:
        """Return the states at all positions of (B, L) histories: (B, L, d)."""
        x, mask, real = self._before_last(histories)
        return self._hide_padding(self.blocks[-1](x, mask), real)

    def inputs(self, histories: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what the first block takes: (B, L, d), its mask, and (B, L, 1) what is real."""
        check_width(histories, self.config.max_len, narrower=self.hides_padding)
        real = (histories != 0).unsqueeze(-1)
        mask = self._attention_mask(histories)
        positions = self.position_embedding.weight[-histories.shape[1] :]
        x = self.input_norm(self.item_embedding(histories) + positions)
        x = self._hide_padding(dropout(x, self.config.hidden_dropout, self.training), real)
        return x, mask, real

    def _before_last(self, histories: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what the last block takes: (B, L, d), its mask, and (B, L, 1) what is real."""
        x, mask, real = self.inputs(histories)
        for block in self.blocks[:-1]:
            x = self._hide_padding(block(x, mask), real)
        return x, mask, real

    def frequency_filters(self) -> list[FrequencyFilter]:
        """Return the filter of every block, first to last."""
        return [module for module in self.modules() if isinstance(module, FrequencyFilter)]

    def _attention_mask(self, histories: Tensor) -> Tensor:
        """(B, 1, L, L): 0 where a position may look, a large negative number elsewhere."""
        width = histories.shape[1]
        visible = self.causal[:width, :width] & (histories != 0)[:, None, None, :]
        if not self.hides_padding:
            # A padding row sees nothing, all its scores fall alike: it attends everywhere.
            return (~visible).to(self.item_embedding.weight.dtype) * MASKED
        # A padding row looks at itself, for a softmax needs one column; its state is hidden.
        visible = visible | torch.eye(width, dtype=torch.bool, device=visible.device)
        return torch.zeros_like(visible, dtype=self.item_embedding.weight.dtype).masked_fill_(
            ~visible, -torch.inf
        )

    def _hide_padding(self, x: Tensor, real: Tensor) -> Tensor:
        """Zero the padding positions, which the filter would mix with the real ones."""
        return x * real if self.hides_padding else x

    def _initialise(self) -> None:
        initialise(self)
        with torch.no_grad():
            first, *others = self.frequency_filters()
            for other in others:
                other.sqrt_beta.copy_(first.sqrt_beta)
            if self.hides_padding:
                self.item_embedding.weight[0] = 0.0


def _causal(length: int) -> Tensor:
    """(L, L) true where the column is not after the row."""
    return torch.ones(length, length, dtype=torch.bool).tril()
