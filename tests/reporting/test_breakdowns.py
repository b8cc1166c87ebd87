"""Facts of targets and quality by them, worked out by hand."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from seqrec.errors import SeqrecError
from seqrec.reporting.breakdowns import KINDS, Kind, breakdowns, facts_of, target_facts
from seqrec.reporting.cells import ranked_targets
from tests.reporting.examples import A, ranks_table

# user 1: 1 2 1 | 3 | 2     user 2: 2 1 | 2 | 1     user 3: 3 | 3 (test), and nothing before
HISTORIES = {
    1: [(1, "train"), (2, "train"), (1, "train"), (3, "valid"), (2, "test")],
    2: [(2, "train"), (1, "train"), (2, "valid"), (1, "test")],
    3: [(4, "test"), (4, "test")],
}
SEQUENCES = pa.table(
    {
        "user_index": pa.array([u for u, rows in HISTORIES.items() for _ in rows], pa.int32()),
        "position": pa.array([n for rows in HISTORIES.values() for n in range(len(rows))]),
        "item_index": pa.array([item for rows in HISTORIES.values() for item, _ in rows]),
        "split": [split for rows in HISTORIES.values() for _, split in rows],
    }
)
GRAPH = pa.table({"source_item": [1, 2], "target_item": [2, 1], "count": [1, 2]})
FACTS = target_facts(SEQUENCES, GRAPH)


def test_facts_by_hand() -> None:
    expected = pd.DataFrame(
        [
            ("valid", 1, 3, 3, 0, 0, False),  # 3 was never trained on; 1 → 3 not either
            ("test", 1, 4, 2, 2, 0, True),  # 3 → 2 is no transition of the training part
            ("valid", 2, 2, 2, 2, 1, True),  # 1 → 2, of user 1
            ("test", 2, 3, 1, 3, 2, True),  # 2 → 1, of both
            ("test", 3, 0, 4, 0, 0, False),  # no last item
            ("test", 3, 1, 4, 0, 0, True),
        ],
        columns=FACTS.columns,
    )
    pd.testing.assert_frame_equal(FACTS, expected, check_dtype=False)


def test_facts_against_a_plain_loop() -> None:
    some = np.random.default_rng(1)
    lengths = some.integers(3, 9, size=20)
    users = np.repeat(np.arange(1, 21), lengths)
    positions = np.concatenate([np.arange(length) for length in lengths])
    items = some.integers(1, 6, size=len(users))
    last = np.repeat(lengths, lengths) - 1
    split = np.where(positions == last, "test", np.where(positions == last - 1, "valid", "train"))
    columns = {"user_index": users, "position": positions, "item_index": items, "split": split}
    counts: dict[tuple[int, int], int] = {}
    for n in range(1, len(users)):
        if split[n] == "train" and positions[n]:
            pair = (int(items[n - 1]), int(items[n]))
            counts[pair] = counts.get(pair, 0) + 1
    graph = pa.table(
        {
            "source_item": [source for source, _ in counts],
            "target_item": [target for _, target in counts],
            "count": list(counts.values()),
        }
    )
    facts = target_facts(pa.table(columns), graph)
    targets = np.flatnonzero(split != "train").tolist()
    for fact, n in zip(facts.itertuples(), targets, strict=True):
        history = items[n - positions[n] : n].tolist()
        assert fact.popularity == ((items == items[n]) & (split == "train")).sum()
        assert fact.transitions == counts.get((history[-1], int(items[n])), 0)
        assert fact.repeat == (items[n] in history)
        assert fact.position == len(history)


def test_an_empty_graph_has_no_transitions() -> None:
    facts = target_facts(SEQUENCES, GRAPH.slice(0, 0))
    assert facts["transitions"].tolist() == [0] * 6


def test_groups_are_named_by_what_they_span() -> None:
    by_name = {kind.name: kind for kind in KINDS}
    assert by_name["transition frequency"].names() == ("0", "1", "2", "3–4", "5+")
    assert by_name["history length"].names()[:3] == ("0", "1–4", "5–9")
    counts = pd.DataFrame({"transitions": [0, 1, 2, 3, 4, 5, 99]})
    groups = by_name["transition frequency"].groups(counts)
    assert groups.tolist() == [0, 1, 2, 3, 3, 4, 4]
    assert by_name["repeated target"].groups(pd.DataFrame({"repeat": [False, True]})).tolist() == [
        0,
        1,
    ]


def test_a_breakdown_by_hand() -> None:
    """Test targets: user 1 rank 1, user 2 rank 2, user 3 ranks 1 and 9; two seeds alike."""
    ranks = ranks_table(
        {1: [1, 2, 1, 9], 2: [1, 2, 1, 9]}, users=[1, 2, 3, 3], items=[2, 1, 4, 4], splits=["test"]
    )
    kind = Kind("transition frequency", "transitions", (1, 3))
    table = breakdowns({A: ranks}, {"tiny": FACTS}, metrics=["HR@1"], kinds=[kind])
    assert table[["group", "order", "targets", "value"]].to_numpy().tolist() == [
        ["0", 0, 3, pytest.approx(2 / 3)],
        ["1–2", 1, 1, 0.0],
    ]
    # users 1 and 3: residuals 1/3 and (1/3 - 2/3)
    assert table["standard_error"].tolist()[0] == pytest.approx(np.sqrt(2 * 2 / 9) / 3)
    assert table["standard_error"].isna().tolist() == [False, True]


def test_all_kinds_and_metrics_have_every_target_once() -> None:
    ranks = ranks_table({1: [1, 2, 1, 9]}, [1, 2, 3, 3], [2, 1, 4, 4])
    table = breakdowns({A: ranks}, {"tiny": FACTS})
    counted = table.groupby(["by", "metric"])["targets"].sum()
    assert counted.tolist() == [4] * 8
    assert table["by"].unique().tolist() == [kind.name for kind in KINDS]


def test_a_target_without_history_may_be_left_out() -> None:
    tests = FACTS[FACTS["split"] == "test"]
    ranked = ranked_targets(A, ranks_table({1: [1, 2, 3]}, [1, 2, 3], [2, 1, 4]))
    assert facts_of(A, ranked, tests)["position"].tolist() == [4, 3, 1]


@pytest.mark.parametrize(
    ("users", "items"), [([1, 2], [2, 3]), ([1, 1], [2, 2]), ([1, 9], [2, 1]), ([0, 1], [2, 1])]
)
def test_ranks_of_other_targets_are_refused(users: list[int], items: list[int]) -> None:
    ranks = ranks_table({1: [1, 2]}, users, items)
    with pytest.raises(SeqrecError, match="tiny/a/standard are of other targets"):
        breakdowns({A: ranks}, {"tiny": FACTS})


def test_facts_without_tests_fit_no_ranks() -> None:
    with pytest.raises(SeqrecError, match="other targets"):
        breakdowns({A: ranks_table({1: [1]}, [1])}, {"tiny": FACTS.iloc[:0]})
