"""Examples with the same target: against the authors' lists, and by counting draws."""

import json
from collections import Counter

import numpy as np
import torch

from seqrec.batches import Examples, Sequences, training_examples
from seqrec.batches.same_targets import SameTargets, _contents
from tests.authors import GOLDEN
from tests.batches.test_packing import training_only

CPU = torch.device("cpu")


def prefix(sequences: Sequences, examples: Examples, row: int) -> tuple[int, ...]:
    return tuple(sequences.items[examples.starts[row] : examples.ends[row]].tolist())


def test_groups_are_those_of_the_authors() -> None:
    lines = (GOLDEN / "dataset_toy_bsarec.txt").read_text().splitlines()
    users = [[int(item) for item in line.split()[1:]] for line in lines]
    items = [[*user[:-2]] for user in users]
    sequences = training_only(items)
    lists = json.loads((GOLDEN / "dataset_toy_same_target_bsarec.json").read_text())
    sequences = Sequences(
        sequences.items, sequences.offsets, sequences.split, num_items=len(lists) - 1
    )
    examples = training_examples(sequences, 50, "authors")
    index = SameTargets(sequences, examples, CPU)
    prefixes: dict[int, list[tuple[int, ...]]] = {}
    for row in range(len(examples)):
        first, stop = int(index.first[row]), int(index.stop[row])
        group = index.order[first:stop].tolist()
        assert row in group
        prefixes[int(sequences.items[examples.ends[row]])] = [
            prefix(sequences, examples, other) for other in group
        ]
    for item, theirs in enumerate(lists):
        expected = Counter(tuple(sequence[:-1]) for sequence in theirs)
        assert Counter(prefixes.get(item, [])) == expected


def test_partners_have_the_same_target_and_another_history() -> None:
    """Target 9 follows (1 2) twice, (3) and (1 2 4); target 2 follows 1 and nothing else."""
    sequences = training_only([[1, 2, 9], [1, 2, 9], [3, 9], [1, 2, 4, 9]])
    examples = training_examples(sequences, 10, "standard")
    index = SameTargets(sequences, examples, CPU)
    histories = [prefix(sequences, examples, row) for row in range(len(examples))]
    torch.manual_seed(0)
    rows = torch.arange(len(examples)).repeat(3000)
    drawn = Counter(zip(rows.tolist(), index.draw(rows).tolist(), strict=True))
    partners: dict[tuple[int, ...], Counter[tuple[int, ...]]] = {}
    for (row, partner), count in drawn.items():
        assert sequences.items[examples.ends[row]] == sequences.items[examples.ends[partner]]
        if sequences.items[examples.ends[row]] == 9:
            partners.setdefault(histories[row], Counter())[histories[partner]] += count
        else:
            assert histories[row] == histories[partner], "no other history leads there"
    assert set(partners[1, 2]) == {(3,), (1, 2, 4)}
    assert abs(partners[1, 2][3,] / 6000 - 0.5) < 0.03
    # every other example is as likely as any: the pair that occurs twice comes twice as often
    assert abs(partners[3,][1, 2] / 3000 - 2 / 3) < 0.03


def test_contents_tell_histories_apart_wherever_they_stand() -> None:
    random = np.random.default_rng(0)
    users = [random.integers(1, 4, length).tolist() for length in random.integers(2, 9, 300)]
    sequences = training_only(users)
    examples = training_examples(sequences, 5, "authors")
    codes = _contents(sequences, examples).tolist()
    by_code: dict[int, set[tuple[int, ...]]] = {}
    for row, code in enumerate(codes):
        by_code.setdefault(code, set()).add(prefix(sequences, examples, row))
    assert all(len(histories) == 1 for histories in by_code.values())
    assert len(by_code) == len({prefix(sequences, examples, row) for row in range(len(codes))})
