"""Rows that hold a list of items each: one interaction an item, in the order of the list."""

import ast
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.readers.parts.pieces import Rows

BETWEEN = r"[\s,;|]+"
EMPTY = "rows with an empty list of items"


def item_lists(column: pa.Array) -> pa.Array:
    """Return texts as lists: ``N1 N2 N3``, arrays of JSON or of Python; null if it is none."""
    trimmed = pc.utf8_trim_whitespace(pc.fill_null(column, ""))
    if pc.any(pc.starts_with(trimmed, "[")).as_py():
        lists = [_list(text) for text in trimmed.to_pylist()]
        return pa.array(lists, pa.list_(pa.string()))
    words = pc.split_pattern_regex(trimmed, BETWEEN)
    nothing = pc.equal(pc.binary_length(trimmed), 0)
    empty = pa.scalar([], pa.list_(pa.string()))
    return pc.if_else(nothing, empty, words)


def _list(text: str) -> list[str] | None:
    if not text.startswith("["):
        return text.replace(",", " ").split()
    for parse in (json.loads, ast.literal_eval):
        try:
            values = parse(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
        return [_text(value) for value in values] if isinstance(values, list) else None
    return None


def _text(value: Any) -> str:
    """Return an id as text, anything else as nothing."""
    return str(value) if isinstance(value, str | int | float) and value is not True else ""


def spread(rows: Rows, lists: pa.Array, first: int) -> Rows:
    """Return an interaction for every item of the rows' lists.

    Args:
        rows: a row each, whose items do not count.
        lists: the rows' items as lists of strings.
        first: position of the first interaction in the log, where there are no timestamps.
    """
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    parents = np.repeat(np.arange(len(lengths)), lengths)
    position = np.arange(len(parents)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    take = pa.array(parents)

    def repeated(column: pa.Array | None) -> pa.Array | None:
        return None if column is None else column.take(take)

    in_order = rows.times.written == "order"
    return rows._replace(
        user_id=repeated(rows.user_id),
        item_id=lists.flatten(),
        timestamp=pa.array(first + np.arange(len(parents)))
        if in_order
        else repeated(rows.timestamp),
        rating=repeated(rows.rating),
        line_numbers=rows.line_numbers[parents],
        text=lambda row: rows.text(int(parents[row])),
        other_unit=repeated(rows.other_unit),
        order=None if in_order else pa.array(position),
        kept=repeated(rows.kept),
    )
