"""The sequences to measure on: a file of the papers, a table of this project, or made up.

A published file has a line a user, ``user item item …``, oldest first; the last item is the test
target, the one before it the validation target. Read with numpy and plain Python, for a machine
on which only training runs has no data engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks import ROOT
from seqrec.batches import SPLITS, Sequences
from seqrec.errors import SeqrecError

FILES = {
    "beauty": "Beauty.txt",
    "sports": "Sports_and_Outdoors.txt",
    "toys": "Toys_and_Games.txt",
    "yelp": "Yelp.txt",
    "lastfm": "LastFM.txt",
    "ml-1m": "ML-1M.txt",
}
"""Data set → the published file of its sequences."""
SYNTHETIC, AUTO = "synthetic", "auto"
TABLE = "sequences.parquet"
SCHEMA = pa.schema(
    {
        "user_index": pa.int32(),
        "position": pa.int32(),
        "item_index": pa.int32(),
        "split": pa.string(),
    }
)
BEAUTY_USERS, BEAUTY_ITEMS = 22_363, 12_101
SHORTEST, LONGEST = 5, 204
TAIL, SCALE = 2.2, 5.0
"""Lomax: lengths of 8.7 on average, a third of them the shortest, one in twenty above 20."""
SKEW = 3.0

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Lists:
    """Every user's item numbers as Python lists: what a plain form starts from."""

    train: list[list[int]]
    valid: list[int]
    """0 where a user has too few interactions to keep one apart."""
    test: list[int]


def find_file(dataset: str, data: Path | None = None) -> Path | None:
    """Return the file to read; None means made-up sequences.

    Args:
        dataset: a name of FILES, ``synthetic``, or ``auto``: Beauty if it is there.
        data: the file itself or the folder it lies in; None looks in the usual folders.

    Raises:
        SeqrecError: the file is not there.
    """
    if dataset == SYNTHETIC:
        return None
    named = "beauty" if dataset == AUTO else dataset
    if data and data.is_file():
        return data
    usual = [ROOT / "data/01_raw" / named, ROOT.parent / "shared/datasets/sequences"]
    folders = [data] if data else usual
    for file in (folder / name for folder in folders for name in (FILES[named], TABLE)):
        if file.is_file():
            return file
    if dataset == AUTO and data is None:
        return None
    raise SeqrecError(
        f"no {FILES[named]} in {' or '.join(map(str, folders))}; name the file, --data FILE, "
        "or measure on made-up sequences, --dataset synthetic"
    )


def read(file: Path) -> pa.Table:
    """Return the ``sequences`` table (user_index, position, item_index, split) of a file.

    Raises:
        SeqrecError: the file has something else in it.
    """
    is_table = file.suffix == ".parquet"
    try:
        return _checked(pq.read_table(file, columns=SCHEMA.names)) if is_table else _lines(file)
    except (ValueError, OverflowError, pa.ArrowException, OSError) as error:
        form = "a sequences.parquet of this project" if is_table else "lines 'user item item …'"
        why = str(error).strip().partition("\n")[0]
        raise SeqrecError(
            f"{file} cannot be read as {form} ({why}); name another, --data FILE"
        ) from None


def _checked(sequences: pa.Table) -> pa.Table:
    """Return the table in the project's types; complain if values are missing or below 1."""
    sequences = sequences.cast(SCHEMA)
    if not len(sequences) or any(column.null_count for column in sequences.columns):
        raise ValueError("rows or values are missing")
    if min(pc.min(sequences[name]).as_py() for name in ("user_index", "item_index")) < 1:
        raise ValueError("user_index and item_index should be at least 1")
    if not pc.all(pc.is_in(sequences["split"], pa.array(SPLITS))).as_py():
        raise ValueError(f"split should be one of {', '.join(SPLITS)}")
    return sequences


def _lines(file: Path) -> pa.Table:
    users = [
        list(map(int, line.split()[1:])) for line in file.read_text(encoding="utf-8").splitlines()
    ]
    if not any(users):
        raise ValueError("no items in it")
    lengths = np.array([len(items) for items in users], dtype=np.int64)
    items = np.concatenate([np.array(items, dtype=np.int64) for items in users])
    numbers = np.unique(items, return_inverse=True)[1] + 1
    return table(lengths, numbers)


def make(users: int = BEAUTY_USERS, items: int = BEAUTY_ITEMS, seed: int = 0) -> pa.Table:
    """Return made-up sequences of the shape of Beauty: lengths and popularity with long tails."""
    rng = np.random.default_rng(seed)
    lengths = np.minimum(SHORTEST + (rng.pareto(TAIL, users) * SCALE).astype(np.int64), LONGEST)
    total = int(lengths.sum())
    everything = np.arange(min(items, total))  # no item without an interaction
    rest = (items * rng.random(total - len(everything)) ** SKEW).astype(np.int64)
    return table(lengths, rng.permutation(np.concatenate([everything, rest])) + 1)


def table(lengths: Counts, items: Counts) -> pa.Table:
    """Return the table of users with (U,) ``lengths`` and (N,) items; leave-one-out."""
    users = np.repeat(np.arange(len(lengths)), lengths)
    position = np.arange(len(items)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    left = np.repeat(lengths, lengths) - position  # 1 for a user's last interaction
    split = np.where(lengths[users] < 3, 0, np.select([left == 1, left == 2], [2, 1], 0))
    return pa.table(
        {
            "user_index": pa.array((users + 1).astype(np.int32)),
            "position": pa.array(position.astype(np.int32)),
            "item_index": pa.array(items.astype(np.int32)),
            "split": pa.array(np.array(SPLITS)[split]),
        }
    )


def write_lines(sequences: Sequences, file: Path) -> None:
    """Write ``user item item …`` a line."""
    bounds = zip(sequences.offsets[:-1], sequences.offsets[1:], strict=True)
    lines = (
        " ".join(map(str, [user, *sequences.items[first:last].tolist()]))
        for user, (first, last) in enumerate(bounds, start=1)
    )
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_lists(file: Path) -> Lists:
    """Read ``user item item …`` a line, the last item for test, the one before for validation."""
    train, valid, test = [], [], []
    for line in file.read_text(encoding="utf-8").splitlines():
        items = [int(part) for part in line.split()[1:]]
        enough = len(items) >= 3
        train.append(items[:-2] if enough else items)
        valid.append(items[-2] if enough else 0)
        test.append(items[-1] if enough else 0)
    return Lists(train, valid, test)
