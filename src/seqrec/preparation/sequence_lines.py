"""Sequences as text: ``user item item …`` a line, the form of the published files."""

from collections.abc import Iterator

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

CHUNK_ROWS = 256 * 1024
"""Rows that are text at the same time; a user with more of them is a chunk of its own."""


def to_sequence_lines(sequences: ir.Table) -> str:
    """Write every user's items on one line, oldest first, numbers separated by a space.

    Args:
        sequences: user_index, position and item_index.

    Returns:
        The text, users ascending, each line ended by a newline.
    """
    rows = sequences.order_by("user_index", "position").select("user_index", "item_index")
    table = rows.to_pyarrow()
    return "".join(lines_of(chunk) for chunk in chunks_of_users(table))


def chunks_of_users(table: pa.Table) -> Iterator[pa.Table]:
    """Yield the sorted rows in pieces of about ``CHUNK_ROWS``, every user whole."""
    users = table["user_index"].to_numpy()
    start = 0
    while start < len(users):
        last = users[min(start + CHUNK_ROWS, len(users)) - 1]
        end = int(np.searchsorted(users, last, side="right"))
        yield table.slice(start, end - start)
        start = end


def lines_of(rows: pa.Table) -> str:
    """Return the lines of some users, whose rows are sorted."""
    users = rows["user_index"].to_numpy()
    starts = np.flatnonzero(np.diff(users, prepend=users[0] - 1))
    bounds = pa.array([*starts, len(users)], pa.int32())
    items = pa.concat_arrays(rows["item_index"].cast(pa.string()).chunks)
    names = pa.array(users[starts]).cast(pa.string())
    joined = pc.binary_join(pa.ListArray.from_arrays(bounds, items), " ")
    lines = pc.binary_join_element_wise(names, joined, " ")
    return "\n".join(lines.to_pylist()) + "\n"
