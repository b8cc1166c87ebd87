"""DuoRec: contrastive learning against representation degeneration (WSDM 2022, arXiv 2110.05730).

SASRec's transformer with cross entropy over all items, and contrastive terms that spread the
states: two passes of a history under different dropout should be alike, and so should two
histories that are followed by the same item.

Notable: histories are packed; the second pass is a second half of the same packed batch, and a
partner with the same target comes from an index (``same_targets``), not from a search.

Shapes: B histories, d channels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from seqrec.batches.packing import PackedHistories
from seqrec.losses import ItemLoss
from seqrec.losses.contrastive import Contrast, Similarity, info_nce
from seqrec.models.parts.bounds import Positive, Rate, Size, Weight
from seqrec.models.parts.face import TrainingForm
from seqrec.models.parts.feed_forward import Activation
from seqrec.models.parts.search_range import CONTRAST, DROPOUT, LEARNING_RATE, SearchRange, Space
from seqrec.models.parts.transformer import CausalTransformer, check_heads
from seqrec.protocol import Protocol


@dataclass(frozen=True)
class DuoRecConfig:
    """The settings of the BSARec authors' code."""

    num_items: Size
    max_len: Size = 50
    dim: Size = 64
    num_blocks: Size = 2
    num_heads: Size = 2
    hidden_dropout: Rate = 0.5
    attention_dropout: Rate = 0.5
    activation: Activation = "gelu"
    contrast: Contrast = "us_x"
    """Which views are compared: ``un`` two passes of a history, ``su`` a history and one with the
    same target, ``us`` both, ``us_x`` a second pass and one with the same target."""
    tau: Positive = 1.0
    """Temperature of the contrast."""
    similarity: Similarity = "dot"
    """How alike two views are: their product, or their cosine."""
    unsupervised_weight: Weight = 0.1
    """Weight in the loss of the pairs of two passes."""
    supervised_weight: Weight = 0.1
    """Weight in the loss of the pairs with the same target."""
    protocol: Protocol = "standard"

    def __post_init__(self) -> None:
        check_heads(self.dim, self.num_heads)


class DuoRec(CausalTransformer):
    """The causal transformer, with contrastive terms."""

    Config: ClassVar[type] = DuoRecConfig
    config: DuoRecConfig
    space: ClassVar[Mapping[str, Space]] = {
        "hidden_dropout": DROPOUT,
        "attention_dropout": DROPOUT,
        "tau": SearchRange(0.1, 2.0, log=True),
        "unsupervised_weight": CONTRAST,
        "supervised_weight": CONTRAST,
        "training.learning_rate": LEARNING_RATE,
    }

    @property
    def training_form(self) -> TrainingForm:
        """One example a prefix, packed."""
        return "packed_prefixes"

    @property
    def compares_histories(self) -> bool:
        """Whether it contrasts at all."""
        return self.config.contrast != "none"

    @property
    def needs_same_targets(self) -> bool:
        """Whether the contrast takes a second history with the same target."""
        return self.config.contrast in ("su", "us", "us_x")

    def loss(self, batch: PackedHistories, item_loss: ItemLoss | None = None) -> dict[str, Tensor]:
        """Cross entropy over all items, and the contrast.

        Args:
            batch: packed histories with ``same_target``.
            item_loss: another loss over items than the cross entropy.

        Returns:
            ``loss``, the sum, and its parts ``items`` and ``contrast``, scalars.
        """
        item_loss = item_loss or self.own_loss()
        states = self.of_packed(batch)
        of_items = item_loss(states, self.item_vectors(), batch.targets, batch.seen)
        contrast = self._contrast(batch, states)
        if contrast is None:
            return {"loss": of_items}
        return {"loss": of_items + contrast, "items": of_items, "contrast": contrast}

    def _contrast(self, batch: PackedHistories, states: Tensor) -> Tensor | None:
        """Return the weighted contrastive terms, or None where there are none."""
        kind, config = self.config.contrast, self.config
        again = self.of_packed(batch) if kind in ("un", "us", "us_x") else None
        terms = []
        if kind in ("un", "us") and again is not None:
            terms.append(config.unsupervised_weight * self._info_nce(states, again))
        if kind in ("su", "us", "us_x"):
            assert batch.same_target is not None, "DuoRec's batches come with partners"
            partner = self.of_packed(batch.same_target)
            view = states if again is None or kind == "us" else again
            terms.append(config.supervised_weight * self._info_nce(view, partner))
        return sum(terms[1:], terms[0]) if terms else None

    def _info_nce(self, first: Tensor, second: Tensor) -> Tensor:
        return info_nce(first, second, tau=self.config.tau, similarity=self.config.similarity)
