"""The causal transformer that learns, at every position of a sequence, the item that comes next.

Notable: under ``standard`` a sequence is learned from at all its positions at once; under
``authors`` each prefix is an example of its own, as in the BSARec authors' code. Both are packed.

Shapes: B histories, R rows of W packed positions, d channels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from seqrec.batches.packing import PackedBatch, PackedHistories
from seqrec.losses import ItemLoss
from seqrec.models.parts.bounds import Rate, Size
from seqrec.models.parts.face import WHOLE_SEQUENCES, TrainingForm
from seqrec.models.parts.feed_forward import Activation
from seqrec.models.parts.search_range import DROPOUT, LEARNING_RATE, Space
from seqrec.models.parts.transformer import CausalTransformer, check_heads
from seqrec.protocol import Protocol


@dataclass(frozen=True)
class NextItemsConfig:
    """The settings of the BSARec authors' code."""

    num_items: Size
    max_len: Size = 50
    dim: Size = 64
    num_blocks: Size = 2
    num_heads: Size = 2
    hidden_dropout: Rate = 0.5
    attention_dropout: Rate = 0.5
    activation: Activation = "gelu"
    protocol: Protocol = "standard"

    def __post_init__(self) -> None:
        check_heads(self.dim, self.num_heads)


class NextItemsTransformer(CausalTransformer):
    """The causal transformer, trained to tell the next item."""

    Config: ClassVar[type] = NextItemsConfig
    config: NextItemsConfig
    space: ClassVar[Mapping[str, Space]] = {
        "num_blocks": (1, 2, 3),
        "num_heads": (1, 2, 4),
        "hidden_dropout": DROPOUT,
        "attention_dropout": DROPOUT,
        "training.learning_rate": LEARNING_RATE,
    }
    standard_defaults: ClassVar[Mapping[str, Any]] = WHOLE_SEQUENCES

    @property
    def training_form(self) -> TrainingForm:
        """Whole sequences, or prefixes as in the BSARec authors' code."""
        return "packed_prefixes" if self.config.protocol == "authors" else "sequences"

    def loss(
        self, batch: PackedHistories | PackedBatch, item_loss: ItemLoss | None = None
    ) -> dict[str, Tensor]:
        """Compare the states with the next items.

        Args:
            batch: packed prefixes under ``authors``, packed sequences under ``standard``.
            item_loss: another loss over items than ``own_loss``.

        Returns:
            One entry, ``loss``, a scalar.
        """
        item_loss = item_loss or self.own_loss()
        if isinstance(batch, PackedHistories):
            states = self.of_packed(batch)
        else:
            states = self.of_rows(batch).flatten(0, 1)
        targets = batch.targets.flatten()
        return {"loss": item_loss(states, self.item_vectors(), targets, batch.seen)}
