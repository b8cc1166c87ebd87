"""GRU4Rec: session-based recommendations with recurrent neural networks (ICLR 2016, 1511.06939).

Gated recurrent units read a history item by item; the state after each item, mapped back to the
space of the items, is compared with the one that comes next. The loss is BPR: the next item
should score above a sampled one.

Notable: under ``standard`` a sequence is learned from at all its items in one pass, and padding
leaves the recurrence at rest: without biases, zeros lead from a state of zeros to one of zeros.
Under ``authors`` each prefix is an example of its own, and its padding, a random vector, runs
through the recurrence, as in the BSARec authors' code. There only the first layer's weights are
drawn by Xavier's rule; under ``standard`` those of all layers are.

On a CPU, where work may depend on the lengths of histories, torch is given them packed, without
their padding; elsewhere, asking for lengths would wait for the device.

Shapes: B histories, L columns, N items of them, d channels, m of the recurrence.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from seqrec.batches import Batch
from seqrec.batches.packing import PackedBatch
from seqrec.losses import Held, ItemLoss, Seen
from seqrec.models.parts.bounds import Rate, Size
from seqrec.models.parts.columns import may_walk
from seqrec.models.parts.face import (
    WHOLE_SEQUENCES,
    SequentialModel,
    TrainingForm,
    check_width,
)
from seqrec.models.parts.layers import dropout, initialise
from seqrec.models.parts.search_range import DROPOUT, LEARNING_RATE, Space
from seqrec.protocol import Protocol


@dataclass(frozen=True)
class GRU4RecConfig:
    """The settings of the BSARec authors' code."""

    num_items: Size
    max_len: Size = 50
    dim: Size = 64
    hidden_dim: Size = 64
    """Length of the states of the recurrence."""
    num_layers: Size = 2
    """How many recurrent layers follow one another."""
    hidden_dropout: Rate = 0.5
    """Share of the input vectors that training drops."""
    protocol: Protocol = "standard"


class Steps(NamedTuple):
    """The items of some histories, all first ones, then all second ones …"""

    order: Tensor
    """(B,) the histories, longest first."""
    places: Tensor
    """(N,) where in the flattened (B, L) histories each item stands."""
    counts: Tensor
    """How many of the histories, the first ones of ``order``, have an item at each step."""


class GRU(nn.Module):
    """Torch's recurrence, weights drawn as torch's: its own module is none that it compiles."""

    def __init__(self, dim: int, hidden_dim: int, num_layers: int) -> None:
        super().__init__()
        self.hidden_dim, self.num_layers = hidden_dim, num_layers
        bound = 1 / math.sqrt(hidden_dim)
        for layer in range(num_layers):
            widths = {"ih": hidden_dim if layer else dim, "hh": hidden_dim}
            for kind, width in widths.items():
                weight = nn.Parameter(torch.empty(3 * hidden_dim, width).uniform_(-bound, bound))
                self.register_parameter(f"weight_{kind}_l{layer}", weight)

    def weights(self, layers: int) -> list[Tensor]:
        """Return those of the first layers: (3 m, d) for inputs and (3 m, m) for states of each."""
        names = [f"weight_{kind}_l{layer}" for layer in range(layers) for kind in ("ih", "hh")]
        return [getattr(self, name) for name in names]

    def forward(self, x: Tensor, counts: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the last layer's states after each input, and after the last of a history.

        Args:
            x: (B, L, d); with counts (N, d), step by step.
            counts: how many histories each step has, on the CPU.

        Returns:
            (B, L, m) or (N, m), and (B, m).
        """
        rows = x.shape[0] if counts is None else int(counts[0])
        at_rest = x.new_zeros(self.num_layers, rows, self.hidden_dim)
        weights, layers, training = self.weights(self.num_layers), self.num_layers, self.training
        if counts is None:
            states, last = torch.gru(
                x, at_rest, weights, False, layers, 0.0, training, False, batch_first=True
            )
        else:
            states, last = torch.gru(
                x, counts, at_rest, weights, False, layers, 0.0, training, False
            )
        return states, last[-1]


class GRU4Rec(SequentialModel):
    """An embedding, gated recurrent units, and a linear layer back to the items' channels."""

    Config: ClassVar[type] = GRU4RecConfig
    usually_best_in: ClassVar[int] = 24
    config: GRU4RecConfig
    space: ClassVar[Mapping[str, Space]] = {
        "hidden_dim": (32, 64, 128),
        "num_layers": (1, 2),
        "hidden_dropout": DROPOUT,
        "training.learning_rate": LEARNING_RATE,
    }
    authors_losses: ClassVar[tuple[str, ...]] = ("bpr",)
    standard_defaults: ClassVar[Mapping[str, Any]] = WHOLE_SEQUENCES
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
        if not (self.hides_padding and may_walk(self.item_embedding.weight)):
            return self._to_items(self.gru(self._inputs(histories))[1])
        steps = steps_of(histories)
        _, last = self.gru(self._inputs(histories.flatten()[steps.places]), steps.counts)
        return self._to_items(last[steps.order.argsort()])

    def states(self, histories: Tensor) -> Tensor:
        """Return the states at all columns of (B, L) histories: (B, L, d)."""
        check_width(histories, self.config.max_len, narrower=self.hides_padding)
        return self._to_items(self.gru(self._inputs(histories))[0])

    def _at_all_items(self, batch: PackedBatch) -> tuple[Tensor, Tensor, Seen]:
        """Return (N, d) states, their targets and what they must not get as negatives."""
        histories, targets = batch.histories, batch.targets.flatten()
        if not may_walk(self.item_embedding.weight):
            return self.states(histories).flatten(0, 1), targets, batch.seen
        steps = steps_of(histories)

        def seen() -> Held:
            held = batch.seen()
            return Held(held.items, held.of[steps.places])

        states, _ = self.gru(self._inputs(histories.flatten()[steps.places]), steps.counts)
        return self._to_items(states), targets[steps.places], seen

    def _inputs(self, items: Tensor) -> Tensor:
        """Return the vectors of items, padding's without a trace if it is to leave none."""
        x: Tensor = self.item_embedding(items)
        if self.hides_padding:
            x = x * (items != 0).unsqueeze(-1)
        return dropout(x, self.config.hidden_dropout, self.training)

    def _to_items(self, states: Tensor) -> Tensor:
        mapped: Tensor = self.dense(states)
        return mapped

    def _initialise(self) -> None:
        initialise(self)
        for weight in self.gru.weights(self.config.num_layers if self.hides_padding else 1):
            nn.init.xavier_uniform_(weight)
        if self.hides_padding:
            with torch.no_grad():
                self.item_embedding.weight[0] = 0.0


def steps_of(histories: Tensor) -> Steps:
    """Return left-padded (B, L) histories from their first item on; an empty one keeps a column."""
    length = histories.shape[1]
    real = (histories != 0).cumsum(dim=1) > 0
    lengths, order = real.sum(dim=1).clamp(min=1).sort(descending=True, stable=True)
    step = torch.arange(length)[:, None]
    there = step < lengths  # (L, B)
    counts = there.sum(dim=1)
    places = order * length + length - lengths + step
    return Steps(order, places[there], counts[counts > 0])
