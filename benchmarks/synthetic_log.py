"""A synthetic log of any size as CSV: 4 rows a user and 20 an item on average, both skewed.

Written in pieces, so that a log of 100 million rows needs no more memory than one of a million.
"""

import os
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

ROWS_A_USER = 4
ROWS_AN_ITEM = 20
SKEW = 3.0
"""The share of the rows that the most active share q of the users has is q ** (1 / SKEW)."""
FIRST_SECOND = 1_500_000_000
SECONDS = 2 * 365 * 86_400
PIECE = 1_000_000
SCRAMBLE = 2_147_483_647
"""A prime: numbers times it, modulo less, are the same numbers in another order."""


def write_log(path: Path, rows: int, seed: int = 0) -> None:
    """Write the log: user_id, item_id, timestamp in seconds, in no order.

    Args:
        path: the CSV file; it appears when it is whole.
        rows: how many interactions.
        seed: other logs for other seeds; the same bytes for the same.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    options = csv.WriteOptions(include_header=False, quoting_style="none")
    with unfinished.open("wb") as file:
        file.write(b"user_id,item_id,timestamp\n")
        for piece, start in enumerate(range(0, rows, PIECE)):
            rng = np.random.default_rng((seed, piece))
            csv.write_csv(_draw(rng, min(PIECE, rows - start), rows), file, options)
    unfinished.rename(path)


def _draw(rng: np.random.Generator, rows: int, total: int) -> pa.Table:
    """Return so many rows of a log of so many in total."""
    return pa.table(
        {
            "user_id": _ids(rng, rows, "u", max(total // ROWS_A_USER, 1)),
            "item_id": _ids(rng, rows, "i", max(total // ROWS_AN_ITEM, 1)),
            "timestamp": FIRST_SECOND + rng.integers(0, SECONDS, rows),
        }
    )


def _ids(rng: np.random.Generator, rows: int, letter: str, count: int) -> pa.Array:
    """Return ids of ``count`` things, skewed; the letter and a number that says nothing."""
    ranks: npt.NDArray[np.int64] = (count * rng.random(rows) ** SKEW).astype(np.int64)
    numbers = pa.array(ranks * SCRAMBLE % count).cast(pa.string())
    return pc.binary_join_element_wise(letter, numbers, "")


if __name__ == "__main__":
    write_log(Path(sys.argv[1]), int(sys.argv[2]))
