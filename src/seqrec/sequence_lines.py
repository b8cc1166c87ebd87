"""Sequences as text: ``user item item …`` a line, the form of the published files."""

import ibis.expr.types as ir
import numpy as np


def to_sequence_lines(sequences: ir.Table) -> str:
    """Write every user's items on one line, oldest first, numbers separated by a space.

    Args:
        sequences: user_index, position and item_index.

    Returns:
        The text, users ascending, each line ended by a newline.
    """
    rows = sequences.order_by("user_index", "position").select("user_index", "item_index")
    table = rows.to_pyarrow()
    users = table["user_index"].to_numpy()
    items = table["item_index"].to_numpy().astype("U").tolist()
    starts = np.flatnonzero(np.diff(users, prepend=0)).tolist()
    ends = [*starts, len(users)][1:]
    return "".join(
        f"{users[start]} {' '.join(items[start:end])}\n"
        for start, end in zip(starts, ends, strict=True)
    )
