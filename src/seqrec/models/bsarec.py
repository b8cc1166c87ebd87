"""BSARec: attentive inductive bias beyond self-attention (AAAI 2024, arXiv 2312.10325).

Softmax attention is a low-pass filter (theorem 1 of the paper), so stacked attention
oversmooths: all positions end up alike. Each block here mixes attention with a frequency
filter that gives every channel its own weight for the high frequencies.

Notable: only the last position feeds the loss and the prediction, so the last block computes
that one position alone; the frequency filter is a fixed linear map over positions.

Shapes: B sequences, L = max_len positions, d channels, R query rows (L, or 1 in the last block).
"""

from typing import Annotated, ClassVar

import torch
from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from seqrec.batches import Batch
from seqrec.configuration import Protocol
from seqrec.losses import next_item_cross_entropy
from seqrec.models.face import SequentialModel, check_length
from seqrec.models.layers import FeedForward, LowPass, SelfAttention, dropout, initialise

Rate = Annotated[float, Field(ge=0.0, lt=1.0)]
Size = Annotated[int, Field(ge=1)]

NORM_EPS = 1e-12
MASKED = -10_000.0
LAST = slice(-1, None)
ALL = slice(None)


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class BSARecConfig:
    """The paper's settings; ``alpha``, ``c`` and ``num_heads`` differ by data set."""

    num_items: Size
    max_len: Size = 50
    dim: Size = 64
    num_blocks: Size = 2
    num_heads: Size = 1
    alpha: Annotated[float, Field(ge=0.0, le=1.0)] = 0.7
    """Share of the frequency filter; the rest is attention (equation 11)."""
    c: Annotated[int, Field(ge=0)] = 5
    """Kept frequency components."""
    hidden_dropout: Rate = 0.5
    attention_dropout: Rate = 0.5
    protocol: Protocol = "standard"

    @model_validator(mode="after")
    def _check(self) -> "BSARecConfig":
        if self.dim % self.num_heads:
            raise ValueError(f"dim {self.dim} must be a multiple of num_heads {self.num_heads}")
        if self.protocol == "authors":
            return self
        if self.c % 2 == 0:
            raise ValueError(
                f"c = {self.c} must be odd: a constant and pairs of frequencies "
                "(protocol authors takes even values too)"
            )
        if self.c > self.max_len:
            raise ValueError(f"c = {self.c} keeps more components than max_len {self.max_len} has")
        return self


class FrequencyFilter(nn.Module):
    """Low frequencies as they are, high ones rescaled by a learned weight a channel (eq. 10)."""

    def __init__(self, config: BSARecConfig) -> None:
        super().__init__()
        self.low_pass = LowPass(config.max_len, config.c // 2 + 1)
        self.sqrt_beta = nn.Parameter(torch.randn(config.dim))

    def forward(self, x: Tensor, rows: slice) -> Tensor:
        """Filter (B, L, d) along the positions, returned at ``rows``: (B, R, d)."""
        low: Tensor = self.low_pass(x, rows)
        return low + self.sqrt_beta.square() * (x[:, rows] - low)


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

    def forward(self, x: Tensor, mask: Tensor, rows: slice) -> Tensor:
        """Map (B, L, d) to its ``rows``: (B, R, d)."""
        residual = x[:, rows]
        filtered = self.filter_norm(residual + self._drop(self.filter(x, rows)))
        attended = self.attention_norm(residual + self._drop(self.attention(x, mask, rows)))
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

    def encode(self, histories: Tensor) -> Tensor:
        """Return the state after each history's last item.

        Args:
            histories: (B, L) item indices, oldest first, padded with 0 on the left.

        Returns:
            (B, d).
        """
        return self.states(histories, LAST)[:, -1]

    def item_vectors(self) -> Tensor:
        """Return the vectors whose product with a state is the score: (items + 1, d)."""
        return self.item_embedding.weight

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Cross entropy over all items at the last position.

        Args:
            batch: histories (B, L) and targets (B,).

        Returns:
            One entry, ``loss``, a scalar.
        """
        return {
            "loss": next_item_cross_entropy(
                self.encode(batch.histories),
                self.item_vectors(),
                batch.targets,
                padding_is_a_class=self.config.protocol == "authors",
            )
        }

    def states(self, histories: Tensor, rows: slice = ALL) -> Tensor:
        """Return the states at ``rows`` of (B, L) histories: (B, R, d).

        Raises:
            SeqrecError: the histories are not max_len long.
        """
        check_length(histories, self.config.max_len)
        real = (histories != 0).unsqueeze(-1)
        mask = self._attention_mask(histories)
        x = self.item_embedding(histories) + self.position_embedding.weight
        x = self._hide_padding(dropout(self.input_norm(x), self._rate, self.training), real)
        for block in self.blocks[:-1]:
            x = self._hide_padding(block(x, mask, ALL), real)
        return self._hide_padding(self.blocks[-1](x, mask[:, :, rows], rows), real[:, rows])

    def frequency_filters(self) -> list[FrequencyFilter]:
        """Return the filter of every block, first to last."""
        return [module for module in self.modules() if isinstance(module, FrequencyFilter)]

    def _attention_mask(self, histories: Tensor) -> Tensor:
        """(B, 1, L, L): 0 where a position may look, a large negative number elsewhere."""
        visible = self.causal & (histories != 0)[:, None, None, :]
        if self.config.protocol == "authors":
            # A padding row sees nothing, all its scores fall alike: it attends everywhere.
            return (~visible).to(self.item_embedding.weight.dtype) * MASKED
        # A padding row looks at itself, for a softmax needs one column; its state is hidden.
        visible = visible | torch.eye(len(self.causal), dtype=torch.bool, device=visible.device)
        return torch.zeros_like(visible, dtype=torch.float32).masked_fill_(~visible, -torch.inf)

    def _hide_padding(self, x: Tensor, real: Tensor) -> Tensor:
        """Zero the padding positions, which the filter would mix with the real ones."""
        return x if self.config.protocol == "authors" else x * real

    @property
    def _rate(self) -> float:
        return self.config.hidden_dropout

    def _initialise(self) -> None:
        initialise(self)
        with torch.no_grad():
            first, *others = self.frequency_filters()
            for other in others:
                other.sqrt_beta.copy_(first.sqrt_beta)
            if self.config.protocol == "standard":
                self.item_embedding.weight[0] = 0.0


def _causal(length: int) -> Tensor:
    """(L, L) true where the column is not after the row."""
    return torch.ones(length, length, dtype=torch.bool).tril()
