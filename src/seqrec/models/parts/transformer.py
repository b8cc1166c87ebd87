"""The transformer that SASRec, BERT4Rec and DuoRec share: embeddings, and blocks of attention.

Notable: only what is used is computed. In training several histories share a row under a mask
that keeps them apart, and the last block goes on from the wanted positions alone; a prediction
takes one query of the last block.

Shapes: B histories, L positions, R rows of W packed positions, d channels.
"""

from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from seqrec.batches.packing import PackedHistories, PackedRows
from seqrec.models.parts.bounds import Size
from seqrec.models.parts.face import SequentialModel, check_width
from seqrec.models.parts.feed_forward import FeedForward
from seqrec.models.parts.layers import SelfAttention, dropout, initialise

NORM_EPS = 1e-12
MASKED = -10_000.0
"""Added to the scores that must not count; a row of nothing else attends to everything."""


class TransformerBlock(nn.Module):
    """Attention, then a feed-forward layer, each with dropout, residual and LayerNorm."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.rate = config.hidden_dropout
        self.attention = SelfAttention(config.dim, config.num_heads, config.attention_dropout)
        self.attention_norm = nn.LayerNorm(config.dim, eps=NORM_EPS)
        self.feed_forward = FeedForward(config.dim, config.activation)
        self.feed_forward_norm = nn.LayerNorm(config.dim, eps=NORM_EPS)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map (B, L, d) to the same; ``mask`` is (B, 1, L, L)."""
        return self._rest(x, self.attention(x, mask))

    def at(self, x: Tensor, mask: Tensor, places: Tensor) -> Tensor:
        """Return that at some places of the flattened rows alone: (N, d) for (N,) places."""
        attended = self.attention(x, mask).flatten(0, 1)[places]
        return self._rest(x.flatten(0, 1)[places], attended)

    def of(self, queries: Tensor, x: Tensor, mask: Tensor) -> Tensor:
        """Return that at one position of each row alone, (B, d) of (B, L, d): (B, d).

        ``mask`` is (B, 1, 1, L), what that position may look at.
        """
        return self._rest(queries, self.attention.of(queries, x, mask))

    def _rest(self, residual: Tensor, attended: Tensor) -> Tensor:
        x = self.attention_norm(residual + self._drop(attended))
        output: Tensor = self.feed_forward_norm(x + self._drop(self.feed_forward(x)))
        return output

    def _drop(self, x: Tensor) -> Tensor:
        return dropout(x, self.rate, self.training)


def check_heads(dim: Size, num_heads: Size) -> None:
    """Raise a ValueError unless the heads can share the channels evenly."""
    if dim % num_heads:
        raise ValueError(f"dim {dim} must be a multiple of num_heads {num_heads}")


