"""Leaving one out: what the log says at a moment of training, the user's own part taken off it.

The tables are counted over the training part, in which the user's next items stand too: read as
they are, they would tell the answer. For each item that the user still has to come, what the user
added to the tables is subtracted, as if the log had never held this user.

Notable: a user's own pairs are few, and known: they are counted anew and taken off at the columns
of the own items alone; all other columns hold nothing of the user's. A pair that the tables do not
keep is not taken off. What is left of a subtraction below 1e-4 of what was taken off is exactly 0,
else rounding would mark own items.

Shapes: n training items of a user, s of them looked at, m different items among these, T moments,
C channels, M columns (items that any of their rows holds), K entries of a list.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from seqrec.batches import Integers
from seqrec.evidence.channels import CHANNELS, REACH
from seqrec.evidence.evidence_lists import (
    Evidence,
    told_of_entries,
    told_of_moments,
)
from seqrec.evidence.pair_tables import GAMMA, KINDS, TARGET_EXPONENTS, WINDOW, Tables

Floats = npt.NDArray[np.float32]
ROUNDING = 1e-4
"""Share of what was taken off below which what is left is nothing."""
LEAST_DEGREE = 0.5
"""Of an item without this user, where nothing else is left to divide by."""


class OwnPairs(NamedTuple):
    """What one user added to the tables, among m different items."""

    counts: npt.NDArray[np.float64]
    """(4, m, m), by kind."""
    degrees: npt.NDArray[np.float64]
    """(4, m) what was added to the degree that a column is divided by, by kind."""
    popularity: npt.NDArray[np.float64]
    """(m,) interactions."""


class LeavingOut:
    """Lists at training moments.

    Args:
        tables: on the CPU, filled.
        scales: (C,) what a channel's largest value is on average.
        length: K.
    """

    def __init__(self, tables: Tables, scales: torch.Tensor, length: int) -> None:
        self.size, self.length = tables.size, min(length, tables.size - 1)
        self.users, self.mean = tables.users, tables.mean_popularity
        self.scales = scales.numpy()[:, None, None]
        self.offsets, self.columns = tables.offsets.numpy(), tables.columns.numpy()
        self.values, self.sources = tables.values.numpy(), tables.sources.numpy()
        self.divisors, self.degrees = tables.divisors.numpy(), tables.degrees.numpy()
        self.place = np.zeros(tables.size, np.int64)
        self.decays = [_decays(channel.decay, channel.reach) for channel in CHANNELS]

    def at(self, items: Integers, first: int, stop: int) -> Evidence:
        """Return the lists before the targets at the places from ``first`` to before ``stop``.

        Args:
            items: (n,) one user's training items, oldest first.
            first: from 1 on: the moment is that of the item before.
            stop: n at most.

        Returns:
            ``stop - first`` lists.
        """
        begin = max(0, first - REACH)
        moments = np.arange(first - 1, stop - 1) - begin
        different, which = np.unique(items[begin:], return_inverse=True)
        own = own_pairs(items, different)
        columns, rows = self._rows(different)
        at_own = self.place[different]
        own = own._replace(counts=own.counts * (rows[:, :, at_own] > 0))
        values, off = self._sums(different, which, moments, rows, own)
        values /= self._divisors(columns)
        values[:, :, at_own] = self._without_own(off, different, own)
        values[:, :, at_own] *= _still_to_come(which, moments, len(different))
        if begin:
            values[:, :, np.isin(columns, items[:begin])] = 0
        values /= self.scales
        counts = self.degrees[3][columns].astype(np.float64)
        counts[at_own] = np.maximum(counts[at_own] - own.popularity, 0)
        return self._listed(items, first, stop, columns, values, counts)

    def _rows(self, different: Integers) -> tuple[Integers, Floats]:
        """Return (M,) columns, and (4, m, M) the rows of the items in them."""
        begins, ends = self.offsets[different], self.offsets[different + 1]
        entries = np.concatenate([np.arange(b, e) for b, e in zip(begins, ends, strict=True)])
        row = np.repeat(np.arange(len(different)), ends - begins)
        at = self.columns[entries]
        held = np.zeros(self.size, bool)
        held[at] = held[different] = True
        columns = np.flatnonzero(held)
        self.place[columns] = np.arange(len(columns))
        rows = np.zeros((len(KINDS), len(different), len(columns)), np.float32)
        rows[:, row, self.place[at]] = self.values[:, entries]
        return columns, rows

    def _sums(
        self,
        different: Integers,
        which: Integers,
        moments: Integers,
        rows: Floats,
        own: OwnPairs,
    ) -> tuple[Floats, tuple[Floats, Floats]]:
        """Return (C, T, M) sums, and (C, T, m) at own items: the same, and the user's part."""
        back = moments[:, None] - np.arange(len(which))
        is_item = np.zeros((len(which), len(different)), np.float32)
        is_item[np.arange(len(which)), which] = 1
        at_own = self.place[different]
        sums = np.empty((len(CHANNELS), len(moments), rows.shape[2]), np.float32)
        off = np.empty((len(CHANNELS), len(moments), len(different)), np.float32)
        for number, channel in enumerate(CHANNELS):
            weights = self.decays[number][np.clip(back, -1, channel.reach)] @ is_item
            weights *= self.sources[channel.kind][different]
            sums[number] = weights @ rows[channel.kind]
            off[number] = weights @ own.counts[channel.kind].astype(np.float32)
        return sums, (sums[:, :, at_own], off)

    def _divisors(self, columns: Integers) -> Floats:
        """Return (C, 1, M)."""
        divisors: Floats = self.divisors[[channel.kind for channel in CHANNELS]][:, None, columns]
        return divisors

    def _without_own(
        self, sums: tuple[Floats, Floats], different: Integers, own: OwnPairs
    ) -> Floats:
        """Return (C, T, m) what is left at the user's own items."""
        whole, off = sums
        left = whole - off
        left[left < ROUNDING * off + 1e-7] = 0
        degrees = np.stack([self._target_degrees(kind)[different] for kind in range(len(KINDS))])
        degrees = np.maximum(degrees - own.degrees, LEAST_DEGREE)
        divisors = degrees ** np.array(TARGET_EXPONENTS)[:, None]
        kinds = [channel.kind for channel in CHANNELS]
        result: Floats = left / divisors[kinds][:, None].astype(np.float32)
        return result

    def _target_degrees(self, kind: int) -> Floats:
        out, into, users, _ = self.degrees
        found: Floats = (into, into, out, users)[kind]
        return found

    def _listed(
        self,
        items: Integers,
        first: int,
        stop: int,
        columns: Integers,
        values: Floats,
        counts: npt.NDArray[np.float64],
    ) -> Evidence:
        """Return the strongest columns of each moment."""
        score = torch.from_numpy(values.sum(axis=0))
        length = min(self.length, len(columns))
        best, places = score.topk(length, dim=1)
        listed = best > 0
        every = torch.from_numpy(values)
        features = torch.stack([value.gather(1, places) for value in every], dim=2)
        told = told_of_entries(features, torch.from_numpy(counts).float()[places], self.mean)
        ages = torch.arange(first, stop)
        last = torch.from_numpy(items[first - 1 : stop - 1])
        moments = told_of_moments(
            ages, self.users[last], (score > 0).sum(dim=1), every.amax(dim=2).T
        )
        found = torch.from_numpy(columns)[places] * listed
        return Evidence(found, told * listed[:, :, None], moments)


