"""Columns that Arrow holds as a dictionary: categories of pandas, categorical text of polars."""

import pyarrow as pa


def without_dictionary(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return the values of a column row by row; one without a dictionary stays as it is.

    Arrow cannot look up texts that are views, which polars has in its dictionaries: they are
    strings then.
    """
    if not pa.types.is_dictionary(column.type):
        return column
    kind = column.type.value_type
    kind = pa.string() if pa.types.is_string_view(kind) else kind
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([_looked_up(chunk, kind) for chunk in column.chunks], kind)
    return _looked_up(column, kind)


def _looked_up(column: pa.DictionaryArray, kind: pa.DataType) -> pa.Array:
    held = column.dictionary.cast(kind)
    return pa.DictionaryArray.from_arrays(column.indices, held).dictionary_decode()
