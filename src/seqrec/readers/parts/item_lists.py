"""Rows that hold a list of items each: one interaction an item, in the order of the list."""

import ast
import json
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.readers.parts.pieces import Rows

BETWEEN = r"[\s,;|]+"
OPEN = r"^(array\()?[\[({]"
WRAPPED = re.compile(r"^array\((.*?)(?:, dtype=\w+)?\)$", re.S)
QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
EMPTY = "rows with an empty list of items"


def item_lists(column: pa.Array) -> pa.Array:
    """Return texts as lists: ``N1 N2 N3``, arrays of JSON, Python, numpy or PostgreSQL."""
    trimmed = pc.utf8_trim_whitespace(pc.fill_null(column, ""))
    if pc.any(pc.match_substring_regex(trimmed, OPEN)).as_py():
        lists = [_list(text) for text in trimmed.to_pylist()]
        return pa.array(lists, pa.list_(pa.string()))
    words = pc.split_pattern_regex(trimmed, BETWEEN)
    nothing = pc.equal(pc.binary_length(trimmed), 0)
    empty = pa.scalar([], pa.list_(pa.string()))
    return pc.if_else(nothing, empty, words)


def _list(text: str) -> list[str | None]:
    """Return an array as texts; one that cannot be read holds an item that is none."""
    text = WRAPPED.sub(r"\1", text)
    if not re.match(OPEN, text):
        return [*re.split(BETWEEN, text)] if text else []
    if len(found := QUOTED.findall(text)) > 1 and "," not in text:  # numpy's: ['a' 'b']
        return [one or other for one, other in found]
    for parse in () if text[0] == "{" else (json.loads, ast.literal_eval):  # a set has no order
        try:
            values = parse(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
        if isinstance(values, list | tuple):
            return [_text(value) for value in values]
    inner = text[1:-1].strip()
    if text[-1] not in ")]}" or set(inner) & set("()[]{}:"):
        return [None]
    return [word.strip("'\"") for word in re.split(BETWEEN, inner) if word] if inner else []


def _text(value: Any) -> str:
    """Return an id as text, anything else as nothing."""
    return str(value) if isinstance(value, str | int | float) and value is not True else ""


def spread(rows: Rows, lists: pa.Array) -> Rows:
    """Return an interaction for every item of the rows' lists, its place there as its order.

    Args:
        rows: a row each, whose items do not count.
        lists: the rows' items as lists of strings.
    """
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    parents = np.repeat(np.arange(len(lengths)), lengths)
    position = np.arange(len(parents)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    take = pa.array(parents)

    def repeated(column: pa.Array | None) -> pa.Array | None:
        return None if column is None else column.take(take)

    return rows._replace(
        user_id=repeated(rows.user_id),
        item_id=lists.flatten(),
        timestamp=repeated(rows.timestamp),
        rating=repeated(rows.rating),
        line_numbers=rows.line_numbers[parents],
        text=lambda row: rows.text(int(parents[row])),
        other_unit=repeated(rows.other_unit),
        order=pa.array(position),
        kept=repeated(rows.kept),
    )
