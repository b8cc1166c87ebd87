"""Tables: what the training part as a whole says about pairs of items.

For items i and j: how often j directly follows i (next), how often it follows within a window,
gamma^(d - 1) at distance d (after), the same the other way round (before), and how many users have
both (together). One sparse matrix with four numbers an entry, for where two items follow each other
their user has both.

Notable: the pairs of one block of items after the other are counted, so that memory is that of the
pairs that are kept, ``neighbours`` an item at most.

Shapes: V = items + 1 (0 is padding), P pairs, N training interactions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from seqrec.batches import Integers, Sequences, distinct, ranges
from seqrec.evidence.pairs import Floats, Numbers, blocks
from seqrec.evidence.strongest import largest_of_rows

WINDOW, GAMMA = 10, 0.8
"""How far apart two items may be to follow each other, and what a step further weighs."""
KINDS = ("next", "after", "before", "together")
NEXT, AFTER, BEFORE, TOGETHER = range(4)
_DECAY = GAMMA ** np.arange(WINDOW)
WAYS = np.zeros((len(KINDS), 2 * WINDOW + 1))
"""By kind: what it counts if a pair goes together in a way: the second item so many places after
the first, so many before it, or of the same user."""
WAYS[NEXT, 0] = 1
WAYS[AFTER, :WINDOW] = WAYS[BEFORE, WINDOW : 2 * WINDOW] = _DECAY
WAYS[TOGETHER, 2 * WINDOW] = 1
WAY_BITS = (2 * WINDOW).bit_length()
"""That a way takes below the pair in one number."""
SOURCE_EXPONENTS = (0.25, 0.25, 0.25, 0.5)
"""By kind: how much the evidence of an item weighs less the more of it there is."""
TARGET_EXPONENTS = (0.1, 0.1, 0.1, 0.3)
"""By kind: how much popular items are held back."""
SMALLEST = (1e-6, 1e-6, 1e-6, 1.0)
"""By kind: the least degree that is divided by."""
AT_ONCE = 4_000_000
"""Pairs of interactions at a time."""


@dataclass(frozen=True)
class PairCounts:
    """The four tables as one, sorted by the first item, then the second."""

    first: Numbers
    """(P,)."""
    second: Numbers
    """(P,)."""
    values: npt.NDArray[np.float32]
    """(4, P), by kind."""
    degrees: Degrees


@dataclass(frozen=True)
class Degrees:
    """Sums over all pairs, those that are not kept included: (V,) each."""

    out: Floats
    """Of ``after`` over the items that follow."""
    into: Floats
    """Of ``after`` over the items that are followed."""
    users: Floats
    """Different users of an item."""
    popularity: Floats
    """Interactions with an item."""

    def of_sources(self, kind: int) -> Floats:
        """Return what an item's own row is divided by, before the exponent."""
        return (self.out, self.out, self.into, self.users)[kind]

    def of_targets(self, kind: int) -> Floats:
        """Return what an item's column is divided by, before the exponent."""
        return (self.into, self.into, self.out, self.users)[kind]

    def source_weights(self, kind: int) -> Floats:
        """Return (V,) what the row of each item is multiplied by."""
        degree = np.maximum(self.of_sources(kind), SMALLEST[kind])
        weights: Floats = degree ** -SOURCE_EXPONENTS[kind]
        return weights

    def target_divisors(self, kind: int) -> Floats:
        """Return (V,) what each column is divided by."""
        degree = np.maximum(self.of_targets(kind), 1e-6)
        divisors: Floats = degree ** TARGET_EXPONENTS[kind]
        return divisors


