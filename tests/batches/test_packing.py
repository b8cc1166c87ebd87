"""Packed training sequences: by hand, and what must hold for any lengths."""

from collections import Counter
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqrec.batches import Batches, Sequences, training_examples
from seqrec.batches.packing import (
    PackedBatch,
    PackedExamples,
    PackedHistories,
    PackedSequences,
    pack,
)

CPU = torch.device("cpu")
Inputs = list[tuple[int, int, int]]
"""Input, next item and position of one segment."""


def training_only(users: list[list[int]], after: int = 0) -> Sequences:
    """Sequences of these training items, each followed by ``after`` items to validate or test."""
    items = [user + [99] * after for user in users]
    return Sequences(
        items=np.array([item for user in items for item in user], dtype=np.int32),
        offsets=np.cumsum([0, *map(len, items)]),
        split=np.array([s for user in users for s in [0] * len(user) + [1] * after], dtype=np.int8),
        num_items=99,
    )


def segments_of(batch: PackedBatch) -> dict[int, Inputs]:
    """What each segment holds, in the order of its row."""
    inputs: dict[int, Inputs] = {}
    columns = (batch.histories, batch.targets, batch.positions, batch.segments)
    flat = (column.flatten().tolist() for column in columns)
    for item, target, position, segment in zip(*flat, strict=True):
        if segment >= 0:
            inputs.setdefault(segment, []).append((item, target, position))
        else:
            assert (item, target) == (0, 0)
    return inputs


def test_by_hand_under_authors() -> None:
    """max_len 4, so windows of four: inputs 3 4 5 of user 1, 7 of user 2, none of user 3; both
    fit in one row. The validation item behind them is no target."""
    data = training_only([[1, 2, 3, 4, 5, 6], [7, 8], [9]], after=1)
    packed = PackedSequences(data, 4, "authors", CPU)
    batch = packed.gather(torch.arange(len(packed)))
    assert len(packed) == 2
    assert batch.histories.tolist() == [[3, 4, 5, 7]]
    assert batch.targets.tolist() == [[4, 5, 6, 8]]
    assert batch.positions.tolist() == [[1, 2, 3, 3]]
    assert batch.segments.tolist() == [[0, 0, 0, 1]]
    assert batch.heads.tolist() == [3, 4, 5, 7]
    assert batch.block_mask().long().tolist() == [
        [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 1]]
    ]


def test_by_hand_under_standard() -> None:
    """max_len 4, so up to four inputs: 2 3 4 5 of user 1 fill a row; 7 of user 2 leaves space."""
    packed = PackedSequences(training_only([[1, 2, 3, 4, 5, 6], [7, 8], [9]]), 4, "standard", CPU)
    batch = packed.gather(torch.tensor([1, 0]))
    assert batch.histories.tolist() == [[2, 3, 4, 5], [7, 0, 0, 0]]
    assert batch.targets.tolist() == [[3, 4, 5, 6], [8, 0, 0, 0]]
    assert batch.positions[0].tolist() == [0, 1, 2, 3]
    assert batch.positions[1, 0] == 3
    assert batch.segments.tolist() == [[1, 1, 1, 1], [0, -1, -1, -1]]
    assert batch.heads.tolist() == [2, 3, 4, 5, 7, 0, 0, 0]


def test_users_come_in_a_seeded_order() -> None:
    packed = PackedSequences(training_only([[1, 2]] * 50), 4, "standard", CPU)
    torch.manual_seed(1)
    first = packed.shuffled()
    torch.manual_seed(1)
    assert torch.equal(first, packed.shuffled())
    assert sorted(first.tolist()) == list(range(50))
    assert first.tolist() != list(range(50))


