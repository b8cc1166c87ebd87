"""The data pipeline as one writes it first in pandas: read, 5-core, sort, number, split, count.

It gives the same tables as the project's own pipelines (users, items, sequences and
transition_graph), which a test compares; it keeps no other table, no report of broken rows and
no checksum, and its memory grows with the log. With ``--ids-first`` it is what one writes next:
numbers for the ids before anything is counted.
"""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

CORE = 5


class Keys(NamedTuple):
    """The columns by which users and items are told apart, and the order of the users."""

    user: str
    item: str
    user_order: str


NAMES = Keys("user_id", "item_id", "user_first_row")
NUMBERS = Keys("user", "item", "user")


def main() -> None:
    """``python -m benchmarks.plain.data_pipeline LOG.csv FOLDER [--ids-first]``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("log", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ids-first", action="store_true")
    options = parser.parse_args()
    run(options.log, options.folder, options.ids_first)


def run(log: Path, folder: Path, ids_first: bool = False) -> None:
    """Write the four tables of a CSV log into a folder; the stages are named on stderr."""
    _announce("ingestion")
    rows = pd.read_csv(log)
    _announce("filtering")
    keys = NUMBERS if ids_first else NAMES
    core = k_core(number_ids(rows) if ids_first else with_first_rows(rows), keys)
    del rows
    _announce("sequences")
    sequences, users, items = build_sequences(core, keys)
    del core
    for name, table in {"sequences": sequences, "users": users, "items": items}.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    _announce("transitions")
    graph = count_transitions(sequences)
    graph.to_parquet(folder / "transition_graph.parquet", index=False)


def with_first_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with each user's first row in the log: the order of the users."""
    numbered = rows.assign(row=np.arange(len(rows)))
    return rows.assign(user_first_row=numbered.groupby("user_id")["row"].transform("min"))


def number_ids(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with ``user`` and ``item`` numbers, in order of first appearance."""
    user, _ = pd.factorize(rows["user_id"])
    item, _ = pd.factorize(rows["item_id"])
    return rows.assign(user=user.astype(np.int32), item=item.astype(np.int32))


def k_core(rows: pd.DataFrame, keys: Keys) -> pd.DataFrame:
    """Drop rare users, then rare items, until none is rare."""
    while True:
        before = len(rows)
        for key in (keys.user, keys.item):
            rows = rows[rows.groupby(key)[key].transform("size") >= CORE]
        if len(rows) == before:
            return rows


def build_sequences(
    core: pd.DataFrame, keys: Keys
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return sequences, users and items: every user's rows oldest first, the last two held out."""
    # A stable sort: ties keep the order of the file.
    rows = core.sort_values([keys.user_order, "timestamp"], kind="stable", ignore_index=True)
    user_index, _ = pd.factorize(rows[keys.user])
    item_index, _ = pd.factorize(rows[keys.item])
    rows["user_index"] = (user_index + 1).astype(np.int32)
    rows["item_index"] = (item_index + 1).astype(np.int32)
    by_user = rows.groupby("user_index")
    rows["position"] = by_user.cumcount().astype(np.int32)
    left = by_user.cumcount(ascending=False)
    # Of fewer than three interactions none is held out; in a 5-core there is no such user.
    rows["split"] = np.select([left == 0, left == 1], ["test", "valid"], "train")
    columns = ["user_index", "position", "item_index", "timestamp", "split"]
    users = rows[["user_index", "user_id"]].drop_duplicates("user_index")
    items = rows[["item_index", "item_id"]].drop_duplicates("item_index")
    return rows[columns], users, items


def count_transitions(sequences: pd.DataFrame) -> pd.DataFrame:
    """Return how often one item directly follows another in the training part."""
    train = sequences[sequences["split"] == "train"]
    following = train.groupby("user_index")["item_index"].shift(-1)
    pairs = pd.DataFrame({"source_item": train["item_index"], "target_item": following}).dropna()
    pairs["target_item"] = pairs["target_item"].astype(np.int32)
    return pairs.groupby(["source_item", "target_item"]).size().reset_index(name="count")


def _announce(stage: str) -> None:
    print(f"stage {stage}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
