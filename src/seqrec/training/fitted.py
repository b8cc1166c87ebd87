"""What a training leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from seqrec.models.parts.face import ScoringModel

Model = TypeVar("Model", bound=ScoringModel)


@dataclass(frozen=True)
class Fitted(Generic[Model]):
    """The model at its best on validation, in evaluation mode, and how it came there."""

    model: Model
    history: list[dict[str, float]]
    """One row an epoch, or a trial."""
    best_epoch: int
    """The epoch or trial, from 1."""
    best_value: float
    """The monitored metric in it; no number where nothing was validated."""
    options: dict[str, Any] | None = None
    """All parameters of a model whose parameters were chosen on validation."""
