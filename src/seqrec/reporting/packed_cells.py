"""Results small enough to lie in a repository: of each cell and seed what its tables need.

A folder holds for each data set the test targets and the facts of them, and for each model,
protocol and seed the ranks of these targets, the metrics and the training history. From it alone
the book is made again (``seqrec.reporting.book``). Ranks are kept as whole numbers, doubled, for
ties give halves.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from seqrec.cell import Cell
from seqrec.errors import SeqrecError
from seqrec.evaluation.over_seeds import over_ranks
from seqrec.files import replacing
from seqrec.reporting.breakdowns import facts_of
from seqrec.reporting.cells import (
    Group,
    Histories,
    Metrics,
    RankedTargets,
    Ranks,
    grouped,
    ranked_targets,
)

TARGETS, METRICS, RANKS = "targets.parquet", "metrics.json", "test_ranks.parquet"
HISTORY = "training_history.parquet"
CHOSEN_BY = "NDCG@10"
COMPACT = {"compression": "zstd", "compression_level": 19, "store_schema": False}


@dataclass(frozen=True)
class Unpacked:
    """What the tables of the book are made of."""

    metrics: Metrics
    """Of the test split, over the seeds."""
    ranks: Ranks
    """Of the test targets."""
    histories: Histories
    facts: Mapping[str, pd.DataFrame]
    """By data set, as from ``target_facts``, of its test targets."""
    references: Mapping[Group, str]
    """Each group's best model in validation."""


class _Seed(NamedTuple):
    """One seed of a cell, as it lies in its folder."""

    number: int
    metrics: dict[str, Any]
    ranks: npt.NDArray[np.float64]
    history: pa.Table


def pack(
    cell: Cell,
    metrics: Mapping[str, Any],
    ranks: pa.Table,
    history: pa.Table,
    facts: pd.DataFrame,
    folder: Path,
) -> list[Path]:
    """Put a cell into a folder of packed ones; seeds that are there already are written again.

    Args:
        cell: whose results they are.
        metrics: the content of its metrics.json.
        ranks: all its ranks, of which those of the test split are kept.
        history: its training history.
        facts: as from ``target_facts``.
        folder: where they go.

    Returns:
        The folders of its seeds.

    Raises:
        SeqrecError: its targets are others than those of the models that are there.
    """
    targets = ranked_targets(cell, ranks)
    kept = facts_of(cell, targets, facts[facts["split"] == "test"]).reset_index(drop=True)
    _keep_targets(folder / cell.dataset / TARGETS, cell, kept.drop(columns="split"))
    written = []
    for seed, measured in zip(targets.seeds, targets.ranks, strict=True):
        place = folder / cell.id / str(seed)
        with replacing(place) as unfinished:
            unfinished.mkdir()
            _write_ranks(measured, unfinished / RANKS)
            small = _small_metrics(cell, metrics, seed)
            (unfinished / METRICS).write_text(json.dumps(small, separators=(",", ":")) + "\n")
            of_seed = history.filter(pc.equal(history["seed"], seed))
            pq.write_table(of_seed, unfinished / HISTORY, write_statistics=False, **COMPACT)
        written.append(place)
    return written


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
    tables = {name: _targets_of(folder / name) for name in sorted({cell.dataset for cell in seeds})}
    targets = {
        cell: _ranked(cell, of_cell, tables[cell.dataset]) for cell, of_cell in seeds.items()
    }
    return Unpacked(
        {cell: _test_metrics(seeds[cell], targets[cell]) for cell in seeds},
        {cell: _ranks_table(targets[cell]) for cell in seeds},
        {cell: pa.concat_tables([seed.history for seed in seeds[cell]]) for cell in seeds},
        {name: table.assign(split="test") for name, table in tables.items()},
        {group: _best_in_validation(cells, seeds) for group, cells in grouped(seeds).items()},
    )


def _keep_targets(path: Path, cell: Cell, targets: pd.DataFrame) -> None:
    """Write the targets of a data set; where they are already, make sure that they are the same."""
    table = pa.Table.from_pandas(targets, preserve_index=False).replace_schema_metadata(None)
    if path.exists():
        if not pq.read_table(path).equals(table):
            raise SeqrecError(
                f"{cell.id} ranked other targets than the models packed before it; pack them into "
                f"another folder, or remove {path.parent}"
            )
        return
    with replacing(path) as unfinished:
        pq.write_table(table, unfinished, write_statistics=False, **COMPACT)


