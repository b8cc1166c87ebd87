"""Lists at all moments of training: kept in a file, or made anew at every step.

Before nearly all targets the evidence is that of the whole training part without the user. Where a
list is made for somebody later on, it is older: nothing of the last days is counted. So before the
last few targets of everybody it is that of the training part without anybody's last few items.

Notable: a list takes 18 bytes an entry. Where all of them fit into what is allowed they are made
once, into a temporary file that is mapped into memory and has no name any more, so that nothing of
it stays behind; where they do not, those of a step are made in the step.

Shapes: N moments asked for, R moments in all, K entries of a list.
"""

from __future__ import annotations

import logging
import os
import time
from tempfile import TemporaryFile, gettempdir

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seqrec.batches import Integers, Sequences
from seqrec.errors import SeqrecError
from seqrec.evidence.evidence_lists import (
    FEATURES,
    MOMENTS,
    Evidence,
    evidence_after,
    largest_values,
)
from seqrec.evidence.leaving_out import LeavingOut
from seqrec.evidence.pair_tables import Tables, count_pairs

log = logging.getLogger(__name__)

LONGEST = 4096
"""Items of a history that are looked at, in any case."""
BYTES = 4 + 2 * FEATURES
"""Of an entry in the file."""
ROWS_AT_ONCE = 64
MOST_HISTORIES = 50_000
"""Whose largest values are looked at."""


class TrainingLists:
    """Evidence before training targets, each user's own part taken off it.

    Args:
        tables: on the CPU, counted from the sequences.
        scales: (C,) what a channel's largest value is on average.
        sequences: the data.
        max_len: how many of a user's last training items are targets.
        length: K.
        most_bytes: what the file of lists may take.
        stale: before how many last targets of a user the evidence is older.
    """

    def __init__(
        self,
        tables: Tables,
        scales: Tensor,
        sequences: Sequences,
        max_len: int,
        length: int,
        most_bytes: float,
        stale: int = 0,
    ) -> None:
        self.stale, self.scales = stale, scales
        self.earlier = Tables(sequences.num_items)
        if stale:
            self.earlier.fill(count_pairs(sequences.without_last(stale), neighbours_of(tables)))
        self.leaving_out = LeavingOut(tables, scales, length)
        self.length = self.leaving_out.length
        self.items = sequences.items.astype(np.int64)
        self.begins, self.ends = sequences.offsets[:-1], sequences.train_ends()
        self.first = np.minimum(np.maximum(self.begins + 1, self.ends - max_len), self.ends)
        counts = np.maximum(self.ends - self.first, 0)
        self.rows = np.concatenate([[0], np.cumsum(counts)])
        self.offsets = sequences.offsets
        self.stored: tuple[npt.NDArray[np.generic], ...] | None = None
        if len(self) * self.length * BYTES <= most_bytes:
            self._store()
            del self.leaving_out, self.earlier  # a second set of tables, as large as the first

    def __len__(self) -> int:
        return int(self.rows[-1])

    def at(self, places: Integers) -> Evidence:
        """Return the lists before targets at (N,) places in the flat array, on the CPU.

        A place that is no target of training, as one without a history, has an empty list.
        """
        users = np.searchsorted(self.offsets, places, side="right") - 1
        rows = self.rows[users] + places - self.first[users]
        known = (places >= self.first[users]) & (places < self.ends[users])
        if self.stored is None:
            return self._made(users, places, known)
        columns, features, moments = (array[np.where(known, rows, 0)] for array in self.stored)
        evidence = Evidence(
            torch.from_numpy(columns).long(),
            torch.from_numpy(features).float(),
            torch.from_numpy(moments),
        )
        return evidence if known.all() else _emptied(evidence, torch.from_numpy(~known))

    def _made(self, users: Integers, places: Integers, known: npt.NDArray[np.bool_]) -> Evidence:
        """Make the lists that are asked for."""
        columns = np.zeros((len(places), self.length), np.int64)
        features = np.zeros((len(places), self.length, FEATURES), np.float32)
        moments = np.zeros((len(places), MOMENTS), np.float32)
        stale = known & self._is_stale(users, places)
        for rows in _in_parts(np.flatnonzero(stale)):
            columns[rows], features[rows], moments[rows] = self._earlier(users[rows], places[rows])
        order = np.flatnonzero(known & ~stale)
        order = order[np.argsort(users[order], kind="stable")]
        for own in np.split(order, np.flatnonzero(np.diff(users[order])) + 1):
            if not len(own):
                continue
            first, last = int(places[own].min()), int(places[own].max())
            evidence, length = self._of_user(int(users[own[0]]), first, last + 1)
            which = places[own] - first
            columns[own, :length] = evidence.columns.numpy()[which]
            features[own, :length] = evidence.features.numpy()[which]
            moments[own] = evidence.moments.numpy()[which]
        return Evidence(*(torch.from_numpy(each) for each in (columns, features, moments)))

    def _of_user(self, user: int, first: int, stop: int) -> tuple[Evidence, int]:
        """Return a user's lists before places from ``first`` on, and how long they are."""
        begin = int(self.begins[user])
        items = self.items[begin : self.ends[user]]
        evidence = self.leaving_out.at(items, first - begin, stop - begin)
        return evidence, evidence.columns.shape[1]

    def _store(self) -> None:
        """Make all lists, into a file."""
        started = time.perf_counter()
        shapes = ((np.int32, (self.length,)), (np.float16, (self.length, FEATURES)))
        columns, features, moments = self.stored = tuple(
            _mapped(dtype, (len(self), *shape))
            for dtype, shape in (*shapes, (np.float32, (MOMENTS,)))
        )
        for user in np.flatnonzero(self.ends > self.first):
            rows = slice(self.rows[user], self.rows[user + 1])
            evidence, length = self._of_user(int(user), int(self.first[user]), int(self.ends[user]))
            columns[rows, :length] = evidence.columns.numpy()
            features[rows, :length] = evidence.features.numpy()
            moments[rows] = evidence.moments.numpy()
        self._store_earlier(columns, features, moments)
        log.info(
            "evidence before %s targets made in %.0f s, %s MB in a file",
            f"{len(self):,}",
            time.perf_counter() - started,
            f"{len(self) * self.length * BYTES / 1e6:,.0f}",
        )

    def _is_stale(self, users: Integers, places: Integers) -> npt.NDArray[np.bool_]:
        stale: npt.NDArray[np.bool_] = self.ends[users] - places <= self.stale
        return stale

    def _store_earlier(self, *stored: npt.NDArray[np.generic]) -> None:
        """Put the older evidence in the place of the other."""
        for back in range(1, self.stale + 1):
            users = np.flatnonzero(self.ends - back >= self.first)
            order = np.argsort(self.ends[users] - self.begins[users], kind="stable")
            for own in _in_parts(users[order]):
                places = self.ends[own] - back
                rows = self.rows[own] + places - self.first[own]
                for array, made in zip(stored, self._earlier(own, places), strict=True):
                    array[rows] = made

    def _earlier(self, users: Integers, places: Integers) -> tuple[npt.NDArray[np.generic], ...]:
        """Return the lists of older evidence before places, as arrays."""
        lengths = np.minimum(places - self.begins[users], LONGEST)
        back = np.arange(-int(lengths.max()), 0)
        histories = self.items[(places[:, None] + back).clip(min=0)]
        histories = torch.from_numpy(histories * (back >= -lengths[:, None]))
        evidence = evidence_after(self.earlier, histories, self.scales, self.length)
        return tuple(each.numpy() for each in evidence)


