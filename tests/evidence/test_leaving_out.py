"""Leaving one out: against users removed by brute force, and against the prototype's lists."""

import errno
import gc
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqrec.batches import Sequences
from seqrec.errors import SeqrecError
from seqrec.evidence.evidence_lists import Evidence, evidence_after
from seqrec.evidence.leaving_out import LEAST_DEGREE, LeavingOut, own_pairs
from seqrec.evidence.pair_tables import KINDS, Tables
from seqrec.evidence.training_lists import TrainingLists, mean_largest
from tests.counted import random_users, sequences_of, split_off
from tests.evidence.logs import ALL, ITEMS, Plain, dense, of_users, tables_of
from tests.golden_lists import told

GOLDEN = Path(__file__).parents[1] / "golden"
SCALES = torch.tensor([0.5, 1.0, 1.5, 1.0, 2.0, 3.0])
USERS = [*random_users(), [5, 5, 5, 2, 5], [7, 1], list(range(1, 12)) * 4]


@pytest.mark.parametrize("neighbours", [ALL, 6, 3])
@pytest.mark.parametrize("user", [0, 1, 5, 9, 30, 31, 32])
def test_it_is_the_log_without_the_user(user: int, neighbours: int) -> None:
    """All moments of a user, first and last; repeats; the pairs that are kept counted anew."""
    items = USERS[user]
    tables = of_users(USERS, neighbours=neighbours)
    found = LeavingOut(tables, SCALES, ITEMS).at(np.array(items), 1, len(items))
    whole = Plain(USERS)
    others = Plain([each for number, each in enumerate(USERS) if number != user])
    others.counts = [counts * kept(tables) for counts in others.counts]
    own = np.bincount(items, minlength=ITEMS + 1)
    for row, place in enumerate(range(1, len(items))):
        history = items[:place]
        values = others.values(history, whole, least=LEAST_DEGREE) / SCALES.numpy()[:, None]
        # a column none of whose evidence is of others has a degree of others alone
        expected = told(values, whole.degrees, history, ITEMS, whole.degrees.popularity - own)
        same_list(found, row, expected)


def test_a_pair_that_is_not_kept_is_not_taken_off() -> None:
    """2 keeps 4 and 5; what the user added to (2, 3) is not there, so 1 still says 3."""
    users = [[1, 2, 3], *[[2, 4]] * 6, *[[2, 5]] * 6, [1, 3]]
    tables = of_users(users, neighbours=2)
    assert not kept(tables)[2, 3]
    found = LeavingOut(tables, torch.ones(6), ITEMS).at(np.array(users[0]), 2, 3)
    told_of_three = found.features[0, found.columns[0].tolist().index(3)]
    # 1 is followed by 3 once, by another user, and weighs .4 here; its degree is that of the whole
    # log, 2 and further on 3 and again 3; without the user 3's degree is 1
    after = 0.4 * 2.8**-0.25
    assert told_of_three[1].item() == pytest.approx(np.log1p(20 * after) / 2, abs=1e-4)


def same_list(found: Evidence, row: int, expected: Any) -> None:
    """Entries by item: equals may stand in any order."""
    ours: dict[int, list[float]] = {
        item: features
        for item, features in zip(
            found.columns[row].tolist(), found.features[row].tolist(), strict=True
        )
        if item
    }
    theirs: dict[int, list[float]] = dict(zip(expected.columns, expected.features, strict=True))
    theirs.pop(0, None)
    assert ours.keys() == theirs.keys()
    for item, features in theirs.items():
        np.testing.assert_allclose(ours[item], features, atol=1e-3)
    np.testing.assert_allclose(found.moments[row].numpy(), expected.moments, atol=1e-3)


def kept(tables: Tables) -> Any:
    """Return (V, V) whether a pair stands in the tables."""
    return sum(dense(tables, kind) for kind in range(len(KINDS))) > 0


