"""Left-padded histories column by column and without their padding, for walks on the CPU.

Some models go through a history item by item. Where most of a batch is padding, a walk over what
is real is many times shorter: with the longest history first, the histories that have an item in
a column are the first of them.

Shapes: B histories, L columns, N items in all.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Columns(NamedTuple):
    """The items of some histories, one column after the other."""

    order: Tensor
    """(B,) the histories, longest first."""
    places: Tensor
    """(N,) where in the flattened (B, L) histories each item stands."""
    counts: list[int]
    """How many of the histories, the first ones of ``order``, have an item in a column; for each
    column from the first that has any to the last."""


def may_walk(x: Tensor) -> bool:
    """Whether loops may depend on the lengths of histories: not where asking for them waits."""
    return (
        x.device.type == "cpu"
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
    )


def real_columns(histories: Tensor) -> Columns:
    """Return what (B, L) histories hold from their first item on."""
    real = (histories != 0).cumsum(dim=1) > 0
    order = real.sum(dim=1).argsort(descending=True, stable=True)
    ordered = real[order].t()
    counts = [count for count in ordered.sum(dim=1).tolist() if count]
    column, row = ordered.nonzero().unbind(dim=1)
    return Columns(order, order[row] * histories.shape[1] + column, counts)
