"""The small face every model has; training, evaluation and export know nothing else of it."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from torch import Generator, Tensor, nn

from seqrec.batches import Sequences
from seqrec.errors import SeqrecError
from seqrec.losses import ItemLoss, Padding
from seqrec.losses.by_name import LOSSES, LossSettings
from seqrec.machine.products import inner
from seqrec.models.parts.search_range import Space
from seqrec.protocol import AUTHORS_RANKING, RankingRules

TrainingForm = Literal["prefixes", "packed_prefixes", "sequences", "masked_sequences"]
"""What a training example is: one target and the history before it, or a whole sequence.

``prefixes`` come as a ``Batch``, one history a row; ``packed_prefixes``, for models whose
attention can be kept apart by a mask, as a ``PackedPrefixes`` batch, several histories a row; and
``sequences`` as a ``PackedBatch``, with the next item at each position as its target, or, of
``masked_sequences``, the item itself.
"""


Scorer = Callable[[Tensor, Tensor], Tensor]
"""Histories (B, L) and users (B,) to scores (B, items + 1)."""
BlockScorer = Callable[[Tensor, Tensor], Iterator[Tensor]]
"""Histories (B, L) and users (B,) to scores (B, N) of one block of items after the other."""

WHOLE_SEQUENCES = MappingProxyType(
    {"training.batch_size": 64, "training.max_epochs": 400, "training.patience": 30}
)
"""What suits a training by whole sequences, an epoch of which has few steps."""


class ScoringModel(nn.Module):
    """A model that scores all items for a history: all that a ranking asks of it."""

    Config: ClassVar[Any]
    """A frozen dataclass with ``num_items``, ``max_len``, ``protocol`` and its own."""
    authors_ranking: ClassVar[RankingRules] = AUTHORS_RANKING
    """The rules of the ranking in the authors' code."""
    space: ClassVar[Mapping[str, Space]] = {}
    """What a search varies unless told otherwise: the model's options by their names, parameters
    of a section as ``training.learning_rate``."""

    config: Any

    @classmethod
    def options_of(cls, options: Mapping[str, Any], weights: Collection[str]) -> dict[str, Any]:
        """Return the options of a saved model: an earlier version may not have had all of them.

        Args:
            options: as they were saved.
            weights: the names of what was saved.
        """
        return dict(options)

    @property
    def history_len(self) -> int:
        """How many of a history's last items it looks at where it ranks."""
        length: int = self.config.max_len
        return length

    @abstractmethod
    def scorer(self) -> Scorer:
        """Return a function that scores batch after batch while the model stays as it is."""

    def block_scorer(self, items: int) -> BlockScorer:
        """Return a function that scores so many items at a time, for catalogs of millions.

        A model that must score all of them together gives one block.
        """
        score = self.scorer()

        def whole(histories: Tensor, users: Tensor) -> Iterator[Tensor]:
            yield score(histories, users)

        return whole

    @property
    @abstractmethod
    def hides_padding(self) -> bool:
        """Whether padding leaves no trace in a score: then histories may be cut to what is real."""


