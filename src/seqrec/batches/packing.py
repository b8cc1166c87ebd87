"""Training sequences, or histories, packed side by side, so that a batch is hardly padded.

A causal model learns from every position of a sequence at once. Left padded to max_len, nine of
ten positions of a batch of short histories are padding; here several users share a row, and
a mask keeps them apart. The layout is made on the CPU from lengths alone, a third of a
millisecond for 256 users; the items are gathered on the device.

Shapes: B segments (users or histories) in a batch, R rows, W positions in a row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from seqrec.batches import Examples, Integers, Sequences
from seqrec.batches.same_targets import SameTargets
from seqrec.losses import Held

ROWS_TOGETHER = 8
"""On an accelerator the rows of a batch are filled up to a multiple, for few different shapes."""


@dataclass(frozen=True)
class PackedRows:
    """Inputs of several segments in a row; 0 where a row has space left."""

    histories: Tensor
    """(R, W) item indices."""
    positions: Tensor
    """(R, W) where in its history an input stands, as if padded on the left: the last is
    max_len - 1."""
    segments: Tensor
    """(R, W) which inputs belong together; -1 in space left over."""

    def block_mask(self, *, causal: bool = True) -> Tensor:
        """Return (R, W, W): whether a position may look at another of its segment.

        Args:
            causal: it may look at itself and those before it only. A segment that stands for an
                empty history, of zeros alone, sees all of itself.
        """
        same = self.segments[:, :, None] == self.segments[:, None, :]
        if not causal:
            return same
        empty = (self.histories == 0) & (self.segments >= 0)
        return same & (_at_or_before(self.histories) | empty[:, :, None])


def _at_or_before(rows: Tensor) -> Tensor:
    """Return (W, W), true where the column is not after the row."""
    width = rows.shape[1]
    return torch.ones(width, width, dtype=torch.bool, device=rows.device).tril()


@dataclass(frozen=True)
class PackedBatch(PackedRows):
    """Whole sequences and the next item at each of their positions."""

    targets: Tensor
    """(R, W) the item after each."""
    count: int
    """B."""
    places: Tensor
    """(R, W) where the targets stand in the flat array, -1 for none; on the host."""
    masked: Tensor | None = None
    """(R, W) which items are to be found again, where that was drawn already."""
    all_targets: Tensor | None = None
    """(R, W) the item after each, where ``targets`` are a share of them."""

    @property
    def heads(self) -> Tensor:
        """(R W,) all inputs: items that are followed by another, unless they are their own targets;
        0 where there is none, or where what follows is not learned from."""
        return (self.histories * (self.targets != 0)).flatten()

    def sampled(self, share: float, generator: torch.Generator | None = None) -> PackedBatch:
        """Return the batch with a share of its targets, at least one of them.

        Args:
            share: that each target is kept by.
            generator: of the draws; None: torch's global one.
        """
        draws, has_target = torch.rand(self.targets.shape, generator=generator), self.places >= 0
        kept = draws < share
        if not (kept & has_target).any():  # asked on the host
            kept = draws == draws[has_target].min()
        targets = self.targets * kept.to(self.targets.device, non_blocking=True)
        places = torch.where(kept, self.places, -1)
        return replace(self, targets=targets, places=places, all_targets=self.targets)

    def part(self, which: int, parts: int) -> PackedBatch:
        """Return one of so many parts: every so many rows; the others' users are empty in it."""
        taken: dict[str, Any] = {
            name: each[which::parts]
            for name, each in vars(self).items()
            if isinstance(each, Tensor)
        }
        return replace(self, **taken)

    def count_targets(self) -> Tensor:
        """Return how many targets there are, a scalar; masked ones alone, where that was drawn."""
        there = self.targets != 0
        return (there if self.masked is None else self.masked & there).sum()

    def holds_any(self) -> bool:
        """Return whether there is a target, masked or not; asked on the host."""
        return bool((self.places >= 0).any())

    def windows(self) -> Tensor:
        """Return (B, W + 1): each user's inputs and last target, learned from or not.

        They are padded on the left.
        """
        width = self.histories.shape[1]
        space = self.histories.new_zeros(self.count + 1, width + 1)
        rows = torch.where(self.segments < 0, self.count, self.segments)
        # rows of their own may be narrower than max_len: the last position is the last column
        columns = (self.positions - self.positions.max() + width - 1).clamp(min=0)
        space[rows, columns] = self.histories
        space[rows, columns + 1] = self.targets if self.all_targets is None else self.all_targets
        return space[: self.count]

    def seen(self) -> Held:
        """Return the items of each user's sequence: no negatives at any of its positions."""
        return Held(self.windows(), self.segments.flatten().clamp(min=0))


