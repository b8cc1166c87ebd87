"""Cells small enough to work out by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from seqrec.cell import Cell

A, B = Cell("tiny", "a", "standard"), Cell("tiny", "b", "standard")


def ranks_table(
    by_seed: Mapping[int, Sequence[float]],
    users: Sequence[int],
    items: Sequence[int] | None = None,
    splits: Sequence[str] = ("valid", "test"),
) -> pa.Table:
    """The same ranks in every split; item 7 of everybody unless said otherwise."""
    blocks = [(seed, split, measured) for seed, measured in by_seed.items() for split in splits]
    count = len(users)
    return pa.table(
        {
            "seed": np.repeat([seed for seed, *_ in blocks], count).astype(np.int64),
            "split": [split for _, split, _ in blocks for _ in users],
            "user_index": np.tile(np.array(users, dtype=np.int32), len(blocks)),
            "item_index": np.tile(np.array(items or [7] * count, dtype=np.int32), len(blocks)),
            "rank": np.concatenate([np.array(measured, dtype=float) for *_, measured in blocks]),
            "candidates": np.full(len(blocks) * count, 9, dtype=np.int32),
        }
    )


def metrics_file(
    cell: Cell, values: Mapping[str, float], seeds: Sequence[int] = (1,), **more: Any
) -> dict[str, Any]:
    """A metrics.json: deviation 0.01 with two seeds, standard error 0.02."""
    measured = {
        label: {
            "value": value,
            "standard_error": 0.02,
            "deviation": 0.01 if len(seeds) > 1 else None,
        }
        for label, value in values.items()
    }
    by_seed = {str(seed): {"best_epoch": 2} for seed in seeds}
    splits = {"test": {"metrics": measured, "targets": 1234} | more}
    facts = {"dataset": cell.dataset, "model": cell.model, "protocol": cell.protocol}
    facts["seen_items"] = "exclude"
    return facts | {"seeds": list(seeds), "splits": splits, "by_seed": by_seed}
