"""What the models share that filter whole rows of a history: BSARec, FMLPRec and FEARec.

A filter in the frequency domain mixes all positions of a row, padding too. Under ``authors`` it
does; under ``standard`` padding is zero before every block, so that it adds nothing, and a row may
be cut to what is real.

Notable: only the last position feeds the loss and the prediction, so the last block computes that
one alone.

Shapes: B histories, W positions (max_len, or fewer where padding is hidden), d channels.
"""

from collections.abc import Iterable
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from seqrec.batches import Batch
from seqrec.losses import ItemLoss
from seqrec.models.parts.by_length import encode_by_length
from seqrec.models.parts.face import SequentialModel, check_width
from seqrec.models.parts.layers import dropout, initialise

NORM_EPS = 1e-12


class Block(Protocol):
    """A block over whole rows."""

    def __call__(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (B, W, d) to the same."""

    def last(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Return the last position of that alone: (B, d)."""


class FrequencyModel(SequentialModel):
    """Item and position embeddings, and blocks over whole rows.

    Args:
        config: ``num_items``, ``max_len``, ``dim``, ``hidden_dropout`` and ``protocol``.
        blocks: each a ``Block``; drawn one by one after the embeddings where it is a generator.
    """

    def __init__(self, config: Any, blocks: Iterable[nn.Module]) -> None:
        super().__init__()
        self.config = config
        # padding_idx: as an input, padding teaches its row nothing.
        self.item_embedding = nn.Embedding(config.num_items + 1, config.dim, padding_idx=0)
        self.position_embedding = nn.Embedding(config.max_len, config.dim)
        self.input_norm = nn.LayerNorm(config.dim, eps=NORM_EPS)
        self.blocks = nn.ModuleList(blocks)
        initialise(self)
        if self.hides_padding:
            with torch.no_grad():
                self.item_embedding.weight[0] = 0.0

    def encode(self, histories: Tensor, users: Tensor | None = None) -> Tensor:
        """Return the state after each history's last item.

        Args:
            histories: (B, W) item indices, oldest first, padded with 0 on the left; under
                ``standard`` a shorter W is as good.
            users: not looked at.

        Returns:
            (B, d).
        """
        x, mask, real = self._before_last(histories)
        last = cast(Block, self.blocks[-1]).last(x, mask)
        return self._hide_padding(last, real[:, -1])

    def states(self, histories: Tensor) -> Tensor:
        """Return the states at all positions of (B, W) histories: (B, W, d)."""
        x, mask, real = self._before_last(histories)
        return self._hide_padding(self.blocks[-1](x, mask), real)

    def loss(self, batch: Batch, item_loss: ItemLoss | None = None) -> dict[str, Tensor]:
        """Compare the last state with the target.

        Args:
            batch: histories (B, W) and targets (B,).
            item_loss: another loss over items than ``own_loss``.

        Returns:
            One entry, ``loss``, a scalar.
        """
        item_loss = item_loss or self.own_loss()
        states = encode_by_length(self, batch.histories)
        return {"loss": item_loss(states, self.item_vectors(), batch.targets, batch.seen)}

    def attention_mask(self, histories: Tensor) -> Tensor | None:
        """Return what the blocks take as their mask; without attention they need none."""
        return None

    def inputs(self, histories: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the first block takes, (B, W, d), and (B, W, 1) what is real."""
        check_width(histories, self.config.max_len, narrower=self.hides_padding)
        real = (histories != 0).unsqueeze(-1)
        positions = self.position_embedding.weight[-histories.shape[1] :]
        x = self.input_norm(self.item_embedding(histories) + positions)
        return self._hide_padding(dropout(x, self.config.hidden_dropout, self.training), real), real

    def _before_last(self, histories: Tensor) -> tuple[Tensor, Tensor | None, Tensor]:
        """Return what the last block takes: (B, W, d), its mask, and (B, W, 1) what is real."""
        x, real = self.inputs(histories)
        mask = self.attention_mask(histories)
        for block in self.blocks[:-1]:
            x = self._hide_padding(block(x, mask), real)
        return x, mask, real

    def _hide_padding(self, x: Tensor, real: Tensor) -> Tensor:
        """Zero the padding positions, which a filter would mix with the real ones."""
        return x * real if self.hides_padding else x


def start_alike(weights: Iterable[nn.Parameter]) -> None:
    """Copy the first one's values into the others: all blocks' filters start alike."""
    first, *others = weights
    with torch.no_grad():
        for other in others:
            other.copy_(first)