def neighbours_of(tables: Tables) -> int:
    """Return how many neighbours an item of these tables has at most."""
    return max(1, int(tables.offsets.diff().max()))


def _in_parts(rows: Integers) -> list[Integers]:
    """Return the rows, so many at a time as are summed together."""
    return [rows[first : first + ROWS_AT_ONCE] for first in range(0, len(rows), ROWS_AT_ONCE)]


def mean_largest(tables: Tables, sequences: Sequences) -> Tensor:
    """Return (C,) the largest value of each channel, on average over whole training histories.

    Of very many users so many, evenly chosen, are looked at.
    """
    ends = sequences.train_ends()
    lengths = np.minimum(ends - sequences.offsets[:-1], LONGEST)
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    if len(order) > MOST_HISTORIES:
        order = order[np.linspace(0, len(order) - 1, MOST_HISTORIES).astype(int)]
    total, count, rows = torch.zeros(0), 0, ROWS_AT_ONCE
    for first in range(0, len(order), rows):
        users = order[first : first + rows]
        width = int(lengths[users].max())
        back = np.arange(-width, 0)
        places = ends[users, None] + back
        histories = sequences.items[places.clip(min=0)] * (back >= -lengths[users, None])
        largest = largest_values(tables, torch.from_numpy(histories).long()).sum(dim=1)
        total, count = total + largest.double() if count else largest.double(), count + len(users)
    return (total / max(count, 1)).float().clamp(min=1e-9)


def _mapped(dtype: npt.DTypeLike, shape: tuple[int, ...]) -> npt.NDArray[np.generic]:
    """Return an array of zeros in a file that is gone when nobody uses it any more.

    Raises:
        SeqrecError: there is no room for it; found out now, for a page that cannot be written later
            ends the process.
    """
    size = max(1, int(np.prod(shape)) * np.dtype(dtype).itemsize)
    try:
        with TemporaryFile() as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            file.truncate(size)
            return np.memmap(file, dtype, "r+", shape=shape)
    except OSError as error:
        raise SeqrecError(
            f"no room for {size / 1e6:,.0f} MB of evidence in {gettempdir()}: {error.strerror}; "
            "free some, let TMPDIR name another folder, or lower model_options.stored_gigabytes"
        ) from None


def _emptied(evidence: Evidence, which: Tensor) -> Evidence:
    """Return the evidence, nothing where there is none."""
    for tensor in evidence:
        tensor[which] = 0
    return evidence