@given(
    st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=12), min_size=1, max_size=12),
    st.integers(2, 7),
    st.sampled_from(["authors", "standard"]),
    st.integers(0, 2),
    st.randoms(use_true_random=False),
)
def test_every_input_comes_once_with_its_next_item_and_position(
    users: list[list[int]], max_len: int, protocol: str, after: int, random: Random
) -> None:
    window = max_len if protocol == "authors" else max_len + 1
    learned = [user[-window:] for user in users if len(user) > 1]
    packed = PackedSequences(training_only(users, after), max_len, protocol, CPU)
    assert len(packed) == len(learned)
    if not learned:
        return
    order = torch.tensor(random.sample(range(len(learned)), len(learned)))
    batch = packed.gather(order)
    segments = segments_of(batch)
    assert sorted(segments) == list(range(len(learned)))
    for segment, user in enumerate(order.tolist()):
        items = learned[user]
        first = max_len - len(items) + 1
        positions = range(first, max_len)
        assert segments[segment] == list(zip(items, items[1:], positions, strict=False))
    assert batch.histories.shape[1] == max_len
    # every segment in one row, without a gap
    for segment in segments:
        rows, columns = (batch.segments == segment).nonzero().T
        assert len(rows.unique()) == 1
        assert (columns.diff() == 1).all()


@given(st.data(), st.integers(1, 20))
def test_rows_never_overlap_and_are_few(data: st.DataObject, width: int) -> None:
    lengths = data.draw(st.lists(st.integers(1, width), min_size=1, max_size=60))
    rows, columns = pack(np.array(lengths), width)
    places = Counter(
        (row, column + k)
        for row, column, length in zip(rows.tolist(), columns.tolist(), lengths, strict=True)
        for k in range(length)
    )
    assert max(places.values()) == 1
    assert max(column for _, column in places) < width
    used = int(rows.max()) + 1
    assert set(rows.tolist()) == set(range(used))
    # two rows half empty would have become one: hence at most 1 + twice the content
    fill = Counter(row for row, _ in places)
    assert sum(2 * filled <= width for filled in fill.values()) <= 1
    assert used <= 1 + 2 * sum(lengths) / width


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_segments_of_full_width_take_a_row_each(dtype: type[np.signedinteger]) -> None:
    rows, columns = pack(np.array([5, 5, 5], dtype=dtype), 5)
    assert rows.tolist() == [0, 1, 2]
    assert columns.tolist() == [0, 0, 0]


def prefixes(users: list[list[int]], protocol: str, max_len: int) -> PackedHistories:
    data = training_only(users)
    examples = training_examples(data, max_len, protocol)
    packed = PackedExamples(data, examples, max_len, CPU)
    return packed.gather(torch.arange(len(packed)))


def test_packed_histories_by_hand() -> None:
    """max_len 4: the histories 5, 5 6 and 5 6 7; an empty one takes a row of its own."""
    batch = prefixes([[5, 6, 7, 8]], "standard", 4)
    assert batch.histories.tolist() == [[5, 6, 7, 5], [5, 6, 0, 0]]
    assert batch.positions.tolist() == [[1, 2, 3, 3], [2, 3, 0, 0]]
    assert batch.segments.tolist() == [[2, 2, 2, 0], [1, 1, -1, -1]]
    assert batch.targets.tolist() == [6, 7, 8]
    assert batch.last.tolist() == [3, 5, 2]
    assert batch.heads.tolist() == [5, 6, 7]
    assert batch.seen().items.tolist() == [[0, 0, 0, 5, 6], [0, 0, 5, 6, 7], [0, 5, 6, 7, 8]]
    batch = prefixes([[5, 6]], "authors", 4)
    assert batch.histories.tolist() == [[0, 0, 0, 0], [5, 0, 0, 0]]
    assert batch.positions.tolist() == [[0, 1, 2, 3], [3, 0, 0, 0]]
    assert batch.segments.tolist() == [[0, 0, 0, 0], [1, -1, -1, -1]]
    assert batch.block_mask()[0].all(), "an empty history sees all of its nothing"
    assert batch.heads.tolist() == [0, 5]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(1, 6))
