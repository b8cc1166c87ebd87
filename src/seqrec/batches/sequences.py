"""Every user's interactions as flat arrays, from which histories are gathered.

Shapes: N interactions, U users.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.errors import SeqrecError

Split = Literal["train", "valid", "test"]
SPLITS: tuple[Split, ...] = ("train", "valid", "test")
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Sequences:
    """Every user's interactions, oldest first, one user after the other."""

    items: npt.NDArray[np.int32]
    """(N,) item indices from 1."""
    offsets: Integers
    """(U + 1,) where a user's interactions begin; user u (from 1) begins at offsets[u - 1]."""
    split: npt.NDArray[np.int8]
    """(N,) index into SPLITS."""
    num_items: int

    @classmethod
    def from_table(cls, table: pa.Table, num_items: int | None = None) -> Sequences:
        """Read the ``sequences`` table (user_index, position, item_index, split)."""
        users = table["user_index"].to_numpy()
        order = np.lexsort((table["position"].to_numpy(), users))
        if len(order) == 0:
            raise SeqrecError("the sequences table is empty; rerun the pipeline 'sequences'")
        items = table["item_index"].to_numpy()[order].astype(np.int32)
        counts = np.bincount(users, minlength=int(users.max()) + 1)[1:]
        split = pc.index_in(table["split"].combine_chunks(), pa.array(SPLITS)).to_numpy()
        return cls(
            items=items,
            offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            split=split[order].astype(np.int8),
            num_items=int(items.max()) if num_items is None else num_items,
        )

    @property
    def num_users(self) -> int:
        """U."""
        return len(self.offsets) - 1

    def all_for_training(self) -> Sequences:
        """Return the same interactions, nothing kept for validation or test."""
        return replace(self, split=np.zeros_like(self.split))

    def without_last(self, count: int) -> Sequences:
        """Return the same interactions, the last ``count`` of everybody's training held back."""
        after = np.repeat(self.train_ends(), np.diff(self.offsets)) - np.arange(len(self.items))
        held_back = (self.split == 0) & (after <= count)
        return replace(self, split=np.where(held_back, 1, self.split).astype(np.int8))

    def train_ends(self) -> Integers:
        """(U,) one past each user's last training interaction, in the flat array."""
        is_train = np.concatenate([[0], np.cumsum(self.split == 0)])
        return self.offsets[:-1] + np.diff(is_train[self.offsets])

    def item_counts(self) -> Integers:
        """(items + 1,) training interactions an item; zero means a cold item."""
        return np.bincount(self.items[self.split == 0], minlength=self.num_items + 1)

    def fingerprint(self) -> str:
        """A hash of the content: equal data, equal fingerprint."""
        digest = hashlib.sha256(str(self.num_items).encode())
        for array in (self.items, self.offsets, self.split):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def distinct(values: Integers) -> Integers:
    """Return the different values in order; sorting takes a tenth of numpy's hash table's time."""
    ordered = np.sort(values)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


def ranges(first: Integers, stop: Integers) -> tuple[Integers, Integers]:
    """Expand [first, stop) a row into (row, value) pairs, in order."""
    counts = np.maximum(stop - first, 0)
    rows = np.repeat(np.arange(len(first)), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return rows, first[rows] + within