class Tables(nn.Module):
    """The tables on the device, as buffers: they lie in the model's folder.

    Args:
        num_items: V - 1.
    """

    offsets: Tensor
    """(V + 1,) where the pairs of an item begin."""
    columns: Tensor
    """(P,) the second items, int32."""
    values: Tensor
    """(4, P) counts, by kind."""
    degrees: Tensor
    """(4, V): out, into, users, popularity."""
    sources: Tensor
    """(4, V) what an item's row is multiplied by, by kind."""
    divisors: Tensor
    """(4, V) what an item's column is divided by, by kind."""

    mean_popularity: Tensor
    """The mean logarithm of the items' popularities, a scalar."""

    def __init__(self, num_items: int) -> None:
        super().__init__()
        self.size = num_items + 1
        self.register_buffer("offsets", torch.zeros(self.size + 1, dtype=torch.long))
        self.register_buffer("columns", torch.zeros(0, dtype=torch.int32))
        self.register_buffer("values", torch.zeros(len(KINDS), 0))
        self.register_buffer("degrees", torch.zeros(4, self.size))
        self.register_buffer("sources", torch.ones(4, self.size), persistent=False)
        self.register_buffer("divisors", torch.ones(4, self.size), persistent=False)
        self._dense: dict[int, Tensor] = {}
        self.register_buffer("mean_popularity", torch.zeros(()), persistent=False)
        self.register_load_state_dict_pre_hook(_take_their_sizes)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_post_hook(_weigh)  # type: ignore[no-untyped-call]

    def fill(self, counts: PairCounts) -> None:
        """Take what was counted."""
        per_row = np.bincount(counts.first, minlength=self.size)
        found = counts.degrees
        degrees = np.stack([found.out, found.into, found.users, found.popularity])
        self.offsets = torch.from_numpy(np.concatenate([[0], np.cumsum(per_row)]))
        self.columns = torch.from_numpy(counts.second)
        self.values = torch.from_numpy(counts.values)
        self.degrees = torch.from_numpy(degrees.astype(np.float32))
        self.weigh()

    def weigh(self) -> None:
        """Work out what rows and columns are divided by."""
        self._dense.clear()
        self.mean_popularity = torch.log1p(self.popularity).mean()
        found = Degrees(*self.degrees.double().cpu().numpy())
        device = self.degrees.device
        for name, of in (("sources", found.source_weights), ("divisors", found.target_divisors)):
            weights = np.stack([of(kind) for kind in range(len(KINDS))])
            setattr(self, name, torch.from_numpy(weights.astype(np.float32)).to(device))

    def dense(self, kind: int) -> Tensor:
        """Return one whole (V, V) table, which is kept."""
        if kind not in self._dense or self._dense[kind].device != self.values.device:
            rows = torch.repeat_interleave(self.offsets.diff())
            table = self.values.new_zeros(self.size, self.size)
            table[rows, self.columns.long()] = self.values[kind]
            self._dense[kind] = table
        return self._dense[kind]

    @property
    def users(self) -> Tensor:
        """(V,) different users of an item."""
        return self.degrees[2]

    @property
    def popularity(self) -> Tensor:
        """(V,) interactions with an item."""
        return self.degrees[3]


def _weigh(module: nn.Module, _: Any) -> None:
    assert isinstance(module, Tables)
    module.weigh()


def _take_their_sizes(module: nn.Module, state: Any, prefix: str, *_: object) -> None:
    """Make room for the pairs that are to be loaded: only the data know how many there are."""
    tensors = [state.get(prefix + name) for name in ("offsets", "columns", "values")]
    if any(tensor is None for tensor in tensors):
        return  # load_state_dict says what is missing
    offsets, columns, values = tensors
    if values.shape[1:] != columns.shape or int(offsets[-1]) != len(columns):
        raise ValueError(f"{prefix}offsets, columns and values do not belong together")
    module.columns, module.values = torch.empty_like(columns), torch.empty_like(values)


