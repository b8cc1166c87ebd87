"""Packed cells, read: what the tables of the book are made of."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from seqrec.cell import Cell
from seqrec.errors import SeqrecError
from seqrec.evaluation.over_seeds import over_ranks
from seqrec.reporting.cells import Group, Histories, Metrics, RankedTargets, Ranks, grouped
from seqrec.reporting.packed_cells import (
    CHOSEN_BY,
    HISTORY,
    METRICS,
    RANKS,
    PackedSeed,
    digest,
    read_targets,
    targets_path,
)

BROKEN = (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException)


@dataclass(frozen=True)
class Unpacked:
    """What the tables of the book are made of."""

    metrics: Metrics
    """Of the test split, over the seeds."""
    ranks: Ranks
    """Of the test targets."""
    histories: Histories
    facts: Mapping[Group, pd.DataFrame]
    """As from ``target_facts``, of the test targets."""
    references: Mapping[Group, str]
    """Each group's best model in validation."""


def unpack(folder: Path) -> Unpacked:
    """Read all packed cells of a folder.

    Raises:
        SeqrecError: there are none, or one is damaged.
    """
    seeds = _seeds_in(folder)
    if not seeds:
        raise SeqrecError(
            f"{folder}: no packed cells (DATASET/MODEL/PROTOCOL/SEED/{METRICS}) there; name the "
            "folder that holds them"
        )
    groups = grouped(seeds)
    tables = {group: read_targets(targets_path(folder, group)) for group in groups}
    targets = {
        cell: _ranked(cell, seeds[cell], tables[group])
        for group, cells in groups.items()
        for cell in cells
    }
    return Unpacked(
        {cell: _test_metrics(seeds[cell], targets[cell]) for cell in seeds},
        {cell: _ranks_table(targets[cell]) for cell in seeds},
        {cell: _joined([seed.history for seed in seeds[cell]]) for cell in seeds},
        {group: table.assign(split="test") for group, table in tables.items()},
        {group: _best_in_validation(cells, seeds) for group, cells in groups.items()},
    )


def _joined(histories: list[pa.Table]) -> pa.Table:
    """Return the histories of several seeds, which may have measured different things."""
    return pa.concat_tables(histories, promote_options="permissive")


def _seeds_in(folder: Path) -> dict[Cell, list[PackedSeed]]:
    """Return the seeds of all cells, in order."""
    found: dict[Cell, list[PackedSeed]] = {}
    for file in sorted(folder.glob(f"*/*/*/*/{METRICS}")):
        name, _, seed = file.parent.relative_to(folder).as_posix().rpartition("/")
        if seed.startswith("."):  # what was being written
            continue
        if not seed.isdecimal():
            raise SeqrecError(f"{file.parent}: a seed is a number; give the folder another name")
        found.setdefault(Cell.from_id(name), []).append(_read_seed(file.parent, int(seed)))
    return {cell: sorted(found[cell], key=lambda seed: seed.number) for cell in sorted(found)}


def _read_seed(place: Path, seed: int) -> PackedSeed:
    try:
        metrics = json.loads((place / METRICS).read_text(encoding="utf-8"))
        numbers = (metrics["best_epoch"], metrics["valid"][CHOSEN_BY], *metrics["test"].values())
        if not all(isinstance(number, (int, float)) for number in numbers):
            raise ValueError(f"{METRICS} has something else than numbers")
        metrics["targets"].encode()
        doubled = pq.read_table(place / RANKS)["doubled_rank"].to_numpy()
        history = pq.read_table(place / HISTORY)
        if not (history["seed"].to_numpy() == seed).all() or not len(history):
            raise ValueError(f"its history is not that of seed {seed}")
    except BROKEN as error:
        reason = str(error) if isinstance(error, (OSError, ValueError)) else f"{error} is missing"
        raise SeqrecError(f"{place}: damaged or unfinished ({reason}); pack it again") from None
    return PackedSeed(seed, metrics, np.where(doubled == 0, math.inf, doubled / 2), history)


def _ranked(cell: Cell, seeds: list[PackedSeed], targets: pd.DataFrame) -> RankedTargets:
    if any(len(seed.ranks) != len(targets) for seed in seeds):
        raise SeqrecError(f"{cell.id}: not as many ranks as targets; pack it again")
    if any(seed.metrics["targets"] != digest(targets) for seed in seeds):
        raise SeqrecError(
            f"{cell.id} ranked other targets than those that lie there; pack it again"
        )
    rules = sorted({str(seed.metrics.get("seen_items")) for seed in seeds})
    if len(rules) > 1:
        raise SeqrecError(
            f"the seeds of {cell.id} were ranked with different seen_items ({', '.join(rules)}); "
            "evaluate and pack all of them again"
        )
    return RankedTargets(
        targets["user_index"].to_numpy(),
        targets["item_index"].to_numpy(),
        tuple(seed.number for seed in seeds),
        np.stack([seed.ranks for seed in seeds]),
    )


def _test_metrics(seeds: list[PackedSeed], targets: RankedTargets) -> dict[str, Any]:
    """Return what metrics.json has of the test split, all seeds together."""
    labels = seeds[0].metrics["test"]
    measured = {label: over_ranks(label, targets.ranks, targets.users) for label in labels}
    by_seed = {str(seed.number): {"best_epoch": seed.metrics["best_epoch"]} for seed in seeds}
    test = {"metrics": measured, "targets": len(targets.users)}
    told = {"seen_items": seeds[0].metrics.get("seen_items"), "seeds": list(targets.seeds)}
    return {**told, "splits": {"test": test}, "by_seed": by_seed}


def _ranks_table(targets: RankedTargets) -> pa.Table:
    seeds, count = len(targets.seeds), len(targets.users)
    return pa.table(
        {
            "seed": np.repeat(np.array(targets.seeds, dtype=np.int64), count),
            "split": pa.array(["test"] * (seeds * count)),
            "user_index": np.tile(targets.users, seeds),
            "item_index": np.tile(targets.items, seeds),
            "rank": targets.ranks.ravel(),
        }
    )


def _best_in_validation(cells: list[Cell], seeds: Mapping[Cell, list[PackedSeed]]) -> str:
    """Return the model with the highest value, mean over its seeds; ties by name."""

    def value(cell: Cell) -> float:
        return float(np.mean([seed.metrics["valid"][CHOSEN_BY] for seed in seeds[cell]]))

    return min(cells, key=lambda cell: (-value(cell), cell.model)).model
