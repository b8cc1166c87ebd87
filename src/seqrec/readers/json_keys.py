"""JSON lines of any shape: the keys of an object that hold an interaction are named by their paths.

``raw.columns.user=user.id`` is the key ``id`` in the object under ``user``. A path may lead through
a list of objects, ``reviews.item_id``: then a line holds as many interactions as the list. Lines
may be Python dicts instead, which are read as literals, never evaluated.
"""

import math
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.errors import SeqrecError, unknown_name
from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.readers.parts.headers import HeaderNames, check_apart, names_of
from seqrec.readers.parts.item_lists import item_lists
from seqrec.readers.parts.json_lines import (
    NOT_AN_OBJECT,
    as_text,
    each_looks_like_an_object,
    parse_object,
)
from seqrec.readers.parts.lines import Lines, clean_lines
from seqrec.readers.parts.pieces import Piece, Rejection
from seqrec.readers.parts.reasons import NO_ID
from seqrec.readers.parts.records import Records, read_records
from seqrec.readers.parts.source import Block, read_blocks
from seqrec.readers.parts.values import LIMIT

LOOKED_AT = 1000
"""So many lines say of what type the values are."""
Path_ = tuple[str, ...]


class Shape(NamedTuple):
    """What the first lines of a file say about the values that are read."""

    paths: dict[str, Path_]
    """Name of a column to the keys that lead there."""
    types: dict[str, pa.DataType]
    through: Path_ | None
    """The keys that lead to a list of objects, where one lies on the way."""
    ids: dict[str, str]
    """Name of a column of single ids to what they are of, user or item."""
    asked: frozenset[str]
    """The columns whose values are asked for."""
    lists: str | None
    """The column that holds a list of items a row, if one does."""


def read_json_table(path: Path, options: RawFileOptions) -> Iterator[Piece]:
    """Yield JSON lines whose keys are named by 'columns'.

    Raises:
        SeqrecError: a key is in none of the first lines.
    """
    names = names_of(options)
    if names.by_position:
        raise SeqrecError(f"{path}: the keys of JSON lines have names, not positions; give those")
    check_apart(names, f"of {path}")
    blocks = read_blocks(path, options.member, options.encoding)
    first = next(blocks)
    shape = find_shape(path, clean_lines(first).lines, names)
    records = (records_of(block, shape) for block in chain([first], blocks))
    return read_records(records, names, path, options)


def find_shape(path: Path, lines: Lines, names: HeaderNames) -> Shape:
    """Return what the first lines say.

    Raises:
        SeqrecError: they are no objects, or none has a value under one of the names.
    """
    texts = (lines.text(place) for place in range(min(len(lines), LOOKED_AT)))
    objects = [found for text in texts if (found := parse_object(text)) is not None]
    if lines.data.lstrip().startswith(b"["):
        raise SeqrecError(
            f"{path} is one JSON array; write an object a line, as `jq -c '.[]'` does"
        )
    if not objects:
        raise SeqrecError(
            f"{path}: the first line is {NOT_AN_OBJECT}; is 'json_lines' the right reader?"
        )
    asked = [str(name) for name, _ in names.where]
    used = [*map(str, names.roles), *asked]
    paths = {name: keys_of(name, objects) for name in used}
    through = next((place for keys in paths.values() if (place := list_on(keys, objects))), None)
    types, lists = {}, str(names.item) if names.items_are_lists else None
    for name, keys in paths.items():
        values = [value for found in objects for value in values_at(found, keys)]
        some_lists = [value for value in values if isinstance(value, list)]
        types[name] = type_of(some_lists if some_lists and name == lists else values)
        if not values:
            raise unknown_name("key", name, known_keys(objects), f"in the first lines of {path}")
    ids = {str(names.user): "user", str(names.item): "item"}
    single = {name: of for name, of in ids.items() if not pa.types.is_list(types[name])}
    return Shape(paths, types, through, single, frozenset(asked), lists)


def keys_of(name: str, objects: list[dict[str, Any]]) -> Path_:
    """Return the keys of a path; one that has points of its own is one key."""
    return (name,) if any(name in found for found in objects) else tuple(name.split("."))


def list_on(keys: Path_, objects: list[dict[str, Any]]) -> Path_ | None:
    """Return the part of a path that leads to a list of objects, if there is one on its way."""
    for end in range(1, len(keys)):
        values = [_at(found, keys[:end]) for found in objects]
        if any(isinstance(value, list) for value in values):
            return keys[:end]
    return None


