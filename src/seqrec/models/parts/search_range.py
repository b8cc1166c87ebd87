"""Where a parameter is looked for: a range, or some values. No torch, no pydantic."""

from __future__ import annotations

import math
from dataclasses import dataclass

SearchValue = bool | int | float | str | None


def is_number(value: object) -> bool:
    """Whether a value is a finite number, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True)
class SearchRange:
    """Where a number is looked for, ends included; whole numbers where both ends are."""

    low: int | float
    high: int | float
    log: bool = False
    """Whether it is drawn evenly on a logarithmic scale."""

    def __post_init__(self) -> None:
        if not (is_number(self.low) and is_number(self.high) and isinstance(self.log, bool)):
            raise ValueError("low and high of a range should be numbers, log true or false")
        if self.low >= self.high:
            raise ValueError(f"low {self.low} of a range should lie below its high {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"low {self.low} of a logarithmic range should be greater than 0")

    @property
    def whole(self) -> bool:
        """Whether it holds whole numbers only."""
        return isinstance(self.low, int) and isinstance(self.high, int)


Space = SearchRange | tuple[SearchValue, ...]
"""What one parameter may be."""

LEARNING_RATE = SearchRange(0.0003, 0.003, log=True)
DROPOUT = SearchRange(0.1, 0.6)
WEIGHT_DECAY = SearchRange(0.00001, 0.001, log=True)
CONTRAST = SearchRange(0.01, 0.5, log=True)
"""Of the weight of a contrastive term."""
