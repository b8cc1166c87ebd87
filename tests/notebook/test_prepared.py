"""A log made ready."""

import tempfile
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest

from seqrec.errors import SeqrecError
from seqrec.notebook.log import read_log
from seqrec.notebook.prepared import prepare
from seqrec.parameters.sections import FilteringOptions, SplittingOptions
from seqrec.pipelines.filtering.nodes import keep_core_interactions
from seqrec.pipelines.sequences.nodes import order_and_split
from seqrec.preparation.titles import TITLES
from tests.notebook.circles import ITEMS, LENGTH, USERS, circle_log

ALL: dict[str, Any] = {"user_core": 0, "item_core": 0}


def small() -> pd.DataFrame:
    """Two users and a visitor; the second user's rows stand first."""
    rows = [
        *(("b", "y", 5, 1.0), ("b", "x", 4, 5.0), ("a", "x", 1, 5.0), ("b", "x", 9, 5.0)),
        *(("a", "z", 2, 5.0), ("a", "y", 3, 5.0), ("visitor", "x", 7, 5.0)),
    ]
    return pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp", "rating"])


def test_sequences_are_in_order_numbered_and_split() -> None:
    data = prepare(small(), user_core=2, item_core=0)

    assert data.users["user_id"].to_pylist() == ["b", "a"]
    assert data.items["item_id"].to_pylist() == ["x", "y", "z"]
    assert data.sequences.select(["user_index", "item_index", "split"]).to_pydict() == {
        "user_index": [1, 1, 1, 2, 2, 2],
        "item_index": [1, 2, 1, 1, 3, 2],
        "split": ["train", "valid", "test"] * 2,
    }
    assert data.report["steps"][-1]["dropped"] == 1
    counts = "6 interactions of 2 users with 3 items (2 train, 2 valid, 2 test)"
    assert repr(data) == f"Data table: {counts}"


def test_histories_are_in_the_logs_own_ids() -> None:
    data = prepare(small(), user_core=2, item_core=0)

    assert data.history("a") == ["x", "z", "y"]
    assert data.histories().to_pydict() == {
        "user_id": ["b", "a"],
        "history": [["x", "y", "x"], ["x", "z", "y"]],
    }
    with pytest.raises(SeqrecError, match="no user 'visitor'"):
        data.history("visitor")


@pytest.mark.parametrize(
    ("options", "interactions", "training"),
    [
        (ALL, 7, 3),
        ({**ALL, "start": 2, "end": 9}, 6, 4),
        ({**ALL, "repeats": "first"}, 6, 4),
        ({**ALL, "filtering": {"repeats": "first"}}, 6, 4),
        ({**ALL, "strategy": "temporal", "valid_share": 0.3, "test_share": 0.3}, 7, 3),
        ({**ALL, "memory_limit": "200MB", "threads": 1}, 7, 3),
    ],
)
def test_options_of_three_sections(
    options: dict[str, Any], interactions: int, training: int
) -> None:
    data = prepare(small(), **options)
    assert len(data.sequences) == interactions
    assert data.sequences["split"].to_pylist().count("train") == training


def test_a_threshold_asks_for_ratings() -> None:
    data = prepare(read_log(small(), rating="rating"), **ALL, min_rating=2)
    assert len(data.sequences) == 6
    with pytest.raises(SeqrecError, match=r"no rating was read .* read_log\(…, rating=COLUMN\)"):
        prepare(small(), **ALL, min_rating=2)


def test_it_is_what_the_nodes_make() -> None:
    log = read_log(circle_log())
    table = ibis.memtable(log.interactions)
    filtering, splitting = FilteringOptions(user_core=3), SplittingOptions(strategy="ratio")

    core, report = keep_core_interactions(table, log.report, filtering)
    tables = order_and_split(core, report, ibis.memtable(TITLES.empty_table()), splitting)
    data = prepare(log, user_core=3, strategy="ratio")

    for ours, theirs in zip((data.sequences, data.users, data.items), tables, strict=True):
        assert ours.equals(theirs.to_pyarrow())
    assert data.report == report
    assert len(data.sequences) == USERS * LENGTH
    assert len(data.items) == ITEMS


def test_nothing_is_left_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.chdir(tmp_path / "here")

    prepare(circle_log())
    prepare(circle_log(), spill_directory=str(tmp_path / "spill"))

    left = sorted(path.name for path in tmp_path.rglob("*"))
    assert left == ["here", "spill", "temporary"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"usercore": 3}, "unknown option 'usercore' of prepare; did you mean 'user_core'?"),
        ({"user_core": -1}, "parameter filtering.user_core: "),
        ({"strategy": "random"}, "parameter splitting.strategy: "),
        ({"user_core": 100}, "filtering: step 'k-core pass 1'"),
        ({"memory_limit": "1MB"}, "the data engine needs more memory, raise memory_limit"),
        ({"spill_directory": "/dev/null/x"}, "engine.spill_directory=/dev/null/x: cannot write"),
    ],
)
def test_what_cannot_be_is_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SeqrecError) as raised:
        prepare(circle_log(), **options)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def test_it_shows_what_each_filter_left() -> None:
    html = prepare(small(), user_core=2, item_core=0)._repr_html_()
    assert "raw log</td>" in html
    assert "k-core pass 1</td>" in html