class Transformer(SequentialModel):
    """Item and position embeddings, and blocks over them.

    Args:
        config: ``num_items``, ``max_len``, ``dim``, ``num_blocks``, ``num_heads``, the dropout
            rates and ``protocol``.
        more_items: rows of the item embedding beyond the items, for tokens.
    """

    INITIAL_STD: ClassVar[float] = 0.02

    def __init__(self, config: Any, *, more_items: int = 0) -> None:
        super().__init__()
        self.config = config
        rows = config.num_items + 1 + more_items
        # padding_idx: as an input, padding teaches its row nothing.
        self.item_embedding = nn.Embedding(rows, config.dim, padding_idx=0)
        self.position_embedding = nn.Embedding(config.max_len, config.dim)
        self.input_norm = nn.LayerNorm(config.dim, eps=NORM_EPS)
        self.blocks = nn.ModuleList(TransformerBlock(config) for _ in range(config.num_blocks))
        initialise(self, self.INITIAL_STD)
        if config.protocol == "standard":
            with torch.no_grad():
                self.item_embedding.weight[0] = 0.0

    @property
    def hides_padding(self) -> bool:
        """Padding is no key of any attention: it leaves no trace in a state."""
        return True

    def everywhere(self, rows: Tensor, positions: Tensor, visible: Tensor) -> Tensor:
        """Return the states at all positions, (R, W, d).

        Args:
            rows: (R, W) item indices.
            positions: (W,) or (R, W), which position embedding each takes.
            visible: (R, W, W), whether a position may look at another; or (R, 1, W), the same
                for all of a row.
        """
        x, mask = self._before_last(rows, positions, visible)
        states: Tensor = self.blocks[-1](x, mask)
        return states

    def at(self, rows: Tensor, positions: Tensor, visible: Tensor, places: Tensor) -> Tensor:
        """Return the states at (N,) places of the flattened rows alone, (N, d)."""
        x, mask = self._before_last(rows, positions, visible)
        return self._last_block.at(x, mask, places)

    def last(self, rows: Tensor, positions: Tensor, visible: Tensor) -> Tensor:
        """Return the states at the last position alone, (R, d)."""
        x, mask = self._before_last(rows, positions, visible)
        return self._last_block.of(x[:, -1], x, mask[:, :, -1:])

    def one_a_row(
        self, rows: Tensor, positions: Tensor, visible: Tensor, columns: Tensor
    ) -> Tensor:
        """Return the states at one of (R,) columns a row alone, (R, d); ``visible`` (R, 1, W)."""
        x, mask = self._before_last(rows, positions, visible)
        queries = x[torch.arange(len(x), device=x.device), columns]
        return self._last_block.of(queries, x, mask)

    @property
    def _last_block(self) -> TransformerBlock:
        return cast(TransformerBlock, self.blocks[-1])

    def inputs(self, rows: Tensor, positions: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the first block takes, of what ``everywhere`` does: (R, W, d), its mask."""
        mask = added_to_scores(visible, self.item_embedding.weight.dtype)
        x = self.input_norm(self.item_embedding(rows) + self.position_embedding(positions))
        return dropout(x, self.config.hidden_dropout, self.training), mask

    def _before_last(
        self, rows: Tensor, positions: Tensor, visible: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return what the last block takes: (R, W, d) and its mask."""
        x, mask = self.inputs(rows, positions, visible)
        for block in self.blocks[:-1]:
            x = block(x, mask)
        return x, mask

    def right_aligned(self, width: int) -> Tensor:
        """Return (W,) the positions of histories that end at the last one."""
        longest = self.config.max_len
        return torch.arange(longest - width, longest, device=self.item_embedding.weight.device)


class CausalTransformer(Transformer):
    """A transformer that looks back only: a state is one of the history up to its position."""

    def encode(self, histories: Tensor, users: Tensor | None = None) -> Tensor:
        """Return the state after each history's last item.

        Args:
            histories: (B, W) item indices, oldest first, padded with 0 on the left; W is
                max_len or less, but padding alone must have all of max_len.
            users: not looked at.

        Returns:
            (B, d).
        """
        check_width(histories, self.config.max_len)
        positions = self.right_aligned(histories.shape[1])
        return self.last(histories, positions, visible_before(histories))

    def states(self, histories: Tensor) -> Tensor:
        """Return the states at all positions of (B, W) histories: (B, W, d)."""
        check_width(histories, self.config.max_len)
        positions = self.right_aligned(histories.shape[1])
        return self.everywhere(histories, positions, visible_before(histories))

    def of_packed(self, batch: PackedHistories) -> Tensor:
        """Return the state after each packed history: (B, d)."""
        return self.at(batch.histories, batch.positions, batch.block_mask(), batch.last)

    def of_rows(self, batch: PackedRows) -> Tensor:
        """Return the states at all positions of packed rows: (R, W, d)."""
        return self.everywhere(batch.histories, batch.positions, batch.block_mask())


def visible_before(histories: Tensor) -> Tensor:
    """Return (B, W, W): whether a position may look at another, real and not after it."""
    width = histories.shape[1]
    before = torch.ones(width, width, dtype=torch.bool, device=histories.device).tril()
    return before & (histories != 0)[:, None, :]


def added_to_scores(visible: Tensor, dtype: torch.dtype) -> Tensor:
    """Return (B, 1, W, W): 0 where a position may look at another, ``MASKED`` elsewhere."""
    return ((~visible).to(dtype) * MASKED).unsqueeze(1)
