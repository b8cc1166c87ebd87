"""The small face every model has; training, evaluation and export know nothing else of it."""

from abc import abstractmethod
from typing import Any, ClassVar

from torch import Tensor, nn

from seqrec.batches import Batch
from seqrec.errors import SeqrecError


class SequentialModel(nn.Module):
    """A model whose score of an item is the product of a state and the item's vector."""

    Config: ClassVar[Any]
    """A frozen pydantic dataclass with ``num_items``, ``max_len``, ``protocol`` and its own."""

    config: Any

    @abstractmethod
    def encode(self, histories: Tensor) -> Tensor:
        """Map histories (B, L), padded with 0 on the left, to states (B, d)."""

    @abstractmethod
    def item_vectors(self) -> Tensor:
        """Return (items + 1, d); row 0 is padding."""

    @abstractmethod
    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Return named scalars; the one called ``loss`` is minimised."""


def check_length(histories: Tensor, max_len: int) -> None:
    """Raise a SeqrecError unless the histories (B, L) have as many columns as the model takes."""
    if histories.shape[-1] != max_len:
        raise SeqrecError(
            f"histories have {histories.shape[-1]} columns, the model takes max_len={max_len}: "
            "pad with 0 on the left, or keep the last ones"
        )
