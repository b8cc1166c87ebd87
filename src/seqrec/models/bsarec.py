"""BSARec: attentive inductive bias beyond self-attention (AAAI 2024, arXiv 2312.10325).

Softmax attention is a low-pass filter (theorem 1 of the paper), so stacked attention
oversmooths: all positions end up alike. Each block here mixes attention with a frequency
filter that gives every channel its own weight for the high frequencies.

Notable: the frequency filter is a fixed linear map over positions.

Shapes: B histories, W positions (max_len, or fewer where padding is hidden), d channels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, cast

import torch
from torch import Tensor, nn

from seqrec.models.parts.bounds import Count, Rate, Share, Size
from seqrec.models.parts.feed_forward import Activation, FeedForward
from seqrec.models.parts.frequency_model import NORM_EPS, FrequencyModel, start_alike
from seqrec.models.parts.layers import LowPass, SelfAttention, dropout
from seqrec.models.parts.search_range import DROPOUT, LEARNING_RATE, SearchRange, Space
from seqrec.models.parts.transformer import added_to_scores, check_heads, visible_before
from seqrec.protocol import Protocol


@dataclass(frozen=True)
class BSARecConfig:
    """The paper's settings; ``alpha``, ``c`` and ``num_heads`` differ by data set."""

    num_items: Size
    max_len: Size = 50
    dim: Size = 64
    num_blocks: Size = 2
    num_heads: Size = 1
    alpha: Share = 0.7
    """Share of the frequency filter in a block; the rest is attention (equation 11)."""
    c: Count = 5
    """How many frequency components count as low (c of the paper); odd under ``standard``."""
    hidden_dropout: Rate = 0.5
    attention_dropout: Rate = 0.5
    activation: Activation = "gelu"
    protocol: Protocol = "standard"

    def __post_init__(self) -> None:
        check_heads(self.dim, self.num_heads)
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
        self.sqrt_beta = nn.Parameter(torch.empty(config.dim).normal_())

    def forward(self, x: Tensor) -> Tensor:
        """Filter (B, W, d) along the positions."""
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
        self.feed_forward = FeedForward(config.dim, config.activation)
        self.feed_forward_norm = nn.LayerNorm(config.dim, eps=NORM_EPS)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map (B, W, d) to the same; ``mask`` is (B, 1, W, W)."""
        return self._mix(x, self.filter(x), self.attention(x, mask))

    def last(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return the last position of that alone: (B, d)."""
        return self._mix(x[:, -1], self.filter.last(x), self.attention.last(x, mask[:, :, -1:]))

    def _mix(self, residual: Tensor, filtered: Tensor, attended: Tensor) -> Tensor:
        filtered = self.filter_norm(residual + self._drop(filtered))
        attended = self.attention_norm(residual + self._drop(attended))
        mixed = self.alpha * filtered + (1 - self.alpha) * attended
        output: Tensor = self.feed_forward_norm(mixed + self._drop(self.feed_forward(mixed)))
        return output

    def _drop(self, x: Tensor) -> Tensor:
        return dropout(x, self.rate, self.training)


class BSARec(FrequencyModel):
    """The model: embeddings, and blocks of attention and filter."""

    Config: ClassVar[type] = BSARecConfig
    usually_best_in: ClassVar[int] = 33
    config: BSARecConfig
    space: ClassVar[Mapping[str, Space]] = {
        "alpha": SearchRange(0.1, 0.9),
        "c": (1, 3, 5, 7, 9),
        "num_heads": (1, 2, 4),
        "hidden_dropout": DROPOUT,
        "attention_dropout": DROPOUT,
        "training.learning_rate": LEARNING_RATE,
    }

    def __init__(self, config: BSARecConfig) -> None:
        super().__init__(config, (BSARecBlock(config) for _ in range(config.num_blocks)))
        start_alike(layer.sqrt_beta for layer in self.frequency_filters())

    def frequency_filters(self) -> list[FrequencyFilter]:
        """Return the filter of every block, first to last."""
        return [cast(BSARecBlock, block).filter for block in self.blocks]

    def attention_mask(self, histories: Tensor) -> Tensor:
        """Return (B, 1, W, W): 0 where a position may look, a large negative number elsewhere."""
        visible, dtype = visible_before(histories), self.item_embedding.weight.dtype
        if not self.hides_padding:
            # A padding row sees nothing, all its scores fall alike: it attends everywhere.
            return added_to_scores(visible, dtype)
        # A padding row looks at itself, for a softmax needs one column; its state is hidden.
        itself = torch.eye(visible.shape[-1], dtype=torch.bool, device=visible.device)
        visible = (visible | itself).unsqueeze(1)
        return torch.zeros_like(visible, dtype=dtype).masked_fill_(~visible, -torch.inf)
