"""The small face every model has; training, evaluation and export know nothing else of it."""

from abc import abstractmethod
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from seqrec.errors import SeqrecError
from seqrec.losses import ItemLoss
from seqrec.ranking import AUTHORS_RANKING, RankingRules

TrainingForm = Literal["prefixes", "sequences"]
"""What a training example is: one target and the history before it, or a whole sequence."""


class SequentialModel(nn.Module):
    """A model whose score of an item is the product of a state and the item's vector."""

    Config: ClassVar[Any]
    """A frozen dataclass with ``num_items``, ``max_len``, ``protocol`` and its own."""

    training_form: ClassVar[TrainingForm] = "prefixes"
    tensorflow_adam: ClassVar[bool] = False
    """Whether Adam is TensorFlow's under protocol ``authors``."""
    authors_ranking: ClassVar[RankingRules] = AUTHORS_RANKING
    """The rules of the ranking in the authors' code."""

    config: Any

    @property
    def sparse_gradients(self) -> bool:
        """Whether all losses of its own can do with the item vectors of a batch."""
        return True

    @abstractmethod
    def encode(self, histories: Tensor) -> Tensor:
        """Map histories (B, L), padded with 0 on the left, to states (B, d)."""

    @abstractmethod
    def item_vectors(self) -> Tensor:
        """Return (items + 1, d); row 0 is padding."""

    @abstractmethod
    def loss(self, batch: Any, item_loss: ItemLoss | None = None) -> dict[str, Tensor]:
        """Return named scalars; the one called ``loss`` is minimised.

        Args:
            batch: a ``Batch`` or, of models trained on whole sequences, a ``PackedBatch``.
            item_loss: another loss over items than the model's own cross entropy.
        """

    @property
    @abstractmethod
    def embedding_dropout(self) -> float:
        """At which rate input vectors are dropped, and the heads of the distillation."""

    @property
    @abstractmethod
    def hides_padding(self) -> bool:
        """Whether padding leaves no trace in a state: then histories may be cut to what is real."""


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