class TrainingPart:
    """The training interactions, one user after the other, and where those of an item are.

    Args:
        sequences: the data.
    """

    def __init__(self, sequences: Sequences) -> None:
        self.size = sequences.num_items + 1
        self.users = np.repeat(np.arange(sequences.num_users), np.diff(sequences.offsets))
        in_training = sequences.split == 0
        self.users, self.items = self.users[in_training], sequences.items[in_training].astype(int)
        lengths = np.bincount(self.users, minlength=sequences.num_users)
        self.begins = np.cumsum(lengths) - lengths
        self.lengths = lengths
        self.by_item = np.argsort(self.items, kind="stable")
        self.item_ends = np.cumsum(np.bincount(self.items, minlength=self.size))
        self.different = distinct(self.users * self.size + self.items)
        counts = np.bincount(self.different // self.size, minlength=len(lengths))
        self.has_repeats = counts < lengths
        """(U,) whether a user has an item twice."""

    def __len__(self) -> int:
        return len(self.items)

    def before(self, places: Integers) -> Integers:
        """Return how many interactions of its user lie before each of these."""
        return places - self.begins[self.users[places]]

    def left(self, places: Integers) -> Integers:
        """Return how many of its user lie after each of these."""
        return self.lengths[self.users[places]] - 1 - self.before(places)

    def degrees(self) -> Degrees:
        """Return the sums over all pairs."""
        steps = np.concatenate([[0.0], np.cumsum(_DECAY)])
        every = np.arange(len(self))
        out, into = (
            steps[np.minimum(near, WINDOW)] for near in (self.left(every), self.before(every))
        )
        different = self.different % self.size
        sums = [np.bincount(self.items, each, self.size) for each in (out, into)]
        counts = [np.bincount(which, minlength=self.size) for which in (different, self.items)]
        return Degrees(*(each.astype(np.float64) for each in (*sums, *counts)))

    def occurrences(self, first: int, stop: int) -> Integers:
        """Return where the items from ``first`` to before ``stop`` stand."""
        begin = self.item_ends[first - 1] if first else 0
        return self.by_item[begin : self.item_ends[stop - 1]]


def count_pairs(sequences: Sequences, neighbours: int) -> PairCounts:
    """Count the training part.

    Args:
        sequences: the data.
        neighbours: how many other items to keep an item, those with the strongest evidence.

    Returns:
        The tables. They take time in the users' squared numbers of items.
    """
    part = TrainingPart(sequences)
    degrees = part.degrees()
    strength = Strength(degrees)
    costs = np.bincount(part.items, part.lengths[part.users] + 2 * WINDOW, part.size)
    found: list[tuple[Numbers, Numbers, npt.NDArray[np.float32]]] = []
    for first, stop in blocks(costs.astype(np.int64), AT_ONCE):
        keys, values = _count_block(part, first, stop)
        rows, others = np.divmod(keys, part.size)
        kept = largest_of_rows(rows, strength.of(rows + first, others, values), neighbours)
        one, other = (side[kept].astype(np.int32) for side in (rows + first, others))
        found.append((one, other, values[:, kept].astype(np.float32)))
    one, other = (np.concatenate([block[side] for block in found]) for side in (0, 1))
    return PairCounts(one, other, np.concatenate([block[2] for block in found], axis=1), degrees)


def _count_block(part: TrainingPart, first: int, stop: int) -> tuple[Integers, Floats]:
    """Return the pairs whose first item is in a block, as keys within it, and (4, P) values."""
    found = [keys << WAY_BITS | way for way, keys in _ways(part, first, stop)]
    entries = np.concatenate(found)
    entries.sort()
    keys, ways = entries >> WAY_BITS, entries & ((1 << WAY_BITS) - 1)
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    if not len(starts):
        return keys, np.zeros((len(KINDS), 0))
    return keys[starts], np.stack([np.add.reduceat(each[ways], starts) for each in WAYS])


def _ways(part: TrainingPart, first: int, stop: int) -> Iterator[tuple[int, Integers]]:
    """Yield in which way pairs go together, and where they do: keys within the block."""
    places = part.occurrences(first, stop)
    items = (part.items[places] - first) * part.size
    before, left = part.before(places), part.left(places)
    for distance in range(1, WINDOW + 1):
        after, behind = left >= distance, before >= distance
        yield distance - 1, items[after] + part.items[places[after] + distance]
        yield WINDOW + distance - 1, items[behind] + part.items[places[behind] - distance]
    yield 2 * WINDOW, _companions(part, first, stop)


def _companions(part: TrainingPart, first: int, stop: int) -> Integers:
    """Return the pairs of different items that a user has, each once a user: keys in the block."""
    places = part.occurrences(first, stop)
    own = distinct(part.users[places] * part.size + part.items[places])
    users, items = np.divmod(own, part.size)
    which, others = ranges(part.begins[users], part.begins[users] + part.lengths[users])
    pairs = which * part.size + part.items[others]
    if part.has_repeats[users].any():
        pairs = distinct(pairs)
    which, companions = np.divmod(pairs, part.size)
    different = companions != items[which]
    keys: Integers = ((items[which] - first) * part.size + companions)[different]
    return keys


class Strength:
    """How much a pair's evidence weighs, over all kinds.

    Args:
        degrees: of all items.
    """

    def __init__(self, degrees: Degrees) -> None:
        kinds = range(len(KINDS))
        self.sources = [degrees.source_weights(kind) for kind in kinds]
        self.divisors = [degrees.target_divisors(kind) for kind in kinds]

    def of(self, first: Integers, second: Integers, values: Floats) -> Floats:
        """Return (P,) for pairs (P,) and their (4, P) values."""
        total = np.zeros(len(first))
        for weights, divisors, counts in zip(self.sources, self.divisors, values, strict=True):
            total += counts * weights[first] / divisors[second]
        return total
