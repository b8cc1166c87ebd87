"""Caser: personalised top-N recommendation by convolutional sequence embedding (WSDM 2018).

The vectors of a history (arXiv 1809.07426) are taken for an image. Horizontal filters, of every
height from one item to all of them, look for a pattern of successive items anywhere and keep
their largest answer; vertical filters are weighted sums over the positions. Both go through a
linear layer; its output and a vector of the user go through another, and the result is compared
with the vectors of the items.

Notable: on the CPU only windows with a real item are computed (``horizontal.py``). A user who is
unknown, or not given, is an average one: the mean of all user vectors. As in the BSARec authors'
code the item vectors of the input are those of the output too, and what is added to the loss
are norms of the weights, not their squares. Their first user shares padding's fate: a vector that
learns nothing but to be small; under ``standard`` it is like any other.

Shapes: B histories, L = max_len columns, W of them or fewer, N items, d channels, F features.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqrec.batches import Batch
from seqrec.losses import ItemLoss
from seqrec.models.parts.bounds import Count, Rate, Size, Weight
from seqrec.models.parts.columns import may_walk, real_columns
from seqrec.models.parts.face import SequentialModel, check_width
from seqrec.models.parts.horizontal import (
    ROWS_TOGETHER,
    Filters,
    Group,
    largest_answers,
    largest_answers_to_items,
)
from seqrec.models.parts.layers import dropout, initialise
from seqrec.models.parts.search_range import DROPOUT, LEARNING_RATE, WEIGHT_DECAY, Space
from seqrec.protocol import Protocol


@dataclass(frozen=True)
class CaserConfig:
    """The settings of the BSARec authors' code."""

    num_items: Size
    num_users: Size
    max_len: Size = 50
    dim: Size = 64
    horizontal_filters: Count = 8
    """Horizontal filters of each height from 1 to ``max_len``; 0: none."""
    vertical_filters: Count = 4
    """Vertical filters: weighted sums over the positions; 0: none."""
    hidden_dropout: Rate = 0.5
    """Share of what the filters found that training drops."""
    l2: Weight = 1e-4
    """Weight in the loss of the norms, not squared, of all weights but biases."""
    protocol: Protocol = "standard"

    def __post_init__(self) -> None:
        if not self.horizontal_filters and not self.vertical_filters:
            raise ValueError(
                "horizontal_filters and vertical_filters are both 0: nothing would look at a "
                "history; raise one of them"
            )


