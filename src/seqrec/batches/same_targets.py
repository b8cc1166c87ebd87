"""Training examples with the same target, for contrastive losses (DuoRec, section 4.3).

Two histories followed by the same item are taken to mean the same. The index is one sort of all
examples by target and content; drawing a partner takes one random number an example.

Shapes: E examples, B examples in a batch.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seqrec.batches import Examples, Integers, Sequences

Words = npt.NDArray[np.uint64]
_FACTOR = 0x9E3779B97F4A7C15  # odd, hence with an inverse


class SameTargets:
    """Draws, for an example, another with the same target and a different history.

    An example whose target never follows another history is its own partner.

    Args:
        sequences: the data.
        examples: all training examples.
        device: where rows come from and partners go.
    """

    def __init__(self, sequences: Sequences, examples: Examples, device: torch.device) -> None:
        targets = sequences.items[examples.ends]
        contents = _contents(sequences, examples)
        order = np.lexsort((contents, targets))
        targets, contents = targets[order], contents[order]
        new_target = targets[1:] != targets[:-1]
        new_content = new_target | (contents[1:] != contents[:-1])
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        runs = (run[place] for run in (*_runs(new_target), *_runs(new_content)))
        self.order, self.first, self.stop, self.like_first, self.like_stop = (
            torch.from_numpy(column).to(device) for column in (order, *runs)
        )

    def draw(self, rows: Tensor) -> Tensor:
        """Return (B,) partners of (B,) examples."""
        first, like_first, like_stop = (
            part[rows] for part in (self.first, self.like_first, self.like_stop)
        )
        alike = like_stop - like_first
        others = self.stop[rows] - first - alike
        kind = torch.float32 if rows.device.type == "mps" else torch.float64
        draws = torch.rand(len(rows), dtype=kind, device=rows.device)
        chosen = first + (draws * others).long()
        chosen = torch.where(chosen >= like_first, chosen + alike, chosen)
        return torch.where(others > 0, self.order[chosen.clamp(max=len(self.order) - 1)], rows)


def _runs(changes: npt.NDArray[np.bool_]) -> tuple[Integers, Integers]:
    """Return, for each element, where its run begins and ends; ``changes`` are between them."""
    run = np.concatenate([[0], np.cumsum(changes)])
    begins = np.concatenate([[0], np.flatnonzero(changes) + 1, [len(run)]])
    return begins[run], begins[run + 1]


def _contents(sequences: Sequences, examples: Examples) -> Words:
    """Return (E,) a 64-bit number for the items of each history, in time linear in the items.

    Sums of item codes times powers of an odd number, modulo 2^64: a history's sum is a difference
    of two running sums, moved to the origin by the inverse power.
    """
    length = len(sequences.items)
    codes = np.random.default_rng(0).integers(0, 2**64, sequences.num_items + 1, dtype=np.uint64)
    sums = np.zeros(length + 1, dtype=np.uint64)
    np.cumsum(codes[sequences.items] * _powers(_FACTOR, length), out=sums[1:])
    back = _powers(pow(_FACTOR, -1, 2**64), length + 1)
    contents: Words = (sums[examples.ends] - sums[examples.starts]) * back[examples.starts]
    return contents


def _powers(factor: int, count: int) -> Words:
    """Return 1, factor, factor squared, …, modulo 2^64."""
    factors = np.full(count, factor, dtype=np.uint64)
    factors[:1] = 1
    return np.cumprod(factors)