def own_pairs(items: Integers, different: Integers) -> OwnPairs:
    """Count what one user added to the tables.

    Args:
        items: (n,) the user's training items, oldest first.
        different: (m,) the items between which pairs are counted, sorted.
    """
    size = len(different)
    place = np.searchsorted(different, items).clip(max=size - 1)
    place = np.where(different[place] == items, place, size)  # beyond: an item not looked at
    tables = np.zeros((2, size + 1, size + 1))
    for distance in range(1, min(WINDOW, len(items) - 1) + 1):
        weight = GAMMA ** (distance - 1)
        pairs = (place[:-distance], place[distance:])
        np.add.at(tables[1], pairs, weight)
        if distance == 1:
            np.add.at(tables[0], pairs, 1.0)
    next_one, after = tables
    inner = np.s_[:size, :size]
    together = 1 - np.eye(size)
    counts = np.stack([next_one[inner], after[inner], after.T[inner], together])
    into, out = after.sum(axis=0)[:size], after.sum(axis=1)[:size]
    return OwnPairs(
        counts,
        np.stack([into, into, out, np.ones(size)]),
        np.bincount(place, minlength=size + 1)[:size].astype(np.float64),
    )


def _decays(decay: float, reach: int) -> Floats:
    """Return (reach + 2,) weights by age; the last two, ages ``reach`` and -1, weigh nothing."""
    return np.array([decay**age for age in range(reach)] + [0.0, 0.0], np.float32)


def _still_to_come(which: Integers, moments: Integers, size: int) -> npt.NDArray[np.bool_]:
    """Return (T, m) whether an item is not in the history at a moment."""
    first = np.full(size, len(which))
    np.minimum.at(first, which, np.arange(len(which)))
    result: npt.NDArray[np.bool_] = first[None, :] > moments[:, None]
    return result
