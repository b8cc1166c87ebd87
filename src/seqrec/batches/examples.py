"""Sequences as flat arrays, and batches gathered from them on the device.

A history is never copied out of its sequence until its batch is made: an example is three
numbers (user, start, end) that point into one flat array of items. Gathering a batch is a
single indexing operation, on the CPU or on the GPU.

Shapes: N interactions, U users, E examples, B examples in a batch, L = max_len.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from seqrec.batches.sequences import SPLITS, Integers, Sequences, Split, ranges
from seqrec.losses import Held


@dataclass(frozen=True)
class Examples:
    """Targets and where their histories begin: positions in the flat array, all (E,)."""

    users: Integers
    starts: Integers
    ends: Integers
    """Position of the target; the history is what lies before it, from ``starts`` on."""

    def __len__(self) -> int:
        return len(self.ends)

    def take(self, rows: Integers) -> Examples:
        """Return these of the examples, in this order."""
        return Examples(self.users[rows], self.starts[rows], self.ends[rows])


def training_examples(sequences: Sequences, max_len: int, protocol: str) -> Examples:
    """Return one example for each of a user's last ``max_len`` training interactions.

    Under ``authors`` a history never reaches behind that window, so the first one is empty and
    the longest has max_len - 1 items. Under ``standard`` a history has up to max_len items,
    as in evaluation, and an interaction without one is no target.
    """
    begins, train_ends = sequences.offsets[:-1], sequences.train_ends()
    window = np.maximum(begins, train_ends - max_len)
    first = window if protocol == "authors" else np.maximum(window, begins + 1)
    users, ends = ranges(first, train_ends)
    starts = window[users] if protocol == "authors" else np.maximum(begins[users], ends - max_len)
    return Examples(users + 1, starts, ends)


def evaluation_examples(
    sequences: Sequences, split: Split, max_len: int, protocol: str
) -> Examples:
    """Return one example for each interaction of ``split``, history up to ``max_len`` items.

    Under ``standard`` a target without any history is left out.
    """
    ends = np.flatnonzero(sequences.split == SPLITS.index(split))
    users = np.searchsorted(sequences.offsets, ends, side="right") - 1
    begins = sequences.offsets[users]
    keep = np.full(len(ends), True) if protocol == "authors" else ends > begins
    starts = np.maximum(begins, ends - max_len)
    return Examples(users[keep] + 1, starts[keep], ends[keep])


@dataclass(frozen=True)
class Batch:
    """What a model's loss sees."""

    users: Tensor
    """(B,) user indices from 1."""
    histories: Tensor
    """(B, L) item indices, oldest first, padded with 0 on the left."""
    targets: Tensor
    """(B,) item indices."""
    same_target: Tensor | None = None
    """(B, L) other histories that were followed by the same target."""
    places: Tensor | None = None
    """(B,) where the targets stand in the flat array."""

    def seen(self) -> Held:
        """Return the items of each history with its target: no negatives for it."""
        items = torch.cat([self.histories, self.targets[:, None]], dim=1)
        return Held(items, torch.arange(len(items), device=items.device))

    @property
    def heads(self) -> Tensor:
        """(B,) the items that are followed by a target, 0 where a history is empty."""
        return self.histories[:, -1]

    def part(self, which: int, parts: int) -> Batch:
        """Return one of so many parts: every so many rows by length, so that all cost alike."""
        taken = (self.histories != 0).sum(dim=1).argsort(stable=True)[which::parts]
        same, places = (
            None if each is None else each[taken] for each in (self.same_target, self.places)
        )
        return Batch(self.users[taken], self.histories[taken], self.targets[taken], same, places)

    def count_targets(self) -> Tensor:
        """Return how many targets there are, a scalar."""
        return torch.tensor(len(self.targets), device=self.targets.device)

    def holds_any(self) -> bool:
        """Return whether there is a target."""
        return len(self.targets) > 0


class Partners(Protocol):
    """Draws other examples with the same targets."""

    def draw(self, rows: Tensor) -> Tensor:
        """Return (B,) partners of (B,) examples."""


class Batches:
    """Gathers batches of examples on a device.

    Args:
        sequences: the data.
        examples: which targets.
        max_len: L.
        device: where the arrays live and the batches are made.
        same_targets: which examples share their target, if the model wants one of them too.
    """

    def __init__(
        self,
        sequences: Sequences,
        examples: Examples,
        max_len: int,
        device: torch.device,
        same_targets: Partners | None = None,
    ) -> None:
        self.same_targets = same_targets
        self.items = torch.from_numpy(sequences.items).to(device).long()
        self.users = torch.from_numpy(examples.users).to(device)
        self.starts = torch.from_numpy(examples.starts).to(device)
        self.ends = torch.from_numpy(examples.ends).to(device)
        self.back = torch.arange(-max_len, 0, device=device)

    def __len__(self) -> int:
        return len(self.ends)

    def shuffled(self, generator: torch.Generator | None = None) -> Tensor:
        """Return the examples in a random order; None: drawn from torch's global generator."""
        return torch.randperm(len(self), generator=generator).to(self.back.device)

    def gather(self, rows: Tensor | slice, width: int | None = None) -> Batch:
        """Return the examples ``rows`` as one batch, its histories ``width`` columns wide."""
        others = None
        if self.same_targets is not None and isinstance(rows, Tensor):
            others = self.histories(self.same_targets.draw(rows), width)
        return Batch(
            users=self.users[rows],
            histories=self.histories(rows, width),
            targets=self.targets(rows),
            same_target=others,
            places=self.ends[rows],
        )

    def targets(self, rows: Tensor | slice) -> Tensor:
        """Return (B,) the items that the examples ``rows`` are about."""
        return self.items[self.ends[rows]]

    def histories(self, rows: Tensor | slice, width: int | None = None) -> Tensor:
        """Return (B, width) the histories of the examples ``rows``, padded on the left."""
        positions = self.ends[rows][:, None] + (self.back if width is None else self.back[-width:])
        outside = positions < self.starts[rows][:, None]
        return self.items[positions.clamp(min=0)].masked_fill(outside, 0)