class Caser(SequentialModel):
    """Embeddings, filters, and two linear layers."""

    Config: ClassVar[type] = CaserConfig
    usually_best_in: ClassVar[int] = 10
    config: CaserConfig
    space: ClassVar[Mapping[str, Space]] = {
        "horizontal_filters": (4, 8, 16),
        "vertical_filters": (2, 4, 8),
        "hidden_dropout": DROPOUT,
        "l2": WEIGHT_DECAY,
        "training.learning_rate": LEARNING_RATE,
    }
    authors_losses: ClassVar[tuple[str, ...]] = ("bce",)
    walks_on_cpu: ClassVar[bool] = True
    per_user: ClassVar[tuple[str, ...]] = ("user_embedding.weight",)

    def __init__(self, config: CaserConfig) -> None:
        super().__init__()
        self.config = config
        length, dim = config.max_len, config.dim
        # padding_idx: as an input, padding teaches its row nothing.
        self.item_embedding = nn.Embedding(config.num_items + 1, dim, padding_idx=0)
        padding_idx = None if self.hides_padding else 0
        self.user_embedding = nn.Embedding(config.num_users, dim, padding_idx=padding_idx)
        self.first_user = 1
        """Whose vector the first row is."""
        self.vertical = Filters(config.vertical_filters, length, 1)
        self.horizontal = nn.ModuleList(
            Filters(config.horizontal_filters, height, dim) for height in range(1, length + 1)
        )
        answers = config.vertical_filters * dim + config.horizontal_filters * length
        self.features = nn.Linear(answers, dim)
        self.output = nn.Linear(2 * dim, dim)
        initialise(self)
        if self.hides_padding:
            with torch.no_grad():
                self.item_embedding.weight[0] = 0.0

    @property
    def sparse_gradients(self) -> bool:
        """Norms need all item vectors in every step."""
        return self.config.l2 == 0

    def loss(self, batch: Batch, item_loss: ItemLoss | None = None) -> dict[str, Tensor]:
        """Compare the states with the targets, and add the norms of the weights.

        Args:
            batch: users (B,), histories (B, W) and targets (B,).
            item_loss: another loss over items than ``own_loss``.

        Returns:
            ``loss``, the sum, and its parts ``items`` and ``l2``, scalars.
        """
        item_loss = item_loss or self.own_loss()
        states = self.encode(batch.histories, batch.users)
        of_items = item_loss(states, self.item_vectors(), batch.targets, batch.seen)
        decay = torch.zeros_like(of_items)
        if self.config.l2:  # else the norm's gradient, zero, would reach all item vectors
            decay = self.config.l2 * self.sum_of_norms()
        return {"loss": of_items + decay, "items": of_items, "l2": decay}

    def sum_of_norms(self) -> Tensor:
        """Return the sum of the norms of all weights but biases, a scalar."""
        weights = [weight for name, weight in self.named_parameters() if name.endswith("weight")]
        return torch.stack([torch.linalg.vector_norm(weight) for weight in weights]).sum()

    def encode(self, histories: Tensor, users: Tensor | None = None) -> Tensor:
        """Return the state after each history.

        Args:
            histories: (B, W) item indices, oldest first, padded with 0 on the left; under
                ``standard`` a W below L is as good.
            users: (B,) user indices, counted from ``first_user``.

        Returns:
            (B, d).
        """
        check_width(histories, self.config.max_len, narrower=self.hides_padding)
        walk = may_walk(self.item_embedding.weight)
        answers = self._walk(histories) if walk else self._convolve(histories)
        answers = dropout(answers, self.config.hidden_dropout, self.training)
        features = self.features(answers).relu()
        both = torch.cat([features, self._of_users(users, histories.shape[0])], dim=1)
        state: Tensor = self.output(both).relu()
        return state

    def _of_users(self, users: Tensor | None, count: int) -> Tensor:
        """Return (B, d) user vectors; those who are unknown get no gradient."""
        average = self.user_embedding.weight.detach().mean(dim=0)
        if users is None:
            return average.expand(count, -1)
        rows = users - self.first_user
        is_known = (rows >= 0) & (rows < self.config.num_users)
        vectors: Tensor = self.user_embedding(rows * is_known)
        return torch.where(is_known[:, None], vectors, average)

    def _convolve(self, histories: Tensor) -> Tensor:
        """Return what the filters find, (B, F)."""
        x = self.item_embedding(histories)
        if self.hides_padding:
            x = x * (histories != 0).unsqueeze(-1)
        x = F.pad(x, (0, 0, self.config.max_len - x.shape[1], 0))
        return self._found(x, largest_answers(x, self._weights()))

    def _walk(self, histories: Tensor) -> Tensor:
        """Return the same, with the products of real items alone."""
        order = (histories != 0).sum(dim=1).argsort(descending=True)
        ordered, groups, places = histories[order], [], []
        for first, part in enumerate(ordered.split(ROWS_TOGETHER)):
            columns = real_columns(part)
            groups.append(Group(len(part), columns.counts))
            places.append(columns.places + first * ROWS_TOGETHER * histories.shape[1])
        where = torch.cat(places)
        items = self.item_embedding(ordered.flatten()[where])
        padding = self._padding()
        largest = largest_answers_to_items(items - padding, padding, groups, self._weights())
        x = padding.expand(histories.numel(), -1).index_copy(0, where, items)
        return self._found(x.view(*histories.shape, -1), largest)[order.argsort()]

    def _found(self, x: Tensor, largest: Tensor) -> Tensor:
        """Put together what vertical filters find in (B, W, d), and horizontal ones' answers."""
        weight, bias = self.vertical.weight[:, -x.shape[1] :, 0], self.vertical.bias
        sums = weight @ x + bias[:, None]
        biases = torch.cat([filters.bias for filters in self._of_all_heights()])
        return torch.cat([sums.flatten(1), (largest + biases).relu()], dim=1)

    def _of_all_heights(self) -> list[Filters]:
        return [cast(Filters, filters) for filters in self.horizontal]

    def _weights(self) -> list[Tensor]:
        return [filters.weight for filters in self._of_all_heights()]

    def _padding(self) -> Tensor:
        """Return (d,) what stands where a history has no item; it learns nothing there."""
        first = self.item_embedding.weight[0].detach()
        return torch.zeros_like(first) if self.hides_padding else first
