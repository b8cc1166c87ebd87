"""How a model is spoken of in its authors' code: names of settings and of weights."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class Dialect:
    """How one model is spoken of in its authors' code."""

    options: dict[str, str]
    """Their setting → our option."""
    names: tuple[tuple[str, str], ...]
    """Pattern of their parameter names → ours."""
    usual: dict[str, tuple[str, Any]] = field(default_factory=dict)
    """Their setting → our option, and what it is where they do not say."""
    items: tuple[str, int] = ("item_size", -1)
    """The setting that says how many items there are, and what to add to it."""
    users: str | None = None
    """The setting that says how many users there are, if the model has a vector for each."""
    unused: tuple[str, ...] = ()
    """Patterns of weights that the authors' model has and never uses."""
    attributes: dict[str, Any] = field(default_factory=dict)
    """What a model with their weights is told beside its options."""
    rearrange: Callable[[str, Tensor], Tensor] = lambda name, value: value
    """Turns a weight of theirs, by its name, into the form of ours."""

    def our_name(self, name: str) -> str | None:
        """Return our name of one of their parameters, or None if there is none."""
        for pattern, ours in self.names:
            if re.fullmatch(pattern, name):
                return re.sub(pattern, ours, name)
        return None
