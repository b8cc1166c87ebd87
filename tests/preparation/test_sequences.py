from collections.abc import Iterable
from itertools import groupby
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec.errors import SeqrecError
from seqrec.parameters.sections import SplittingOptions
from seqrec.preparation.sequences import SequenceTables, build_sequences, check_split_as_told

Row = tuple[str, str, int]


def core(rows: list[Row]) -> ibis.Table:
    """Core interactions whose rows are (user, item, timestamp), source rows from 1."""
    first: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        first.setdefault(row[0], number)
    return ibis.memtable(
        pa.table(
            {
                "user_id": [row[0] for row in rows],
                "item_id": [row[1] for row in rows],
                "timestamp": pa.array([row[2] for row in rows], pa.int64()),
                "source_row": pa.array(range(1, len(rows) + 1), pa.int64()),
                "rating": pa.nulls(len(rows), pa.float64()),
                "user_first_row": pa.array([first[row[0]] for row in rows], pa.int64()),
            }
        )
    )


def built(rows: list[Row], **options: Any) -> SequenceTables:
    return build_sequences(core(rows), SplittingOptions(**options))


def rows_of(tables: SequenceTables, *columns: str) -> list[tuple[Any, ...]]:
    table = tables.sequences.to_pyarrow()
    return list(zip(*(table[name].to_pylist() for name in columns), strict=True))


def splits(lengths: Iterable[int], **options: Any) -> list[str]:
    """Return each user's splits as letters, users of the given lengths."""
    rows = [(f"u{n}", "x", t) for n, length in enumerate(lengths) for t in range(length)]
    pairs = rows_of(built(rows, **options), "user_index", "split")
    return ["".join(p[1][0] for p in g) for _, g in groupby(pairs, key=lambda p: p[0])]


def test_numbering_and_order() -> None:
    # b comes first in the file; its oldest item is q; a's two rows at 5 keep file order
    rows = [
        ("b", "p", 9),
        ("a", "r", 5),
        ("a", "p", 5),
        ("b", "q", 1),
        ("a", "q", 4),
        ("b", "p", 9),
    ]
    tables = built(rows)
    assert tables.users.to_pyarrow().to_pylist() == [
        {"user_index": 1, "user_id": "b"},
        {"user_index": 2, "user_id": "a"},
    ]
    items = tables.items.to_pyarrow().to_pydict()
    assert items == {"item_index": [1, 2, 3], "item_id": ["q", "p", "r"]}
    expected = [(1, 0, 1, 1), (1, 1, 2, 9), (1, 2, 2, 9), (2, 0, 1, 4), (2, 1, 3, 5), (2, 2, 2, 5)]
    assert rows_of(tables, "user_index", "position", "item_index", "timestamp") == expected


def test_schema() -> None:
    tables = built([("a", "x", 1), ("a", "y", 2), ("a", "z", 3)])
    assert dict(tables.sequences.schema()) == {
        "user_index": ibis.dtype("int32"),
        "position": ibis.dtype("int32"),
        "item_index": ibis.dtype("int32"),
        "timestamp": ibis.dtype("int64"),
        "split": ibis.dtype("string"),
    }
    assert str(tables.users.schema()["user_index"]) == "int32"
    assert str(tables.items.schema()["item_index"]) == "int32"


def test_the_row_before_all_filters_decides_who_is_first() -> None:
    table = core([("a", "x", 1), ("b", "y", 1), ("b", "y", 2), ("b", "y", 3)])
    table = table.mutate(user_first_row=ibis.ifelse(table.user_id == "a", 90, 80).cast("int64"))
    users = build_sequences(table, SplittingOptions()).users.to_pyarrow()
    assert users["user_id"].to_pylist() == ["b", "a"]


def test_leave_one_out() -> None:
    assert splits([1, 2, 3, 5]) == ["t", "tt", "tvt", "tttvt"]
    pairs = rows_of(built([("a", "x", t) for t in range(3)]), "split")
    assert pairs == [("train",), ("valid",), ("test",)]


@pytest.mark.parametrize(
    ("valid", "test", "lengths", "expected"),
    [
        (0.1, 0.1, [2, 3, 5], ["tt", "tvt", "tttvt"]),
        (0.2, 0.3, [10], ["tttttvvttt"]),
        (0.1, 0.29, [100], ["t" * 61 + "v" * 10 + "t" * 29]),
        (0.9, 0.05, [10], ["t" + "v" * 8 + "t"]),
    ],
)
def test_ratio(valid: float, test: float, lengths: list[int], expected: list[str]) -> None:
    letters = splits(lengths, strategy="ratio", valid_share=valid, test_share=test)
    assert letters == expected


def test_temporal_cuts_are_the_same_for_all_users() -> None:
    # ten interactions at 0 … 9: the newest two are for test, the two before for validation
    rows = [("ab"[t % 2], "xyz"[t % 3], t) for t in range(10)]
    tables = built(rows, strategy="temporal", valid_share=0.2, test_share=0.2)
    by_time = dict(rows_of(tables, "timestamp", "split"))
    assert [by_time[t] for t in range(10)] == ["train"] * 6 + ["valid"] * 2 + ["test"] * 2


def test_rows_at_the_cut_are_after_it() -> None:
    rows = [("a", "x", 0), ("a", "x", 1), ("b", "x", 2), ("b", "y", 2), ("a", "z", 2)]
    tables = built(rows, strategy="temporal", valid_share=0.6, test_share=0.2)
    assert [split for _, split in sorted(rows_of(tables, "timestamp", "split"))] == [
        "train",
        "valid",
        "test",
        "test",
        "test",
    ]


