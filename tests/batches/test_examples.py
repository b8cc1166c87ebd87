"""Examples and batches against the authors' numbers and by hand."""

import json

import numpy as np
import pyarrow as pa
import torch

from seqrec.batches import (
    SPLITS,
    Batch,
    Batches,
    Examples,
    Sequences,
    Split,
    distinct,
    evaluation_examples,
    training_examples,
)
from tests.authors import GOLDEN

CPU = torch.device("cpu")


def leave_one_out(users: list[list[int]]) -> Sequences:
    """Sequences of these items, the last of each for test, the one before for validation."""
    splits = [[0] * (len(items) - 2) + [1, 2] for items in users]
    return Sequences(
        items=np.array([i for items in users for i in items], dtype=np.int32),
        offsets=np.cumsum([0, *map(len, users)]),
        split=np.array([s for split in splits for s in split], dtype=np.int8),
        num_items=max(i for items in users for i in items),
    )


def toy() -> Sequences:
    lines = (GOLDEN / "dataset_toy_bsarec.txt").read_text().splitlines()
    return leave_one_out([[int(item) for item in line.split()[1:]] for line in lines])


def gathered(sequences: Sequences, examples: Examples, max_len: int) -> Batch:
    return Batches(sequences, examples, max_len, CPU).gather(slice(None))


def check_against_golden(split: Split, examples: Examples) -> None:
    batch = gathered(toy(), examples, 50)
    with np.load(GOLDEN / "dataset_toy_bsarec.npz") as golden:
        np.testing.assert_array_equal(batch.histories.numpy(), golden[f"{split}_input_ids"])
        np.testing.assert_array_equal(batch.targets.numpy(), golden[f"{split}_answer"])
        np.testing.assert_array_equal(batch.users.numpy() - 1, golden[f"{split}_user"])


def test_training_examples_equal_the_authors() -> None:
    check_against_golden("train", training_examples(toy(), 50, "authors"))


def test_evaluation_examples_equal_the_authors() -> None:
    check_against_golden("valid", evaluation_examples(toy(), "valid", 50, "authors"))
    check_against_golden("test", evaluation_examples(toy(), "test", 50, "authors"))


def test_seen_items_equal_the_authors() -> None:
    from seqrec.evaluation.ranking import SeenItems

    sequences = toy()
    with np.load(GOLDEN / "dataset_toy_bsarec.npz") as golden:
        for split in SPLITS[1:]:
            examples = evaluation_examples(sequences, split, 50, "authors")
            rows, items = SeenItems(sequences, examples, CPU).pairs(slice(None))
            seen = np.zeros((len(examples), sequences.num_items + 1))
            seen[rows, items] = 1
            np.testing.assert_array_equal(seen, golden[f"seen_{split}"] != 0)


def test_examples_by_target_equal_the_authors_index() -> None:
    """Their list, by item, of the training prefixes that end in it (target included)."""
    sequences = toy()
    examples = training_examples(sequences, 50, "authors")
    theirs = json.loads((GOLDEN / "dataset_toy_same_target_bsarec.json").read_text())
    by_item: list[list[list[int]]] = [[] for _ in theirs]
    for start, end in zip(examples.starts, examples.ends, strict=True):
        by_item[sequences.items[end]].append(sequences.items[start : end + 1].tolist())
    assert [sorted(prefixes) for prefixes in theirs] == [sorted(ours) for ours in by_item]


def test_standard_examples_by_hand() -> None:
    """User 1 has training items 1 2 3 4 (max_len 3): targets 2 3 4, up to three items before."""
    sequences = leave_one_out([[1, 2, 3, 4, 5, 6], [7, 8, 9]])
    batch = gathered(sequences, training_examples(sequences, 3, "standard"), 3)
    assert batch.histories.tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3]]
    assert batch.targets.tolist() == [2, 3, 4]
    assert batch.users.tolist() == [1, 1, 1]


def test_authors_examples_by_hand() -> None:
    """The same user: a window of the last three items, the first prefix empty, none before it."""
    sequences = leave_one_out([[1, 2, 3, 4, 5, 6], [7, 8, 9]])
    batch = gathered(sequences, training_examples(sequences, 3, "authors"), 3)
    assert batch.histories.tolist() == [[0, 0, 0], [0, 0, 2], [0, 2, 3], [0, 0, 0]]
    assert batch.targets.tolist() == [2, 3, 4, 7]


def test_standard_has_no_empty_history_in_evaluation() -> None:
    """A user whose first interaction is a target (a temporal split does that) is left out."""
    sequences = Sequences(
        items=np.array([1, 2, 3, 4], dtype=np.int32),
        offsets=np.array([0, 1, 4]),
        split=np.array([2, 0, 1, 2], dtype=np.int8),
        num_items=4,
    )
    assert evaluation_examples(sequences, "test", 5, "standard").users.tolist() == [2]
    assert evaluation_examples(sequences, "test", 5, "authors").users.tolist() == [1, 2]


def test_sequences_from_a_table_in_any_order() -> None:
    """Rows may come shuffled (an engine without an ordered collect)."""
    table = pa.table(
        {
            "user_index": pa.array([2, 1, 1, 2, 1], pa.int32()),
            "position": pa.array([1, 2, 0, 0, 1], pa.int32()),
            "item_index": pa.array([5, 3, 1, 4, 2], pa.int32()),
            "split": ["test", "test", "train", "train", "valid"],
        }
    )
    sequences = Sequences.from_table(table)
    assert sequences.items.tolist() == [1, 2, 3, 4, 5]
    assert sequences.offsets.tolist() == [0, 3, 5]
    assert sequences.split.tolist() == [0, 1, 2, 0, 2]
    assert sequences.item_counts().tolist() == [0, 1, 0, 0, 1, 0]
    shuffled = Sequences.from_table(table.take([4, 2, 0, 1, 3]))
    assert shuffled.fingerprint() == sequences.fingerprint()


def test_parts_hold_every_row_once_and_lengths_alike() -> None:
    lengths = torch.tensor([1, 9, 2, 8, 9, 1, 3, 2, 7])
    histories = torch.arange(1, 10)[:, None] * (torch.arange(9) >= 9 - lengths[:, None])
    numbers = torch.arange(1, 10)
    batch = Batch(numbers, histories, numbers * 10, histories + 1, numbers * 100)
    parts = [batch.part(which, 2) for which in range(2)]
    assert sorted(torch.cat([part.users for part in parts]).tolist()) == numbers.tolist()
    for part in parts:
        rows = part.users - 1
        assert torch.equal(part.histories, histories[rows])
        assert torch.equal(part.targets, part.users * 10)
        assert part.same_target is not None
        assert torch.equal(part.same_target, histories[rows] + 1)
        assert part.places is not None
        assert torch.equal(part.places, part.users * 100)
    one, other = ((part.histories != 0).sum(dim=1) for part in parts)
    assert one.tolist() == [1, 2, 3, 8, 9]
    assert other.tolist() == [1, 2, 7, 9]


def test_distinct_are_those_of_a_set() -> None:
    for values in ([], [4], [3, 3], [7, 1, 7, 1, 2]):
        assert distinct(np.array(values, np.int64)).tolist() == sorted(set(values))