def _write_ranks(ranks: npt.NDArray[np.float64], path: Path) -> None:
    doubled = np.where(np.isinf(ranks), 0, 2 * ranks)
    assert (doubled == np.rint(doubled)).all(), "a rank is a whole or a half number"
    kind = np.uint16 if doubled.max(initial=0) < 2**16 else np.int32
    table = pa.table({"doubled_rank": doubled.astype(kind)})
    pq.write_table(table, path, use_dictionary=False, write_statistics=False, **COMPACT)


def _small_metrics(cell: Cell, metrics: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Return what a seed reached: the values by split, and how it was trained and ranked."""
    of_seed = metrics["by_seed"][str(seed)]
    values = {
        split: {label: measured["value"] for label, measured in content["metrics"].items()}
        for split, content in of_seed["splits"].items()
    }
    facts = {"dataset": cell.dataset, "model": cell.model, "protocol": cell.protocol, "seed": seed}
    told = {name: metrics[name] for name in ("seen_items",) if name in metrics}
    rest = {name: of_seed[name] for name in ("best_epoch", "fingerprint") if name in of_seed}
    return {**facts, **told, **rest, **values}


def _seeds_in(folder: Path) -> dict[Cell, list[_Seed]]:
    """Return the seeds of all cells, in order."""
    found: dict[Cell, list[_Seed]] = {}
    for file in sorted(folder.glob(f"*/*/*/*/{METRICS}")):
        name, _, seed = file.parent.relative_to(folder).as_posix().rpartition("/")
        if seed.isdecimal():
            found.setdefault(Cell.from_id(name), []).append(_read_seed(file.parent, int(seed)))
    return {cell: sorted(found[cell], key=lambda seed: seed.number) for cell in sorted(found)}


def _read_seed(place: Path, seed: int) -> _Seed:
    try:
        metrics = json.loads((place / METRICS).read_text(encoding="utf-8"))
        doubled = pq.read_table(place / RANKS)["doubled_rank"].to_numpy()
        history = pq.read_table(place / HISTORY)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise SeqrecError(f"{place}: damaged or unfinished ({error}); pack it again") from None
    return _Seed(seed, metrics, np.where(doubled == 0, math.inf, doubled / 2), history)


def _targets_of(folder: Path) -> pd.DataFrame:
    path = folder / TARGETS
    if not path.is_file():
        raise SeqrecError(f"{path} is missing; pack a cell of {folder.name} again")
    table: pd.DataFrame = pq.read_table(path).to_pandas()
    return table


def _ranked(cell: Cell, seeds: list[_Seed], targets: pd.DataFrame) -> RankedTargets:
    if any(len(seed.ranks) != len(targets) for seed in seeds):
        raise SeqrecError(f"{cell.id}: not as many ranks as targets; pack it again")
    return RankedTargets(
        targets["user_index"].to_numpy(),
        targets["item_index"].to_numpy(),
        tuple(seed.number for seed in seeds),
        np.stack([seed.ranks for seed in seeds]),
    )


def _test_metrics(seeds: list[_Seed], targets: RankedTargets) -> dict[str, Any]:
    """Return what metrics.json has of the test split, all seeds together."""
    labels = seeds[0].metrics["test"]
    measured = {label: over_ranks(label, targets.ranks, targets.users) for label in labels}
    by_seed = {str(seed.number): {"best_epoch": seed.metrics["best_epoch"]} for seed in seeds}
    test = {"metrics": measured, "targets": len(targets.users)}
    return {"seeds": list(targets.seeds), "splits": {"test": test}, "by_seed": by_seed}


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


def _best_in_validation(cells: list[Cell], seeds: Mapping[Cell, list[_Seed]]) -> str:
    """Return the model with the highest value, mean over its seeds; ties by name."""

    def value(cell: Cell) -> float:
        return float(np.mean([seed.metrics["valid"][CHOSEN_BY] for seed in seeds[cell]]))

    return min(cells, key=lambda cell: (-value(cell), cell.model)).model
