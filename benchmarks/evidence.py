"""What the evidence of SEER costs, by size: counting, tables, and lists.

    python -m benchmarks.evidence --users 100000 --items 100000 --neighbours 200

Sequences are made up as those of ``benchmarks.scale``: the lengths of Beauty, items by a power law.
The peak is that of the process; name one size a call.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np
import torch

from benchmarks.asking import status_of, whole
from benchmarks.clock import timed
from benchmarks.memory import highest_resident
from benchmarks.scale_point import Point, draw
from seqrec.batches import Sequences
from seqrec.evidence.evidence_lists import evidence_after
from seqrec.evidence.leaving_out import LeavingOut
from seqrec.evidence.pair_tables import Tables, count_pairs
from seqrec.models.seer import SEERConfig

CPU = torch.device("cpu")
LISTS, BATCH = 512, 64
MOST = 200_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure one size as the command line says; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--users", type=whole(2, MOST), default=22_363)
    parser.add_argument("--items", type=whole(2, MOST), default=12_101)
    parser.add_argument("--neighbours", type=whole(1, MOST), default=SEERConfig(1).neighbours)
    options = parser.parse_args(arguments)
    return status_of(lambda: print(measure(options.users, options.items, options.neighbours)))


def measure(users: int, items: int, neighbours: int) -> str:
    """Return a line of figures, as a row of docs/performance.md."""
    sequences = draw(Point("seer", "full", items, users, 50, False, "cpu", 1, 0))
    before = highest_resident()
    counts, counting = timed(lambda: count_pairs(sequences, neighbours), CPU)
    tables = Tables(items)
    tables.fill(counts)
    pairs = len(counts.first)
    del counts
    training, ranking = lists(tables, sequences)
    cells = (
        f"{int((sequences.split == 0).sum()):,}",
        f"{items:,}",
        f"{neighbours:,}",
        f"{counting.cpu:.1f}",
        f"{pairs:,}",
        f"{pairs * 20 / 1e6:,.0f}",
        f"{training:.2f}",
        f"{ranking:.2f}",
        f"{before:,.0f}",
        f"{highest_resident():,.0f}",
    )
    return f"| {' | '.join(cells)} |"


def lists(tables: Tables, sequences: Sequences) -> tuple[float, float]:
    """Return milliseconds of CPU a training target and a ranked history."""
    scales, length = torch.ones(6), SEERConfig(1).list_length
    chosen = np.random.default_rng(0).choice(sequences.num_users, LISTS)
    ends, begins = sequences.train_ends()[chosen], sequences.offsets[chosen]
    histories = [sequences.items[b:e].astype(np.int64) for b, e in zip(begins, ends, strict=True)]
    histories = [items for items in histories if len(items) > 1]
    leaving_out = LeavingOut(tables, scales, length)
    _, training = timed(
        lambda: [leaving_out.at(items, max(1, len(items) - 50), len(items)) for items in histories],
        CPU,
    )
    width = max(map(len, histories))
    padded = np.stack([np.pad(items, (width - len(items), 0)) for items in histories])
    batches = torch.from_numpy(padded).split(BATCH)
    _, ranking = timed(
        lambda: [evidence_after(tables, batch, scales, length) for batch in batches], CPU
    )
    targets = sum(min(50, len(items) - 1) for items in histories)
    return training.cpu / targets * 1e3, ranking.cpu / len(histories) * 1e3


if __name__ == "__main__":
    sys.exit(main())
