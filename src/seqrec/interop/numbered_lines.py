"""Published sequence files as sequences: the numbers in them are kept, for a model knows them.

The pipelines number the items of a log anew; weights that were trained elsewhere belong to the
numbers of the file they were trained on.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.batches import SPLITS, Integers, Sequences
from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.readers.parts.pieces import Piece
from seqrec.readers.sequence_lines import read_sequence_lines

NUMBER = r"^[0-9]{1,18}$"
SPLITTABLE = 3
"""Items a user must have for a training, a validation and a test item."""


def read_numbered_lines(path: Path, num_items: int) -> Sequences:
    """Read ``user item item …`` a line, oldest first, and split it by leave-one-out.

    Users are numbered by their lines, from 1; a user with fewer than three items has no targets.

    Args:
        path: the file; gzip and zip are read in place.
        num_items: the largest item number there may be.

    Raises:
        SeqrecError: a line cannot be read, an item is no number or beyond the last one, or no user
            has three items.
    """
    options = RawFileOptions(name=path.name, reader="sequence_lines")
    items, lengths = [np.zeros(0, np.int32)], [np.zeros(0, np.int64)]
    for piece in read_sequence_lines(path, options):
        items.append(_items(path, piece, num_items))
        # a user has one line, and a piece ends with a line
        lengths.append(np.unique(piece.interactions["source_row"], return_counts=True)[1])
    counts = np.concatenate(lengths)
    if not (counts >= SPLITTABLE).any():
        raise SeqrecError(
            f"{path}: no user has {SPLITTABLE} items, the fewest that leave one to test with; "
            "is it the right file?"
        )
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Sequences(np.concatenate(items), offsets, leave_one_out(offsets), num_items)


def leave_one_out(offsets: Integers) -> npt.NDArray[np.int8]:
    """Return the split of each interaction: a user's last is for test, the one before to validate.

    Args:
        offsets: (U + 1,) where the users begin.
    """
    split = np.full(offsets[-1], SPLITS.index("train"), np.int8)
    ends = offsets[1:][np.diff(offsets) >= SPLITTABLE]
    split[ends - 1] = SPLITS.index("test")
    split[ends - 2] = SPLITS.index("valid")
    return split


def _items(path: Path, piece: Piece, num_items: int) -> npt.NDArray[np.int32]:
    """Return the item numbers of a piece."""
    if len(piece.rejected):
        line, reason, text = (column[0].as_py() for column in piece.rejected.columns)
        raise SeqrecError(f"{path}, line {line}: {reason} ('{text[:40]}'); mend the line")
    rows = piece.interactions
    is_number = pc.match_substring_regex(rows["item_id"], NUMBER)
    if not pc.all(is_number, min_count=0).as_py():
        raise _wrong_item(path, rows, is_number, "is no item number; items are numbered from 1")
    numbers = pc.cast(rows["item_id"], pa.int64())
    fits = pc.and_(pc.greater_equal(numbers, 1), pc.less_equal(numbers, num_items))
    if not pc.all(fits, min_count=0).as_py():
        remedy = (
            f"is not among the model's items, 1 to {num_items}; give the sequences it was trained "
            "on, with their numbers"
        )
        raise _wrong_item(path, rows, fits, remedy)
    return np.asarray(numbers, np.int32)


def _wrong_item(path: Path, rows: pa.Table, right: pa.ChunkedArray, fault: str) -> SeqrecError:
    """Return the error for the first item that is not right."""
    place = pc.index(right, False).as_py()
    line, item = (rows[name][place].as_py() for name in ("source_row", "item_id"))
    return SeqrecError(f"{path}, line {line}: '{item[:40]}' {fault}")
