from collections import Counter

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqrec.preparation import k_core
from seqrec.preparation.k_core import find_core, find_core_in_place

Pair = tuple[int, int]


def plain_core(pairs: list[Pair], user_core: int, item_core: int) -> list[Pair]:
    """Drop rare users and rare items at once, again and again."""
    while True:
        users = Counter(user for user, _ in pairs)
        items = Counter(item for _, item in pairs)
        core = [(u, i) for u, i in pairs if users[u] >= user_core and items[i] >= item_core]
        if len(core) == len(pairs):
            return core
        pairs = core


def table(pairs: list[Pair]) -> ibis.Table:
    users, items = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    columns = {"user_key": pa.array(users, pa.int32()), "item_key": pa.array(items, pa.int32())}
    return ibis.memtable(pa.table(columns))


def keys(column: ibis.Table) -> set[int]:
    return set(column.to_pyarrow().columns[0].to_pylist())


def test_a_chain_unravels_pass_by_pass() -> None:
    # user 4 goes, then item 30 and with it user 3; users 1 and 2 with items 10 and 20 hold
    pairs = [(1, 10), (1, 20), (2, 10), (2, 20), (3, 20), (3, 30), (4, 30)]
    core = find_core(table(pairs), user_core=2, item_core=2)
    assert keys(core.users) == {1, 2}
    assert keys(core.items) == {10, 20}
    assert [tuple(after) for after in core.passes] == [(5, 3, 2), (4, 2, 2)]


def test_repeats_count() -> None:
    core = find_core(table([(1, 10)] * 3 + [(2, 10), (2, 20)]), user_core=3, item_core=3)
    assert (keys(core.users), keys(core.items)) == ({1}, {10})


@pytest.mark.parametrize(
    ("user_core", "item_core", "users", "items"),
    [(0, 2, {1, 2, 3}, {10}), (1, 2, {1, 2, 3}, {10}), (2, 0, {1}, {10, 20})],
)
def test_a_side_can_be_off(
    user_core: int, item_core: int, users: set[int], items: set[int]
) -> None:
    core = find_core(table([(1, 10), (1, 20), (2, 10), (3, 10)]), user_core, item_core)
    assert (keys(core.users), keys(core.items)) == (users, items)


def test_there_may_be_no_core() -> None:
    core = find_core(table([(1, 10), (2, 20)]), user_core=2, item_core=2)
    assert (keys(core.users), keys(core.items)) == (set(), set())
    assert core.passes[-1].interactions == 0


def test_a_second_call_leaves_the_first_result_alone() -> None:
    pairs = table([(1, 10), (1, 10), (2, 20)])
    first = find_core(pairs, user_core=2, item_core=2)
    second = find_core(pairs, user_core=2, item_core=1)
    assert keys(first.users) == keys(second.users) == {1}


few = st.integers(min_value=0, max_value=4)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1), few, few)
def test_equals_the_plain_fixpoint(pairs: list[Pair], user_core: int, item_core: int) -> None:
    expected = plain_core(pairs, user_core, item_core)
    core = find_core(table(pairs), user_core, item_core)
    users, items = keys(core.users), keys(core.items)
    assert [(u, i) for u, i in pairs if u in users and i in items] == expected
    in_place = find_core_in_place(table(pairs), user_core, item_core)
    assert (keys(in_place.users), keys(in_place.items)) == (users, items)
    assert in_place.passes == core.passes
    last = core.passes[-1]
    assert last == (len(expected), len({u for u, _ in expected}), len({i for _, i in expected}))


def test_a_log_that_does_not_fit_stays_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(k_core, "IN_MEMORY", 6)
    monkeypatch.setattr(k_core, "peel", None)
    core = find_core(table([(1, 10), (1, 20), (2, 10), (2, 20), (3, 20), (3, 30), (4, 30)]), 2, 2)
    assert keys(core.users) == {1, 2}
