"""BERT4Rec: sequential recommendation with bidirectional encoder representations (CIKM 2019,
arXiv 1904.06690).

A transformer that looks both ways. Items of a sequence are replaced by a mask token, and their
states must tell what stood there (the Cloze task); a prediction appends the mask token to the
history and reads off its state.

Notable: under ``authors`` it is what the BSARec authors' code makes of it: positions of a padded
prefix are masked, padding among them, and the state at the last one drawn must tell the item that
follows the prefix. Only states that are asked for are computed by the last block.

Shapes: B histories, L positions, R rows of W packed positions, d channels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from seqrec.batches import Batch
from seqrec.batches.packing import PackedBatch
from seqrec.losses import ItemLoss, rows_that_count
from seqrec.models.parts.bounds import Rate, Share, Size
from seqrec.models.parts.face import WHOLE_SEQUENCES, TrainingForm, check_width
from seqrec.models.parts.feed_forward import Activation
from seqrec.models.parts.search_range import DROPOUT, LEARNING_RATE, SearchRange, Space
from seqrec.models.parts.transformer import Transformer, check_heads
from seqrec.protocol import Protocol

LAST_ONLY = 0.1
"""Share of the sequences of which the last item alone is masked, as in a prediction."""


@dataclass(frozen=True)
class BERT4RecConfig:
    """The settings of the BSARec authors' code."""

    num_items: Size
    max_len: Size = 50
    dim: Size = 64
    num_blocks: Size = 2
    num_heads: Size = 2
    hidden_dropout: Rate = 0.5
    attention_dropout: Rate = 0.5
    activation: Activation = "gelu"
    mask_ratio: Share = 0.2
    """Share of the positions of a sequence that are masked in training."""
    protocol: Protocol = "standard"

    def __post_init__(self) -> None:
        check_heads(self.dim, self.num_heads)
        if self.protocol == "authors" and self.masked_positions < 1:
            raise ValueError(
                f"mask_ratio {self.mask_ratio} of max_len {self.max_len} masks no position; "
                "raise one of the two"
            )

    @property
    def masked_positions(self) -> int:
        """How many positions of a padded prefix are masked under ``authors``."""
        return int(self.mask_ratio * self.max_len)