class SequentialModel(ScoringModel):
    """A model whose score of an item is the product of a state and the item's vector.

    What training, ranking and export ask of it stands first, answered as nearly all models do: a
    model says only where it differs.
    """

    authors_losses: ClassVar[tuple[str, ...]] = ("cross_entropy",)
    """The losses over items (``training.loss``) that protocol ``authors`` allows, by name; the
    first is the model's own."""
    section_defaults: ClassVar[Mapping[str, Any]] = {}
    """What it takes of the sections beside its own options unless told otherwise, where that is
    not what all take: ``ted.weight``. Its loss needs no mention."""
    standard_defaults: ClassVar[Mapping[str, Any]] = {}
    """Likewise, under protocol ``standard`` alone."""
    tensorflow_adam: ClassVar[bool] = False
    """Whether Adam is TensorFlow's under protocol ``authors``."""
    needs_rows_of_their_own: ClassVar[bool] = False
    """Whether whole sequences cannot share a row: a recurrence knows no mask."""
    walks_on_cpu: ClassVar[bool] = False
    """Whether it goes through histories by their lengths on a CPU, which no compiler can take."""

    looks_things_up: ClassVar[bool] = False
    """Whether it looks things up in tables: no compiler can take that, nor an ONNX graph, and on a
    GPU it waits to know how much it found."""
    learns_new_items_alone: ClassVar[bool] = False
    """Whether items of the history are no answers in its training."""
    learns_faster: ClassVar[Mapping[str, float]] = MappingProxyType({})
    """By the beginnings of their names: parameters that learn so many times as fast."""
    usually_best_in: ClassVar[int] = 40
    """The epoch in which a training is usually best: the median of those in docs/results, or of
    models like it."""
    losses: ClassVar[tuple[str, ...] | None] = None
    """The losses over items that it can take under protocol ``standard``; None for all."""
    counted: ClassVar[tuple[str, ...]] = ()
    """The beginnings of the names of what ``prepare`` counts: no part of a training's state."""

    per_item: ClassVar[tuple[str, ...]] = ("item_embedding.weight",)
    """Its parameters with a row for each item, by name; padding's stands before them, those of
    tokens behind."""
    per_user: ClassVar[tuple[str, ...]] = ()
    """Its parameters with a row for each user, by name."""

    item_embedding: nn.Embedding

    @property
    def training_form(self) -> TrainingForm:
        """In which form the model takes its training examples."""
        return "prefixes"

    def prepare(self, sequences: Sequences) -> None:
        """Count what the model is to know of the data before it is trained; most need nothing."""

    def settle(self, measure: Callable[[], float] | None) -> float | None:
        """Choose what is chosen after the training; most choose nothing.

        Args:
            measure: the monitored metric on validation, of the model as it is; None where nothing
                is validated.

        Returns:
            The metric with what was chosen, if it was measured.
        """
        return None

    def settle_as(self, other: "SequentialModel") -> None:
        """Choose what another model of the same settings chose."""

    def learned(self) -> dict[str, Tensor]:
        """Return the state that a training changes, by names."""
        state = self.state_dict()
        return {name: value for name, value in state.items() if not name.startswith(self.counted)}

    def load_learned(self, state: Mapping[str, Tensor]) -> None:
        """Put that state back; what was counted stays."""
        rest = {
            name: value
            for name, value in self.state_dict().items()
            if name.startswith(self.counted)
        }
        self.load_state_dict({**rest, **state})

    def drawn(self, batch: Any, generator: Generator | None = None) -> Any:
        """Return a batch with what is drawn for it as a whole; most draw nothing.

        Args:
            batch: in the model's ``training_form``.
            generator: what to draw from; None: torch's global one.
        """
        return batch

    @property
    def compares_histories(self) -> bool:
        """Whether the loss compares the histories of a batch with each other."""
        return False

    @property
    def needs_same_targets(self) -> bool:
        """Whether the loss takes a second history with the same target (``Batch.same_target``)."""
        return False

    @property
    def hides_padding(self) -> bool:
        """Whether padding leaves no trace in a state."""
        hides: bool = self.config.protocol == "standard"
        return hides

    @property
    def padding(self) -> Padding:
        """What item 0 is to a softmax over all items."""
        return "class" if self.config.protocol == "authors" else "none"

    @property
    def sparse_gradients(self) -> bool:
        """Whether all losses of its own can do with the item vectors of a batch."""
        return True

    @property
    def embedding_dropout(self) -> float:
        """At which rate input vectors are dropped, and the heads of a distillation."""
        rate: float = self.config.hidden_dropout
        return rate

    def item_vectors(self) -> Tensor:
        """Return the vectors whose product with a state is the score: (items + 1, d).

        Row 0 is padding.
        """
        return self.item_embedding.weight

    def distilled(self) -> list[Tensor]:
        """Return the tables that a distillation acts on, (items + 1, d) each; its mean counts."""
        return [self.item_vectors()]

    def own_loss(self) -> ItemLoss:
        """Return the loss over items that the model has unless another is asked for."""
        settings = LossSettings(self.config.num_items, padding=self.padding)
        return LOSSES[self.authors_losses[0]].build(settings)

    def scorer(self) -> Scorer:
        """Score by inner products with the item vectors, which are asked for once."""
        vectors = self.item_vectors()
        return lambda histories, users: inner(self.encode(histories, users), vectors)

    def block_scorer(self, items: int) -> BlockScorer:
        """Score by inner products with the vectors of so many items at a time."""
        blocks = self.item_vectors().split(items)

        def in_blocks(histories: Tensor, users: Tensor) -> Iterator[Tensor]:
            states = self.encode(histories, users)
            for vectors in blocks:
                yield inner(states, vectors)

        return in_blocks

    @abstractmethod
    def encode(self, histories: Tensor, users: Tensor | None = None) -> Tensor:
        """Map histories (B, L), padded with 0 on the left, to states (B, d).

        Args:
            histories: item indices, oldest first.
            users: (B,) user indices; most models take no notice of them.
        """

    @abstractmethod
    def loss(self, batch: Any, item_loss: ItemLoss | None = None) -> dict[str, Tensor]:
        """Return named scalars; the one called ``loss`` is minimised.

        Args:
            batch: in the model's ``training_form``.
            item_loss: another loss over items than ``own_loss``.
        """


def check_width(histories: Tensor, max_len: int, *, narrower: bool = True) -> None:
    """Raise a SeqrecError unless a model can take histories (B, L) of so many columns.

    Args:
        histories: (B, L).
        max_len: the most columns.
        narrower: whether fewer are as good.
    """
    width = histories.shape[-1]
    if width > max_len or width == 0 or (width < max_len and not narrower):
        raise SeqrecError(
            f"histories have {width} columns, the model takes max_len={max_len}: "
            "pad with 0 on the left, or keep the last ones"
        )