@dataclass(frozen=True)
class PackedHistories(PackedRows):
    """Histories of one target each."""

    last: Tensor
    """(B,) where in the flattened rows the last position of each history is."""
    users: Tensor
    """(B,) user indices from 1."""
    targets: Tensor
    """(B,) item indices."""
    same_target: PackedHistories | None = None
    """Other histories that were followed by the same targets."""
    places: Tensor | None = None
    """(B,) where the targets stand in the flat array; on the host."""

    @property
    def heads(self) -> Tensor:
        """(B,) the items that are followed by a target, 0 where a history is empty."""
        return self.histories.flatten()[self.last]

    def part(self, which: int, parts: int) -> PackedHistories:
        """Return one of so many parts: every so many rows, with the histories in them."""
        assert self.same_target is None, "partners lie in rows of their own"
        width = self.histories.shape[1]
        row, column = self.last.div(width, rounding_mode="floor"), self.last % width
        mine = (row % parts == which).nonzero().squeeze(1)
        taken = slice(which, None, parts)
        number = torch.full((len(self.last) + 1,), -1, device=row.device)
        number[mine] = torch.arange(len(mine), device=row.device)
        return PackedHistories(
            histories=self.histories[taken],
            positions=self.positions[taken],
            segments=number[self.segments[taken]],
            last=row[mine].div(parts, rounding_mode="floor") * width + column[mine],
            users=self.users[mine],
            targets=self.targets[mine],
            places=None if self.places is None else self.places[mine.cpu()],
        )

    def count_targets(self) -> Tensor:
        """Return how many targets there are, a scalar."""
        return torch.tensor(len(self.last), device=self.last.device)

    def holds_any(self) -> bool:
        """Return whether there is a target."""
        return len(self.last) > 0

    def seen(self) -> Held:
        """Return the items of each history with its target: no negatives for it."""
        count, width = len(self.last), self.histories.shape[1]
        space = self.histories.new_zeros(count + 1, width + 1)
        rows = torch.where(self.segments < 0, count, self.segments)
        space[rows, self.positions] = self.histories
        space[:count, width] = self.targets
        return Held(space[:count], torch.arange(count, device=space.device))


class Layout(NamedTuple):
    """Where everything goes in R rows of W positions."""

    on_host: Tensor
    """(3, R, W): place in the flat array (-1: nothing), position, segment (-1: none)."""
    source: Tensor
    """(R, W) the places, on the device, like all that follows."""
    positions: Tensor
    segments: Tensor
    last: Tensor
    """(B,) the last position of each segment in the flattened rows."""


