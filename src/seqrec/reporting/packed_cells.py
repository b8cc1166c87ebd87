"""Results small enough to lie in a repository: of each cell and seed what its tables need.

A folder holds for each data set and protocol the test targets and the facts of them, and for each
model and seed the ranks of these targets, the metrics and the training history. From it alone
the book is made again (``seqrec.reporting.book``). Ranks are kept as whole numbers, doubled, for
ties give halves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
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
from seqrec.files import replacing
from seqrec.reporting.breakdowns import facts_of
from seqrec.reporting.cells import (
    Group,
    ranked_targets,
)

METRICS, RANKS, HISTORY = "metrics.json", "test_ranks.parquet", "training_history.parquet"
CHOSEN_BY = "NDCG@10"
KEYS = ["user_index", "item_index"]
BROKEN = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    AssertionError,
    pa.ArrowException,
)
COMPACT = {"compression": "zstd", "compression_level": 19, "store_schema": False}


class PackedSeed(NamedTuple):
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
        SeqrecError: its targets are others than those of the models that are there, or its
            tables do not hold the same seeds. Nothing is written then.
    """
    targets = ranked_targets(cell, ranks)
    kept = facts_of(cell, targets, facts[facts["split"] == "test"]).reset_index(drop=True)
    table = pa.Table.from_pandas(kept.drop(columns="split"), preserve_index=False)
    path = targets_path(folder, Group(cell.dataset, cell.protocol))
    _check_targets(path, cell, table)
    seeds = [
        PackedSeed(
            seed,
            _small_metrics(cell, metrics, seed) | {"targets": digest(kept)},
            _checked_ranks(cell, of_seed),
            _history_of(cell, history, seed),
        )
        for seed, of_seed in zip(targets.seeds, targets.ranks, strict=True)
    ]
    if not path.exists():
        with replacing(path) as unfinished:
            plain = table.replace_schema_metadata(None)
            pq.write_table(plain, unfinished, write_statistics=False, **COMPACT)
    return [_write(seed, folder / cell.id / str(seed.number)) for seed in seeds]


def targets_path(folder: Path, group: Group) -> Path:
    """Return where the targets of a data set and protocol lie."""
    return folder / group.dataset / f"targets.{group.protocol}.parquet"


def _check_targets(path: Path, cell: Cell, targets: pa.Table) -> None:
    """Make sure that the targets are those of the models packed before."""
    if not path.exists():
        return
    there = pa.Table.from_pandas(read_targets(path), preserve_index=False)
    if not there.select(KEYS).equals(targets.select(KEYS)):
        raise SeqrecError(
            f"{cell.id} ranked other targets than the models packed before it; pack it into "
            "another folder"
        )
    if not there.equals(targets):
        raise SeqrecError(
            f"{cell.id}: the training part of {cell.dataset} is not that of the models packed "
            "before it, for other facts are known of the targets; pack it into another folder"
        )


def _checked_ranks(cell: Cell, ranks: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    finite = ranks[np.isfinite(ranks)]
    if (2 * finite != np.rint(2 * finite)).any() or (finite < 1).any():
        raise SeqrecError(f"{cell.id}: ranks that are none; evaluate it again")
    return ranks


def _history_of(cell: Cell, history: pa.Table, seed: int) -> pa.Table:
    rows = history.filter(pc.equal(history["seed"], seed)) if "seed" in history.column_names else []
    if not len(rows):
        raise SeqrecError(f"{cell.id} has no training history of seed {seed}; train it again")
    return rows


def _write(seed: PackedSeed, place: Path) -> Path:
    doubled = np.where(np.isinf(seed.ranks), 0, 2 * seed.ranks)
    kind = np.uint16 if doubled.max(initial=0) < 2**16 else np.int32
    table = pa.table({"doubled_rank": doubled.astype(kind)})
    text = json.dumps(seed.metrics, separators=(",", ":")) + "\n"
    with replacing(place) as unfinished:
        unfinished.mkdir()
        pq.write_table(
            table, unfinished / RANKS, use_dictionary=False, write_statistics=False, **COMPACT
        )
        (unfinished / METRICS).write_text(text, encoding="utf-8", newline="\n")
        pq.write_table(seed.history, unfinished / HISTORY, write_statistics=False, **COMPACT)
    return place


def digest(targets: pd.DataFrame) -> str:
    """Return what tells these targets from others: every seed says which it ranked."""
    keys = np.ascontiguousarray(targets[KEYS].to_numpy(), dtype="<i8")
    return sha256(keys.tobytes()).hexdigest()[:16]


def _small_metrics(cell: Cell, metrics: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Return what a seed reached: the values by split, and how it was trained and ranked."""
    try:
        of_seed = metrics["by_seed"][str(seed)]
        values = {
            split: {label: found["value"] for label, found in content["metrics"].items()}
            for split, content in of_seed["splits"].items()
        }
        missing = CHOSEN_BY not in values["valid"] or not values["test"]
        told = {"best_epoch": of_seed["best_epoch"]}
    except (KeyError, TypeError, AttributeError):
        raise SeqrecError(
            f"{cell.id}: its {METRICS} is damaged, of an earlier version, or lacks seed {seed}; "
            "evaluate it again"
        ) from None
    if missing:
        raise SeqrecError(
            f"{cell.id} was not measured at {CHOSEN_BY} in validation, by which the best model is "
            "found; add its cutoff to evaluation.cutoffs and evaluate it again"
        )
    facts = {"dataset": cell.dataset, "model": cell.model, "protocol": cell.protocol, "seed": seed}
    told |= {name: of_seed[name] for name in ("fingerprint",) if name in of_seed}
    told |= {name: metrics[name] for name in ("seen_items",) if name in metrics}
    return {**facts, **told, **values}


def read_targets(path: Path) -> pd.DataFrame:
    """Return the targets and their facts.

    Raises:
        SeqrecError: they are missing or damaged.
    """
    try:
        table: pd.DataFrame = pq.read_table(path).to_pandas()
    except FileNotFoundError:
        raise SeqrecError(f"{path} is missing; pack the cells of its data set again") from None
    except (OSError, pa.ArrowException) as error:
        raise SeqrecError(f"{path} is damaged ({error}); pack the cells again") from None
    return table
