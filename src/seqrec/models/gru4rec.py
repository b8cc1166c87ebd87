"""GRU4Rec: session-based recommendations with recurrent neural networks (ICLR 2016, 1511.06939).

Gated recurrent units read a history item by item; the state after each item, mapped back to the
space of the items, is compared with the one that comes next. The loss is BPR: the next item
should score above a sampled one.

Notable: under ``standard`` a sequence is learned from at all its items in one pass, and padding
leaves the recurrence at rest: without biases, zeros lead from a state of zeros to one of zeros.
Under ``authors`` each prefix is an example of its own, and its padding, a random vector, runs
through the recurrence, as in the BSARec authors' code. There only the first layer's weights are
drawn by Xavier's rule; under ``standard`` those of all layers are.

Shapes: B histories, L columns, N items of them, d channels, m of the recurrence.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqrec.batches import Batch
from seqrec.batches.packing import PackedBatch
from seqrec.losses import Held, ItemLoss, Seen
from seqrec.losses.negatives import BayesianPersonalisedRanking, UniformNegatives
from seqrec.models.parts.bounds import Rate, Size
from seqrec.models.parts.columns import Columns, all_columns, may_walk, real_columns
from seqrec.models.parts.face import SequentialModel, TrainingForm, check_width
from seqrec.models.parts.layers import dropout, initialise
from seqrec.models.parts.recurrence import GRU
from seqrec.protocol import Protocol


@dataclass(frozen=True)
class GRU4RecConfig:
    """The settings of the BSARec authors' code."""

    num_items: Size
    max_len: Size = 50
    dim: Size = 64
    hidden_dim: Size = 64
    """Of the recurrence."""
    num_layers: Size = 2
    hidden_dropout: Rate = 0.5
    """Of the input vectors."""
    protocol: Protocol = "standard"


class GRU4Rec(SequentialModel):
    """An embedding, gated recurrent units, and a linear layer back to the items' channels."""

    Config: ClassVar[type] = GRU4RecConfig
    config: GRU4RecConfig
    authors_losses: ClassVar[tuple[str, ...]] = ("bpr",)
    needs_rows_of_their_own: ClassVar[bool] = True
    walks_on_cpu: ClassVar[bool] = True

    def __init__(self, config: GRU4RecConfig) -> None:
        super().__init__()
        self.config = config
        # padding_idx: as an input, padding teaches its row nothing.
        self.item_embedding = nn.Embedding(config.num_items + 1, config.dim, padding_idx=0)
        self.gru = GRU(config.dim, config.hidden_dim, config.num_layers)
        self.dense = nn.Linear(config.hidden_dim, config.dim)
        self._initialise()

    @property
    def training_form(self) -> TrainingForm:
        """Whole sequences, or prefixes as in the BSARec authors' code."""
        return "sequences" if self.hides_padding else "prefixes"

    def own_loss(self) -> ItemLoss:
        """Return BPR with one negative."""
        return BayesianPersonalisedRanking(UniformNegatives(self.config.num_items, 1))

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

    def loss(
        self, batch: Batch | PackedBatch, item_loss: ItemLoss | None = None
    ) -> dict[str, Tensor]:
        """Compare the states with the next items.

        Args:
            batch: prefixes under ``authors``; under ``standard`` sequences in rows of their own.
            item_loss: another loss over items than ``own_loss``.

        Returns:
            One entry, ``loss``, a scalar.
        """
        item_loss = item_loss or self.own_loss()
        if isinstance(batch, Batch):
            states, targets, seen = self.encode(batch.histories), batch.targets, batch.seen
        else:
            states, targets, seen = self._at_all_items(batch)
        return {"loss": item_loss(states, self.item_vectors(), targets, seen)}

    def encode(self, histories: Tensor, users: Tensor | None = None) -> Tensor:
        """Return the state after each history's last item.

        Args:
            histories: (B, L) item indices, oldest first, padded with 0 on the left; under
                ``standard`` a shorter L is as good.
            users: not looked at.

        Returns:
            (B, d).
        """
        check_width(histories, self.config.max_len, narrower=self.hides_padding)
        if not may_walk(self.item_embedding.weight):
            return self._to_items(self._everywhere(histories)[:, -1])
        columns = real_columns(histories) if self.hides_padding else all_columns(histories)
        count = columns.counts[-1] if columns.counts else 0
        last = self._walk(histories, columns)
        # a history without any item stays at rest
        last = F.pad(last[len(last) - count :], (0, 0, 0, len(histories) - count))
        return self._to_items(last[columns.order.argsort()])

    def states(self, histories: Tensor) -> Tensor:
        """Return the states at all columns of (B, L) histories: (B, L, d)."""
        check_width(histories, self.config.max_len, narrower=self.hides_padding)
        return self._to_items(self._everywhere(histories))

    def _at_all_items(self, batch: PackedBatch) -> tuple[Tensor, Tensor, Seen]:
        """Return (N, d) states, their targets and what they must not get as negatives."""
        histories, targets = batch.histories, batch.targets.flatten()
        if not may_walk(self.item_embedding.weight):
            return self.states(histories).flatten(0, 1), targets, batch.seen
        columns = real_columns(histories)

        def seen() -> Held:
            held = batch.seen()
            return Held(held.items, held.of[columns.places])

        return self._to_items(self._walk(histories, columns)), targets[columns.places], seen

    def _walk(self, histories: Tensor, columns: Columns) -> Tensor:
        """Return the recurrence's states after each item, (N, m)."""
        items = histories.flatten()[columns.places]
        return self.gru.walk(self._drop(self.item_embedding(items)), columns.counts)

    def _everywhere(self, histories: Tensor) -> Tensor:
        """Return them at all columns, (B, L, m)."""
        x = self.item_embedding(histories)
        if self.hides_padding:
            x = x * (histories != 0).unsqueeze(-1)
        states: Tensor = self.gru(self._drop(x))
        return states

    def _to_items(self, states: Tensor) -> Tensor:
        mapped: Tensor = self.dense(states)
        return mapped

    def _drop(self, x: Tensor) -> Tensor:
        return dropout(x, self.config.hidden_dropout, self.training)

    def _initialise(self) -> None:
        initialise(self)
        for layer in range(self.config.num_layers if self.hides_padding else 1):
            for weight in self.gru.weights(layer):
                nn.init.xavier_uniform_(weight)
        if self.hides_padding:
            with torch.no_grad():
                self.item_embedding.weight[0] = 0.0