class Packer:
    """Lays segments of the flat array side by side into rows.

    Args:
        sequences: the data.
        max_len: W, and the longest segment.
        device: where the items live and the batches are made.
        apart: every segment has a row of its own, at its right end. A row is then no longer than
            the longest segment (on an accelerator always max_len, for few different shapes).
    """

    def __init__(
        self, sequences: Sequences, max_len: int, device: torch.device, *, apart: bool = False
    ) -> None:
        self.items = torch.from_numpy(sequences.items).to(device).long()
        self.max_len, self.device, self.apart = max_len, device, apart

    def layout(self, starts: Integers, lengths: Integers) -> Layout:
        """Say where everything goes.

        Args:
            starts: (B,) where the segments begin in the flat array.
            lengths: (B,); one of length 0 takes a whole row of nothing.
        """
        widths = np.where(lengths == 0, self.max_len, lengths)
        width = self.max_len
        if self.apart:
            width = int(widths.max()) if self.device.type == "cpu" else width
            rows, columns = np.arange(len(widths)), width - widths
        else:
            rows, columns = pack(widths, width)
        count = int(rows.max()) + 1
        if self.device.type != "cpu" and not self.apart:
            count = -(-count // ROWS_TOGETHER) * ROWS_TOGETHER
        begins = rows * width + columns
        segment = np.repeat(np.arange(len(widths)), widths)
        within = np.arange(len(segment)) - np.repeat(np.cumsum(widths) - widths, widths)
        layout = np.empty((3, count * width), dtype=np.int64)
        layout[:] = [[-1], [0], [-1]]
        where = begins[segment] + within
        layout[0, where] = np.where(lengths[segment] > 0, starts[segment] + within, -1)
        layout[1, where] = self.max_len - widths[segment] + within
        layout[2, where] = segment
        on_host = layout.reshape(3, count, width)
        source, positions, segments = self._moved(on_host)
        last = self._moved(begins + widths - 1)
        return Layout(torch.from_numpy(on_host), source, positions, segments, last)

    def at(self, places: Tensor) -> Tensor:
        """Return the items at places in the flat array, 0 for -1."""
        return self.items[places.clamp(min=0)] * (places >= 0)

    def _moved(self, array: Integers) -> Tensor:
        tensor = torch.from_numpy(array)
        if self.device.type == "cuda":
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor.to(self.device)


class PackedSequences:
    """Gathers whole training sequences, packed.

    Args:
        sequences: the data.
        max_len: longest history.
        protocol: under ``authors`` the window is a user's last max_len training items, so that
            the longest has max_len - 1 inputs; under ``standard`` it has max_len of them.
        device: where the items live and the batches are made.
        apart: every user has a row of its own.
        next_items: a position's target is the item after it, and the last item is no input;
            otherwise every item of the last max_len is an input, and its own target.
    """

    def __init__(
        self,
        sequences: Sequences,
        max_len: int,
        protocol: str,
        device: torch.device,
        *,
        apart: bool = False,
        next_items: bool = True,
    ) -> None:
        begins, ends = sequences.offsets[:-1], sequences.train_ends()
        self.ahead = int(next_items)
        window = max_len if protocol == "authors" else max_len + self.ahead
        starts = np.maximum(begins, ends - window)
        lengths = ends - self.ahead - starts
        has_any = lengths > 0
        self.starts, self.lengths = starts[has_any], lengths[has_any]
        self.packer = Packer(sequences, max_len, device, apart=apart)

    def __len__(self) -> int:
        return len(self.lengths)

    def shuffled(self, generator: torch.Generator | None = None) -> Tensor:
        """Return the users in a random order; None: drawn from torch's global generator."""
        return torch.randperm(len(self), generator=generator)

    def gather(self, users: Tensor) -> PackedBatch:
        """Return these of the users as one batch."""
        chosen = users.numpy()
        layout = self.packer.layout(self.starts[chosen], self.lengths[chosen])
        source, on_host = layout.source, layout.on_host[0]
        after = torch.where(source < 0, -1, source + self.ahead)
        return PackedBatch(
            histories=self.packer.at(source),
            targets=self.packer.at(after),
            positions=layout.positions,
            segments=layout.segments,
            count=len(chosen),
            places=torch.where(on_host < 0, -1, on_host + self.ahead),
        )


class PackedExamples:
    """Gathers the histories of training targets, packed.

    Args:
        sequences: the data.
        examples: the targets.
        max_len: longest history.
        device: where the items live and the batches are made.
        same_targets: which examples share their target, if the model wants one of them too.
    """

    def __init__(
        self,
        sequences: Sequences,
        examples: Examples,
        max_len: int,
        device: torch.device,
        same_targets: SameTargets | None = None,
    ) -> None:
        self.examples, self.same_targets = examples, same_targets
        self.packer = Packer(sequences, max_len, device)

    def __len__(self) -> int:
        return len(self.examples)

    def shuffled(self, generator: torch.Generator | None = None) -> Tensor:
        """Return the examples in a random order; None: drawn from torch's global generator."""
        return torch.randperm(len(self), generator=generator)

    def gather(self, rows: Tensor) -> PackedHistories:
        """Return these of the examples as one batch."""
        others = self.same_targets.draw(rows) if self.same_targets else None
        return self._packed(rows, None if others is None else self._packed(others, None))

    def _packed(self, rows: Tensor, same_target: PackedHistories | None) -> PackedHistories:
        examples = self.examples.take(rows.numpy())
        layout = self.packer.layout(examples.starts, examples.ends - examples.starts)
        device = self.packer.device
        return PackedHistories(
            histories=self.packer.at(layout.source),
            positions=layout.positions,
            segments=layout.segments,
            last=layout.last,
            users=torch.from_numpy(examples.users).to(device, non_blocking=True),
            targets=self.packer.items[
                torch.from_numpy(examples.ends).to(device, non_blocking=True)
            ],
            same_target=same_target,
            places=torch.from_numpy(examples.ends),
        )


def pack(lengths: Integers, width: int) -> tuple[Integers, Integers]:
    """Put segments into rows, longest first, each into the fullest row it fits in.

    Args:
        lengths: (B,) from 1 to ``width``.
        width: W.

    Returns:
        (B,) row and first column of each segment.
    """
    rows, columns = np.empty_like(lengths), np.empty_like(lengths)
    open_rows: list[list[int]] = [[] for _ in range(width + 1)]  # by space left
    count = 0
    for segment in np.argsort(-lengths, kind="stable").tolist():
        length = int(lengths[segment])
        space = next((left for left in range(length, width) if open_rows[left]), width)
        if space == width:
            row, count = count, count + 1
        else:
            row = open_rows[space].pop()
        rows[segment], columns[segment] = row, width - space
        open_rows[space - length].append(row)
    return rows, columns