def _at(value: Any, keys: Path_) -> Any:
    """Return what lies under keys; None where there is nothing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def values_at(found: dict[str, Any], keys: Path_) -> Iterator[Any]:
    """Yield the values under keys, through lists of objects; none where there is nothing."""
    values: list[Any] = [found]
    for key in keys:
        inner = (value.get(key) for value in values if isinstance(value, dict))
        values = [part for value in inner for part in _objects(value)]
    yield from (value for value in values if value is not None)


def _objects(value: Any) -> list[Any]:
    is_list = isinstance(value, list) and any(isinstance(part, dict) for part in value)
    return value if is_list else [value]


def known_keys(objects: list[dict[str, Any]]) -> list[str]:
    """Return the paths under which the first lines have values."""
    return sorted({path for found in objects for path in _paths(found, "")})


def _paths(value: Any, before: str) -> Iterator[str]:
    for part in _objects(value):
        if not isinstance(part, dict):
            yield from () if part is None or part == [] else (before,)
            continue
        for key, inner in part.items():
            yield from _paths(inner, f"{before}.{key}" if before else key)


def type_of(values: list[Any]) -> pa.DataType:
    """Return the type that Arrow is told to look for."""
    if values and all(isinstance(value, list) for value in values):
        return pa.list_(type_of([part for value in values for part in value]))
    kinds = {type(value) for value in values}
    for kind, arrow in ((int, pa.int64()), (float, pa.float64()), (bool, pa.bool_())):
        if kinds == {kind}:
            return arrow
    return pa.float64() if kinds == {int, float} else pa.string()


def records_of(block: Block, shape: Shape) -> Records:
    """Return a block as records: by Arrow where every line is an object of one shape."""
    clean = clean_lines(block)
    lines = clean.lines
    batch = None if shape.through else parse_block(lines, shape)
    if batch is None:
        return parse_lines(lines, shape, clean.rejections, clean.blank_lines)
    return Records(batch, lines.numbers, lines.text, clean.rejections, clean.blank_lines)


def parse_block(lines: Lines, shape: Shape) -> pa.RecordBatch | None:
    """Return the columns of a block, or None where a line is not what it should be."""
    from pyarrow.json import ParseOptions, ReadOptions, read_json

    if not each_looks_like_an_object(lines):
        return None
    options = ParseOptions(explicit_schema=schema_of(shape), unexpected_field_behavior="ignore")
    whole = ReadOptions(block_size=len(lines.data) + 1, use_threads=False)
    try:
        table = read_json(pa.BufferReader(lines.data), whole, options)
    except pa.ArrowInvalid:
        return None
    if table.num_rows != len(lines):
        return None
    columns = {name: _column(table, keys) for name, keys in shape.paths.items()}
    return pa.RecordBatch.from_pydict(columns)


def _column(table: pa.Table, keys: Path_) -> pa.Array:
    column = table[keys[0]].combine_chunks()
    return pc.struct_field(column, list(keys[1:])) if len(keys) > 1 else column


def schema_of(shape: Shape) -> pa.Schema:
    """Return the types by their paths, nested as the objects are."""
    tree: dict[str, Any] = {}
    for name, keys in shape.paths.items():
        inner = tree
        for key in keys[:-1]:
            inner = inner.setdefault(key, {})
        inner[keys[-1]] = shape.types[name]

    def fields(part: dict[str, Any]) -> list[pa.Field]:
        return [
            pa.field(key, pa.struct(fields(kind)) if isinstance(kind, dict) else kind)
            for key, kind in part.items()
        ]

    return pa.schema(fields(tree))


def parse_lines(
    lines: Lines, shape: Shape, rejections: list[Rejection], blank_lines: int
) -> Records:
    """Return the records of a block that holds something else than objects of one shape."""
    places: list[int] = []
    rows: list[list[Any]] = []
    positions: list[int] = []
    broken: list[Rejection] = []
    empty = 0
    for place in range(len(lines)):
        found = parse_object(lines.text(place))
        if found is None:
            broken.append(lines.rejection(place, NOT_AN_OBJECT))
            continue
        held = list(rows_of(found, shape))
        empty += not held
        for position, row in enumerate(held):
            if fault := no_id(row, shape):
                broken.append(lines.rejection(place, fault))
                continue
            places.append(place)
            positions.append(position)
            rows.append(row)
    columns = {
        name: as_texts([row[i] for row in rows], name, shape) for i, name in enumerate(shape.paths)
    }
    return Records(
        pa.RecordBatch.from_pydict(columns),
        lines.numbers[places] if places else np.empty(0, np.int64),
        lambda row: lines.text(places[row]),
        rejections + broken,
        blank_lines,
        np.array(positions, np.int64) if shape.through else None,
        empty,
    )


def rows_of(found: dict[str, Any], shape: Shape) -> Iterator[list[Any]]:
    """Yield the values of each interaction of an object."""
    if shape.through is None:
        yield [_at(found, keys) for keys in shape.paths.values()]
        return
    depth, inner = len(shape.through), _at(found, shape.through)
    for part in inner if isinstance(inner, list) else [inner]:
        yield [
            _at(part, keys[depth:]) if keys[:depth] == shape.through else _at(found, keys)
            for keys in shape.paths.values()
        ]


def no_id(row: list[Any], shape: Shape) -> str:
    """Return why an interaction is none whose id is a fraction, as ``read_records`` says it."""
    for value, name in zip(row, shape.paths, strict=True):
        if name in shape.ids and _is_fraction(value):
            return NO_ID.format(shape.ids[name])
    return ""


def _is_fraction(value: Any) -> bool:
    return isinstance(value, float) and not value.is_integer() and not math.isnan(value)


def as_texts(values: list[Any], name: str, shape: Shape) -> pa.Array:
    """Return the values of a column as text, or as lists of texts, as Arrow's types become text."""
    if pa.types.is_list(shape.types[name]) or name == shape.lists:
        return pa.array([_list(value) for value in values], pa.list_(pa.string()))
    text = _asked_text if name in shape.asked else _text
    return pa.array([text(value) for value in values], pa.string())


def _list(value: Any) -> list[str] | None:
    """Return a list of texts; a text is read as in other files, a number is a list of one."""
    if value is None:
        return None
    if isinstance(value, str):
        found: list[str] = item_lists(pa.array([value]))[0].as_py()
        return found
    values = value if isinstance(value, list) else [value]
    return ["" if _is_fraction(part) else as_text(part) for part in values]


def _text(value: Any) -> str:
    """Return a value as text; an id keeps the ``.0`` of a float, which may have lost digits."""
    return str(value).lower() if isinstance(value, bool) else as_text(value)


def _asked_text(value: Any) -> str:
    """Return a value that is asked for as text, a whole float without ``.0``."""
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < LIMIT
    return str(int(value)) if is_whole else _text(value)
