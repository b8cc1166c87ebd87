"""Real logs through reading, filtering and sequences, against the published sequences.

They need the folder ``../shared/datasets``, which is no part of the repository.
"""

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import ibis
import pytest
import yaml

from seqrec.parameters.raw_sections import RawOptions
from seqrec.parameters.sections import FilteringOptions, IngestionOptions, SplittingOptions
from seqrec.preparation.filtering import filter_interactions
from seqrec.preparation.ingestion import read_log
from seqrec.preparation.raw_files import find_raw_file
from seqrec.preparation.sequence_lines import to_sequence_lines
from seqrec.preparation.sequences import build_sequences
from seqrec.preparation.titles import read_titles

BLOCKS = Path(__file__).parents[1] / "conf" / "base" / "parameters" / "datasets"


class Prepared(NamedTuple):
    """What came out, as text and as a count of users, items and interactions."""

    lines: str
    counts: tuple[int, int, int]
    filter_report: dict[str, Any]


def prepare(dataset: str, folder: Path, work_folder: Path) -> Prepared:
    """Run a configured data set from its raw file to its sequences."""
    block = yaml.safe_load((BLOCKS / f"{dataset}.yml").read_text())[dataset]
    raw_file = find_raw_file(dataset, RawOptions(**block["raw"]), folder)
    log = read_log(raw_file, IngestionOptions(), work_folder)
    engine = ibis.duckdb.connect(threads=2)
    interactions = engine.read_parquet(log.interactions)
    options = FilteringOptions(**block.get("filtering", {}))
    core, report = filter_interactions(interactions, options, log.report["timestamp_unit"])
    tables = build_sequences(core, SplittingOptions())
    numbers = [tables.users, tables.items, tables.sequences]
    users, items, rows = (int(table.count().to_pyarrow().as_py()) for table in numbers)
    return Prepared(to_sequence_lines(tables.sequences), (users, items, rows), report)


def histories(lines: str) -> list[list[str]]:
    return [line.split()[1:] for line in lines.splitlines()]


def test_amazon_2014_beauty_gives_the_published_bytes(shared_folder: Path, tmp_path: Path) -> None:
    folder = shared_folder / "datasets" / "raw" / "amazon-2014-beauty"
    prepared = prepare("amazon-2014-beauty", folder, tmp_path)
    published = (shared_folder / "datasets" / "sequences" / "Beauty.txt").read_bytes()
    assert prepared.lines.encode() == published


def test_yelp_2019_gives_the_published_bytes(shared_folder: Path, tmp_path: Path) -> None:
    # up to a renaming would do; the numbering makes even the names the same
    folder = shared_folder / "datasets" / "raw" / "yelp-2019"
    prepared = prepare("yelp-2019", folder, tmp_path)
    published = (shared_folder / "datasets" / "sequences" / "Yelp.txt").read_bytes()
    assert prepared.lines.encode() == published


def test_movielens_100k(shared_folder: Path, tmp_path: Path) -> None:
    folder = shared_folder / "datasets" / "raw" / "movielens-100k"
    assert prepare("movielens-100k", folder, tmp_path).counts == (943, 1349, 99_287)


@pytest.mark.parametrize(
    ("dataset", "titles", "item", "title"),
    [
        ("movielens-100k", 1682, "543", "Misérables, Les (1995)"),
        ("movielens-latest-small", 9742, "73", "Misérables, Les (1995)"),
    ],
)
def test_titles_of_movielens(
    dataset: str, titles: int, item: str, title: str, shared_folder: Path
) -> None:
    block = yaml.safe_load((BLOCKS / f"{dataset}.yml").read_text())[dataset]
    table = read_titles(RawOptions(**block["raw"]), shared_folder / "datasets/raw" / dataset)
    # as many as the publisher says there are films
    assert len(table) == titles
    named = dict(zip(*table.to_pydict().values(), strict=True))
    assert named[item] == title


def test_lastfm_gives_the_published_pairs(shared_folder: Path, tmp_path: Path) -> None:
    """The same user-item pairs, item by item, whatever the items are called.

    Users have the same numbers in both. A renaming of the items that keeps all pairs exists
    exactly if both files have the same sets of users an item, each as often.
    """
    folder = shared_folder / "datasets" / "raw" / "hetrec2011-lastfm-2k"
    prepared = prepare("hetrec2011-lastfm-2k", folder, tmp_path)
    assert prepared.counts == (1090, 3646, 52_551)
    published = (shared_folder / "datasets" / "sequences" / "LastFM.txt").read_text()
    assert audiences(prepared.lines) == audiences(published)
    # dates have no hour here: within a day the order is the file's, not the publisher's
    pairs = zip(histories(prepared.lines), histories(published), strict=True)
    assert [len(ours) for ours, _ in pairs] == [len(h) for h in histories(published)]


def audiences(lines: str) -> Counter[frozenset[int]]:
    """Return how many items have which set of users."""
    users: dict[str, set[int]] = {}
    for user, history in enumerate(histories(lines)):
        for item in history:
            users.setdefault(item, set()).add(user)
    return Counter(frozenset(audience) for audience in users.values())


@pytest.mark.parametrize(
    ("dataset", "folder", "rows"),
    [
        ("movielens-latest-small", "movielens-latest-small", 100_836),
        ("amazon-2018-all-beauty", "amazon-2018-small", 5_269),
        ("amazon-2018-fashion", "amazon-2018-small", 3_176),
        ("amazon-2018-gift-cards", "amazon-2018-small", 2_972),
    ],
)
def test_small_logs_run_and_say_what_was_dropped(
    dataset: str, folder: str, rows: int, shared_folder: Path, tmp_path: Path
) -> None:
    prepared = prepare(dataset, shared_folder / "datasets" / "raw" / folder, tmp_path)
    steps = prepared.filter_report["steps"]
    assert steps[0]["interactions"] == rows
    assert sum(step["dropped"] for step in steps) == rows - prepared.counts[2]
    users, items, interactions = prepared.counts
    last = (steps[-1]["users"], steps[-1]["items"], steps[-1]["interactions"])
    assert last == (users, items, interactions)


@pytest.mark.parametrize(
    ("dataset", "file"),
    [
        ("beauty", "Beauty.txt"),
        ("sports", "Sports_and_Outdoors.txt"),
        ("yelp", "Yelp.txt"),
        ("lastfm", "LastFM.txt"),
        ("ml-1m", "ML-1M.txt"),
    ],
)
def test_published_sequences_come_out_as_they_went_in(
    dataset: str, file: str, shared_folder: Path, tmp_path: Path
) -> None:
    folder = shared_folder / "datasets" / "sequences"
    prepared = prepare(dataset, folder, tmp_path)
    assert prepared.lines.encode() == (folder / file).read_bytes()