def test_packed_histories_hold_what_padded_ones_hold(lengths: list[int], max_len: int) -> None:
    users = [[*range(10 * user + 1, 10 * user + 1 + n)] for user, n in enumerate(lengths)]
    data = training_only(users)
    data = Sequences(data.items, data.offsets, data.split, num_items=200)
    for protocol in ("authors", "standard"):
        examples = training_examples(data, max_len, protocol)
        if not len(examples):
            continue
        rows = torch.arange(len(examples))
        plain = Batches(data, examples, max_len, CPU).gather(rows)
        batch = PackedExamples(data, examples, max_len, CPU).gather(rows)
        assert torch.equal(batch.targets, plain.targets)
        assert torch.equal(batch.users, plain.users)
        assert torch.equal(batch.heads, plain.heads)
        assert torch.equal(batch.seen().items, plain.seen().items)
        assert batch.positions.flatten()[batch.last].tolist() == [max_len - 1] * len(rows)
        assert batch.segments.flatten()[batch.last].tolist() == rows.tolist()


def test_apart_every_sequence_has_a_row() -> None:
    data = training_only([[1, 2, 3, 4], [5, 6], [7, 8, 9]])
    batch = PackedSequences(data, 6, "standard", CPU, apart=True).gather(torch.tensor([1, 0]))
    assert batch.histories.tolist() == [[0, 0, 5], [1, 2, 3]]
    assert batch.targets.tolist() == [[0, 0, 6], [2, 3, 4]]
    assert batch.segments.tolist() == [[-1, -1, 0], [1, 1, 1]]
    assert batch.positions.tolist() == [[0, 0, 5], [3, 4, 5]]


def test_sequences_that_are_their_own_targets() -> None:
    data = training_only([[1, 2, 3, 4], [5]], after=1)
    packed = PackedSequences(data, 3, "standard", CPU, next_items=False)
    batch = packed.gather(torch.arange(2))
    assert batch.histories.tolist() == batch.targets.tolist() == [[2, 3, 4], [5, 0, 0]]
    assert batch.positions.tolist() == [[0, 1, 2], [2, 0, 0]]


def test_negatives_of_a_sequence_are_outside_all_of_it() -> None:
    data = training_only([[1, 2, 3], [4, 5]])
    batch = PackedSequences(data, 4, "standard", CPU).gather(torch.arange(2))
    seen = batch.seen()
    assert seen.items.tolist() == [[0, 0, 1, 2, 3], [0, 0, 0, 4, 5]]
    of = [seen.items[row].tolist() for row in seen.of.reshape(batch.segments.shape)[0, :3]]
    assert of == [[0, 0, 1, 2, 3], [0, 0, 1, 2, 3], [0, 0, 0, 4, 5]]


def test_a_share_that_is_drawn_keeps_a_target_at_least() -> None:
    """The share is so small that none is drawn: the one with the lowest draw of them stays."""
    packed = PackedSequences(training_only([[1, 2, 3, 4], [5, 6], [7, 8, 9]]), 4, "standard", CPU)
    whole = packed.gather(torch.arange(3))
    for seed in range(20):
        draws = torch.rand(whole.targets.shape, generator=torch.Generator().manual_seed(seed))
        lowest = draws.masked_fill(whole.targets == 0, 2.0).flatten().argmin()
        kept = whole.sampled(1e-9, torch.Generator().manual_seed(seed))
        assert kept.targets.flatten().nonzero().tolist() == [[lowest]]
        assert torch.equal(kept.places >= 0, kept.targets != 0)
        # what draws a target is left as it is drawn
        some = whole.sampled(0.9, torch.Generator().manual_seed(seed))
        assert torch.equal(some.targets, whole.targets * (draws < 0.9))


@pytest.mark.parametrize("next_items", [True, False])
@pytest.mark.parametrize("part", [0, 1])
def test_what_is_left_out_of_the_targets_is_no_negative(next_items: bool, part: int) -> None:
    """Six items and three, in rows of their own; one of their targets is kept."""
    data = training_only([[1, 2, 3, 4, 5, 6], [7, 8, 9]])
    packed = PackedSequences(data, 8, "standard", CPU, apart=True, next_items=next_items)
    few = packed.gather(torch.arange(2)).sampled(1e-9)
    assert int(few.count_targets()) == 1
    held = few.seen().items
    assert [set(row.tolist()) - {0} for row in held] == [{1, 2, 3, 4, 5, 6}, {7, 8, 9}]
    # the rest of the users is empty in a part
    assert torch.equal(few.part(part, 2).seen().items[part], held[part])