SPLITTINGS = [
    {},
    {"strategy": "ratio", "valid_share": 0.2, "test_share": 0.3},
    {"strategy": "temporal", "valid_share": 0.2, "test_share": 0.3},
    {"strategy": "temporal", "valid_share": 0.2, "test_share": 0.2},
]


@pytest.mark.parametrize("made", SPLITTINGS)
@pytest.mark.parametrize("told", SPLITTINGS)
def test_sequences_of_another_splitting_are_refused(
    made: dict[str, Any], told: dict[str, Any]
) -> None:
    rows = [("ab"[t % 3 % 2], "xyz"[t % 3], t) for t in range(20)]
    table = ibis.memtable(built(rows, **made).sequences.to_pyarrow())
    if made == told:
        check_split_as_told(table, SplittingOptions(**told))
        return
    theirs = built(rows, **told).sequences.to_pyarrow()["split"].to_pylist()
    pairs = zip(table.to_pyarrow()["split"].to_pylist(), theirs, strict=True)
    with pytest.raises(SeqrecError) as error:
        check_split_as_told(table, SplittingOptions(**told))
    assert str(error.value).startswith(f"{sum(a != b for a, b in pairs)} of 20 interactions")
    assert f"splitting.strategy={told.get('strategy', 'leave_one_out')}" in str(error.value)


def fails(rows: list[Row], **options: Any) -> str:
    with pytest.raises(SeqrecError) as error:
        built(rows, **options)
    return str(error.value)


def test_a_split_that_leaves_nothing_says_so() -> None:
    same_time = [(u, "x", 1) for u in "aabb"]
    message = fails(same_time, strategy="temporal", valid_share=0.25, test_share=0.25)
    assert "temporal leaves no train interactions of 4" in message
    assert "temporal leaves no test" in fails(same_time, strategy="temporal", test_share=0.1)
    rows = [("a", "x", t) for t in range(5)]
    message = fails(rows, strategy="temporal", valid_share=0.1, test_share=0.2)
    assert message.endswith(
        "no valid interactions of 5; raise splitting.valid_share or use leave_one_out"
    )
    message = fails(rows, strategy="ratio", valid_share=0.1, test_share=0.85)
    assert message.endswith("leaves no valid interactions of 5; lower splitting.test_share")


@pytest.mark.parametrize("strategy", ["leave_one_out", "ratio"])
def test_histories_that_are_too_short_to_split(strategy: str) -> None:
    rows = [("a", "x", 1), ("b", "x", 2)]
    remedy = "loosen the filters, take a log of longer histories"
    by_time = f"{remedy} or use splitting.strategy=temporal"
    assert fails(rows, strategy=strategy).endswith(f"fewer than 3 interactions: {by_time}")
    with pytest.raises(SeqrecError) as error:
        build_sequences(core(rows), SplittingOptions(strategy=strategy), "order")
    assert str(error.value).endswith(remedy)


def test_positions_have_no_temporal_split() -> None:
    with pytest.raises(SeqrecError, match="positions, not instants"):
        build_sequences(core([("a", "x", 1)]), SplittingOptions(strategy="temporal"), "order")


logs = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from("vwxyz"), st.integers(0, 6)),
    min_size=1,
    max_size=40,
)


@settings(max_examples=30, deadline=None)
@given(logs)
def test_numbering_equals_a_plain_walk(drawn: list[Row]) -> None:
    rows = [*drawn, ("e", "x", 0), ("e", "x", 0), ("e", "y", 0)]
    histories: dict[str, list[tuple[int, int, str]]] = {}
    for number, (user, item, timestamp) in enumerate(rows):
        histories.setdefault(user, []).append((timestamp, number, item))
    walk = [item for history in histories.values() for *_, item in sorted(history)]
    tables = built(rows)
    assert tables.users.to_pyarrow()["user_id"].to_pylist() == list(histories)
    assert tables.items.to_pyarrow()["item_id"].to_pylist() == list(dict.fromkeys(walk))
    number_of = {item: number for number, item in enumerate(dict.fromkeys(walk), start=1)}
    assert rows_of(tables, "item_index") == [(number_of[item],) for item in walk]


shares = st.sampled_from([0.05, 0.1, 0.25, 0.4])


@settings(max_examples=40, deadline=None)
@given(logs, st.sampled_from(["leave_one_out", "ratio", "temporal"]), shares, shares)
def test_every_row_is_in_one_split_and_they_follow_each_other(
    rows: list[Row], strategy: str, valid_share: float, test_share: float
) -> None:
    options = {"strategy": strategy, "valid_share": valid_share, "test_share": test_share}
    try:
        tables = built(rows, **options)
    except SeqrecError:
        return  # nothing to train on or to test; see above
    marked = rows_of(tables, "user_index", "position", "timestamp", "split")
    assert len(marked) == len(rows)
    age = {"train": 0, "valid": 1, "test": 2}
    for _, group in groupby(marked, key=lambda row: row[0]):
        history = list(group)
        assert [row[1] for row in history] == list(range(len(history)))
        assert [row[2] for row in history] == sorted(row[2] for row in history)
        assert [age[row[3]] for row in history] == sorted(age[row[3]] for row in history)
        assert strategy == "temporal" or history[0][3] == "train"
