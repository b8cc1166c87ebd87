"""Ids as they are kept: without the blanks around them and without the ``.0`` of floats.

``12``, ``12 `` and ``12.0`` are one item in a log that went through other programs. What cannot
be told apart any more, or never was an id, costs its row: ids from floats too large to be exact,
``NaN`` and its like, control characters.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.readers.parts.pieces import Piece, without_rows
from seqrec.readers.parts.reasons import EMPTY_ID, FLOAT_ID, FRACTIONS_GONE, MISSING_ID, ODD_ID
from seqrec.readers.parts.values import text_bytes

BLANKS = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""White space in any script, and the two characters without width that stand for it."""
ODD = r"[\x00-\x1f\x7f-\x{9f}\x{fffd}]"
"""Control characters, and the one that stands where others were lost."""
WHOLE_FLOAT = r"^[+-]?(0|[1-9][0-9]*)\.0*$"
EXPONENT = r"^[+-]?[0-9]+(\.[0-9]*)?[eE][+-]?[0-9]+$"
EXACT = 2**53
"""From here on neighbouring whole numbers are one float."""
BLANKS_GONE = "ids without the blanks around them"
Mask = npt.NDArray[np.bool_]


class _Tidy(NamedTuple):
    """Ids of a column after tidying: how many were changed, and which cannot be kept."""

    ids: pa.ChunkedArray
    changed: dict[str, int]
    unfit: dict[int, str]
    """Place to reason."""


def tidy_ids(pieces: Iterator[Piece], missing: tuple[str, ...]) -> Iterator[Piece]:
    """Yield the pieces with their ids as they are kept; rows whose id is none are rejected.

    Args:
        pieces: as a reader gives them.
        missing: what stands for no id.
    """
    no_ids = pa.array(missing, pa.string())
    for piece in pieces:
        changed = dict(piece.changed)
        unfit: dict[int, str] = {}
        table = piece.interactions
        for name in ("user_id", "item_id"):
            tidied = _tidy(table[name], name.removesuffix("_id"), no_ids)
            for what, count in tidied.changed.items():
                changed[what] = changed.get(what, 0) + count
            if tidied.changed:
                place = table.schema.get_field_index(name)
                table = table.set_column(place, table.schema.field(place), tidied.ids)
            unfit = tidied.unfit | unfit
        yield without_rows(piece._replace(interactions=table, changed=changed), unfit)


def _tidy(ids: pa.ChunkedArray, kind: str, no_ids: pa.Array) -> _Tidy:
    """Return a column of ids, none of which is null or blank."""
    changed: dict[str, int] = {}
    unfit: dict[int, str] = {}
    if not _all_plain(ids):
        ids = _counted(ids, pc.utf8_trim(ids, BLANKS), BLANKS_GONE, changed)
        unfit = _places(pc.equal(pc.binary_length(ids), 0), EMPTY_ID.format(kind))
        inexact = _inexact(ids)
        unfit |= _places(inexact, FLOAT_ID.format(kind))
        ids = _counted(ids, _without_fraction(ids), FRACTIONS_GONE, changed)
        unfit = _places(pc.match_substring_regex(ids, ODD), ODD_ID.format(kind)) | unfit
    if len(no_ids):
        unfit = _places(pc.is_in(ids, no_ids), MISSING_ID.format(kind)) | unfit
    return _Tidy(ids, changed, unfit)


def _all_plain(ids: pa.ChunkedArray) -> bool:
    """Return whether no id has a blank, a point or anything beyond ASCII's printed characters."""
    for chunk in ids.chunks:
        data = text_bytes(chunk)
        if len(data) and (data.min() <= ord(" ") or data.max() > ord("~") or (data == POINT).any()):
            return False
        # 1e+17 came from a float too
        if len(data) and (data == PLUS).any():
            return False
    return True


POINT, PLUS = ord("."), ord("+")


def plain_id(text: str) -> str:
    """Return one id as it is kept, for files beside the log; nothing where it is none."""
    text = text.strip(BLANKS)
    return text.rstrip("0").rstrip(".") if re.fullmatch(WHOLE_FLOAT, text) else text


def plain_ids(texts: pa.Array) -> pa.Array:
    """Return a column of ids so."""
    return _without_fraction(pc.utf8_trim(texts, BLANKS))


def _counted(
    before: pa.ChunkedArray, after: pa.ChunkedArray, what: str, changed: dict[str, int]
) -> pa.ChunkedArray:
    """Return the ids after a change, and count how many it changed."""
    count = pc.sum(pc.not_equal(before, after)).as_py() or 0
    if not count:
        return before
    changed[what] = count
    return after


def _without_fraction(ids: pa.ChunkedArray) -> pa.ChunkedArray:
    whole = pc.match_substring_regex(ids, WHOLE_FLOAT)
    if not pc.any(whole).as_py():
        return ids
    return pc.if_else(whole, pc.utf8_rtrim(pc.utf8_rtrim(ids, "0"), "."), ids)


def _inexact(ids: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return which ids went through a float that could not hold them."""
    floats = pc.or_(
        pc.match_substring_regex(ids, WHOLE_FLOAT), pc.match_substring_regex(ids, EXPONENT)
    )
    large = pc.greater_equal(pc.abs(pc.cast(pc.if_else(floats, ids, "0"), pa.float64())), EXACT)
    return pc.and_(floats, large)


def _places(mask: pa.ChunkedArray, reason: str) -> dict[int, str]:
    if not pc.any(mask).as_py():
        return {}
    return dict.fromkeys(pc.indices_nonzero(mask).to_pylist(), reason)