def test_own_pairs_by_hand() -> None:
    """5 2 5: 2 follows 5 once, 5 follows 2 once, 5 follows itself two places on."""
    own = own_pairs(np.array([5, 2, 5]), np.array([2, 5]))
    np.testing.assert_allclose(own.counts[0], [[0, 1], [1, 0]])
    np.testing.assert_allclose(own.counts[1], [[0.0, 1.0], [1.0, 0.8]])
    np.testing.assert_allclose(own.counts[2], [[0.0, 1.0], [1.0, 0.8]])
    np.testing.assert_allclose(own.counts[3], [[0, 1], [1, 0]])
    np.testing.assert_allclose(own.degrees[0], [1, 1.8])
    np.testing.assert_allclose(own.degrees[2], [1, 1.8])
    np.testing.assert_allclose(own.popularity, [1, 2])


def test_own_pairs_count_items_that_are_not_looked_at() -> None:
    own = own_pairs(np.array([9, 2, 5]), np.array([2, 5]))
    np.testing.assert_allclose(own.degrees[0], [1, 1.8])


def golden_log(data: Any) -> Sequences:
    users = np.split(data["items"].astype(int), np.cumsum(data["lengths"].astype(int))[:-1])
    return split_off(*(list(items) for items in users), num_items=int(data["items"].max()))


def read_lastfm(folder: Path) -> Sequences:
    lines = (folder / "datasets" / "sequences" / "LastFM.txt").read_text().splitlines()
    users = [[int(item) for item in line.split()[1:]] for line in lines]
    return split_off(*users, num_items=max(map(max, users)))


def check_against_prototype(data: Any, sequences: Sequences) -> None:
    """Lists, values and moments of the prototype, within half precision."""
    tables, length = tables_of(sequences, 10_000), data["valid_columns"].shape[1]
    scales = mean_largest(tables, sequences)
    np.testing.assert_allclose(scales.numpy(), data["scales"], rtol=1e-5)
    ends = sequences.train_ends()
    mean = torch.log1p(tables.popularity).mean()
    leaving_out = LeavingOut(tables, scales, length)
    for mode in ("valid", "train"):
        for row, (user, place) in enumerate(data[f"{mode}_ids"]):
            items = sequences.items[sequences.offsets[user] : ends[user]].astype(int)
            if mode == "train":
                found = leaving_out.at(items, place + 1, place + 2)
            else:
                found = evidence_after(tables, torch.from_numpy(items)[None], scales, length)
            values = torch.from_numpy(data[f"{mode}_values"][row]).float()
            features = torch.log1p(values * 20) / 2
            features[:, -1] = (torch.log1p(values[:, -1]) - mean) / 2
            columns, strength = data[f"{mode}_columns"][row].tolist(), values[:, :-1].sum(dim=1)
            theirs = {item: at for at, item in enumerate(columns) if item}
            ours = {item: at for at, item in enumerate(found.columns[0].tolist()) if item}
            weakest = float(strength[len(theirs) - 1]) * 1.002
            assert {item for item, at in theirs.items() if strength[at] > weakest} <= ours.keys()
            shared = [(ours[item], at) for item, at in theirs.items() if item in ours]
            assert len(shared) >= 0.9 * len(theirs)
            for mine, at in shared:
                np.testing.assert_allclose(found.features[0, mine], features[at], atol=2e-3)
            moments = torch.from_numpy(data[f"{mode}_moments"][row])
            counts = (torch.cat([moments[:2] - 2, moments[2:3] - 5])) / torch.tensor([1.5, 1.5, 2])
            expected = torch.cat([counts, torch.log1p(moments[3:] * 20) / 2 - 1])
            np.testing.assert_allclose(found.moments[0], expected, atol=2e-3)


def test_lists_of_a_made_log_are_the_prototypes() -> None:
    data = np.load(GOLDEN / "evidence_made.npz")
    check_against_prototype(data, golden_log(data))


def test_lists_of_lastfm_are_the_prototypes(shared_folder: Path) -> None:
    check_against_prototype(np.load(GOLDEN / "evidence_lastfm.npz"), read_lastfm(shared_folder))


