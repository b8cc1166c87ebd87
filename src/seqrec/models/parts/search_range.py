"""Where a parameter is looked for; no torch, no pydantic."""

from __future__ import annotations

import math
from dataclasses import dataclass


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


def is_number(value: object) -> bool:
    """Return whether a value is a finite number, which a truth value is not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