class BERT4Rec(Transformer):
    """The bidirectional transformer, with one more embedding for the mask."""

    Config: ClassVar[type] = BERT4RecConfig
    usually_best_in: ClassVar[int] = 22
    config: BERT4RecConfig
    space: ClassVar[Mapping[str, Space]] = {
        "num_blocks": (1, 2, 3),
        "num_heads": (1, 2, 4),
        "hidden_dropout": DROPOUT,
        "attention_dropout": DROPOUT,
        "mask_ratio": SearchRange(0.1, 0.6),
        "training.learning_rate": LEARNING_RATE,
    }
    standard_defaults: ClassVar[Mapping[str, Any]] = WHOLE_SEQUENCES

    def __init__(self, config: BERT4RecConfig) -> None:
        super().__init__(config, more_items=1)
        self.mask_token = config.num_items + 1

    @property
    def training_form(self) -> TrainingForm:
        """Whole sequences whose items are to be found again, or prefixes."""
        return "prefixes" if self.config.protocol == "authors" else "masked_sequences"

    @property
    def sparse_gradients(self) -> bool:
        """The item vectors are a part of the embedding."""
        return False

    def item_vectors(self) -> Tensor:
        """Return the vectors whose product with a state is the score: (items + 1, d)."""
        return self.item_embedding.weight[: self.mask_token]

    def encode(self, histories: Tensor, users: Tensor | None = None) -> Tensor:
        """Return the state of a mask token after each history, of which it takes a place.

        Args:
            histories: (B, W) item indices, oldest first, padded with 0 on the left; W is
                max_len or less.
            users: not looked at.

        Returns:
            (B, d).
        """
        check_width(histories, self.config.max_len)
        masks = histories.new_full((histories.shape[0], 1), self.mask_token)
        tokens = torch.cat([histories, masks], dim=1)[:, -self.config.max_len :]
        return self.last(tokens, self.right_aligned(tokens.shape[1]), _real(tokens))

    def states(self, tokens: Tensor) -> Tensor:
        """Return the states at all positions of (B, W) tokens, masks among them: (B, W, d)."""
        check_width(tokens, self.config.max_len)
        return self.everywhere(tokens, self.right_aligned(tokens.shape[1]), _real(tokens))

    def loss(
        self, batch: Batch | PackedBatch, item_loss: ItemLoss | None = None
    ) -> dict[str, Tensor]:
        """Cross entropy over all items at masked positions.

        Args:
            batch: prefixes under ``authors``, packed sequences under ``standard``.
            item_loss: another loss over items than the cross entropy.

        Returns:
            One entry, ``loss``, a scalar.
        """
        item_loss = item_loss or self.own_loss()
        if isinstance(batch, PackedBatch):
            masked = self.masked(batch) if batch.masked is None else batch.masked
            return {"loss": self._cloze(batch, masked, item_loss)}
        places = self.masked_places(batch.histories)
        states = self.at_last_masked(batch.histories, places)
        # the mask token is a class too, as padding is
        vectors = self.item_embedding.weight
        return {"loss": item_loss(states, vectors, batch.targets, batch.seen)}

    def drawn(self, batch: Any, generator: torch.Generator | None = None) -> Any:
        """Return the batch with its masks, where it has whole sequences."""
        if not isinstance(batch, PackedBatch):
            return batch
        return replace(batch, masked=self.masked(batch, generator))

    def masked(self, batch: PackedBatch, generator: torch.Generator | None = None) -> Tensor:
        """Draw which positions of packed sequences are masked, (R, W): at least one of each."""
        present, ends = batch.segments >= 0, batch.positions == self.config.max_len - 1
        segments = torch.where(present, batch.segments, batch.count)
        place = segments.device
        draws = torch.rand(segments.shape, device=place, generator=generator)
        users = torch.rand(batch.count + 1, device=place, generator=generator)
        last_only = users[segments] < LAST_ONLY
        drawn = present & ~last_only & (draws < self.config.mask_ratio)
        has_any = torch.zeros(batch.count + 1, device=segments.device)
        has_any = has_any.index_add(0, segments.flatten(), drawn.flatten().float()) > 0
        return drawn | (present & ends & ~has_any[segments])

    def _cloze(self, batch: PackedBatch, masked: Tensor, item_loss: ItemLoss) -> Tensor:
        """Return the loss of finding the items at (R, W) masked positions of packed sequences."""
        tokens = torch.where(masked, self.mask_token, batch.histories)
        packed = (tokens, batch.positions, batch.block_mask(causal=False))
        targets = torch.where(masked, batch.targets, 0).flatten()
        places = rows_that_count(targets)
        if places is None:
            places = torch.arange(len(targets), device=targets.device)
        held = batch.seen()
        return item_loss(
            self.at(*packed, places),
            self.item_vectors(),
            targets[places],
            lambda: held._replace(of=held.of[places]),
        )

    def masked_places(self, histories: Tensor) -> Tensor:
        """Draw (B, M) different positions of each padded prefix."""
        order = torch.rand(histories.shape, device=histories.device).argsort(dim=1)
        return order[:, : self.config.masked_positions]

    def at_last_masked(self, histories: Tensor, places: Tensor) -> Tensor:
        """Mask (B, M) places of (B, L) prefixes; return the states at the last ones, (B, d)."""
        check_width(histories, self.config.max_len, narrower=False)
        tokens = histories.scatter(1, places, self.mask_token)
        positions = self.right_aligned(tokens.shape[1])
        return self.one_a_row(tokens, positions, _real(tokens), places[:, -1])


def _real(tokens: Tensor) -> Tensor:
    """Return (B, 1, W): every position may look at all that are not padding."""
    return (tokens != 0)[:, None, :]