@pytest.mark.parametrize("stale", [0, 2])
@pytest.mark.parametrize("max_len", [3, 50])
def test_lists_in_a_file_are_those_made_in_the_step(max_len: int, stale: int) -> None:
    sequences = sequences_of(*USERS, [4], num_items=ITEMS)
    tables = tables_of(sequences)
    stored, made = (
        TrainingLists(tables, SCALES, sequences, max_len, 8, most, stale) for most in (1e9, 0)
    )
    assert stored.stored is not None
    assert made.stored is None
    ends = sequences.train_ends()
    assert len(stored) == sum(min(max_len, len(items) - 1) for items in (*USERS, [4]))
    places = np.array([ends[0] - 1, ends[5] - 1, ends[5] - 2, sequences.offsets[3], ends[32] - 1])
    for mine, plain in zip(stored.at(places), made.at(places), strict=True):
        torch.testing.assert_close(mine, plain, rtol=1e-3, atol=1e-3)
    assert not made.at(places).columns[3].any(), "the first item has no history"
    assert made.at(places).columns[0].any()


def test_before_the_last_targets_the_evidence_is_older() -> None:
    """Counted without anybody's last two training items; before the others as it is."""
    sequences = sequences_of(*USERS, num_items=ITEMS)
    tables = tables_of(sequences)
    older, whole = (
        TrainingLists(tables, SCALES, sequences, 50, ITEMS, 1e9, stale) for stale in (2, 0)
    )
    plain = Plain([items[:-2] for items in USERS])
    for user in (0, 5, 30):
        end, items = int(sequences.train_ends()[user]), USERS[user]
        for back in (1, 2):
            values = plain.values(items[:-back]) / SCALES.numpy()[:, None]
            expected = told(values, plain.degrees, items[:-back], ITEMS)
            same_list(older.at(np.array([end - back])), 0, expected)
        before = np.array([end - 3])
        for mine, theirs in zip(older.at(before), whole.at(before), strict=True):
            assert torch.equal(mine, theirs)


def test_lists_made_in_the_step_need_nothing_of_the_device() -> None:
    """The model, its tables with it, moves to the device after they are ready."""
    sequences = sequences_of(*USERS, num_items=ITEMS)
    tables = tables_of(sequences)
    made = TrainingLists(tables, SCALES, sequences, 50, 8, 0, 2)
    places = sequences.train_ends()[[0, 5, 30]] - np.array([1, 3, 4])
    before = made.at(places)
    tables.to("meta")
    for mine, theirs in zip(made.at(places), before, strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("most", [1e9, 0])
def test_lists_in_a_file_keep_no_tables(most: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second set of them would stay for the whole training; lists of the step need both."""
    held: list[weakref.ref[Any]] = []
    for kind in (Tables, LeavingOut):

        def noted(*given: Any, kind: type = kind) -> Any:
            made = kind(*given)
            held.append(weakref.ref(made))
            return made

        monkeypatch.setattr(f"seqrec.evidence.training_lists.{kind.__name__}", noted)
    sequences = sequences_of(*USERS, num_items=ITEMS)
    lists = TrainingLists(tables_of(sequences), SCALES, sequences, 50, 8, most, 2)
    gc.collect()
    assert [each() is None for each in held] == [lists.stored is not None] * 2


def test_no_room_for_the_file_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    sequences = sequences_of(*USERS, num_items=ITEMS)
    monkeypatch.setattr("seqrec.evidence.training_lists.os.posix_fallocate", full, raising=False)
    with pytest.raises(SeqrecError, match=r"^no room for .* No space left .*stored_gigabytes$"):
        TrainingLists(tables_of(sequences), SCALES, sequences, 50, 8, 1e9)


def test_scales_of_many_users_are_those_of_some(monkeypatch: pytest.MonkeyPatch) -> None:
    sequences = sequences_of(*USERS, num_items=ITEMS)
    tables = tables_of(sequences)
    whole = mean_largest(tables, sequences)
    monkeypatch.setattr("seqrec.evidence.training_lists.MOST_HISTORIES", 20)
    some = mean_largest(tables, sequences)
    assert not torch.equal(some, whole)
    torch.testing.assert_close(some, whole, rtol=0.3, atol=0)
