"""Columns of any reader to pieces: how times are written, which rows were asked for, item lists."""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.readers.parts.clock_guesses import find_clock, order_clock
from seqrec.readers.parts.clocks import Clock
from seqrec.readers.parts.item_lists import EMPTY, spread
from seqrec.readers.parts.pieces import (
    NOTHING,
    LineNumbers,
    Piece,
    Rejection,
    Rows,
    TimesRead,
    make_piece,
)
from seqrec.readers.parts.reasons import ORDER_CUT, SECONDS_CUT

IN_FILE_ORDER = TimesRead("order")


class Columns(NamedTuple):
    """The columns of some rows of a log."""

    user: pa.Array
    """string"""
    item: pa.Array
    """string, or a list of strings a row"""
    line_numbers: LineNumbers
    text: Callable[[int], str]
    """The text of a row, by its place."""
    timestamp: tuple[pa.Array, ...] = ()
    """As a clock reads them; none: the order of the file."""
    rating: pa.Array | None = None
    """double"""
    order: pa.Array | None = None
    where: tuple[tuple[pa.Array, tuple[str, ...]], ...] = ()
    """Columns, each with the values whose rows are asked for."""
    rejections: list[Rejection] = []  # noqa: RUF012 nobody changes it
    blank_lines: int = 0
    position: pa.Array | None = None
    """int64: place of each among the interactions of its line, where a line holds several."""
    changed: Mapping[str, int] = NOTHING
    """What was done to ids on the way, and lists without items, each with how often."""


class PieceMaker:
    """Makes the pieces of one log, one after the other.

    The first rows of the log decide how its timestamps are read.
    """

    def __init__(
        self, place: str, clock: Clock | None = None, options: RawFileOptions | None = None
    ) -> None:
        """Start a log.

        Args:
            place: where its timestamps stand, for messages.
            clock: how they are written; absent: as the options say, or guessed.
            options: what the user says of the log.
        """
        self.place = place
        self.clock = clock
        self.options = options
        self.order: Clock | None = None
        self.items = 0

    def make(self, columns: Columns) -> Piece:
        """Return the columns as a piece.

        Raises:
            SeqrecError: the timestamps cannot be what they should be.
        """
        if len(columns.line_numbers):
            self._find_clocks(columns)
        rows = self._rows(columns)
        changed = {**columns.changed, **self._cut(columns, rows.kept)}
        lists = columns.item if pa.types.is_list(columns.item.type) else None
        if lists is not None:
            rows = spread(rows, lists)
        if lists is not None or columns.position is not None:
            rows = self._in_order_of_lines(rows)
        unit = "order" if rows.times == IN_FILE_ORDER else self.clock.unit if self.clock else "s"
        piece = make_piece(rows, columns.rejections, columns.blank_lines, unit)
        if lists is not None and (
            empty := pc.sum(pc.equal(pc.list_value_length(lists), 0)).as_py()
        ):
            changed[EMPTY] = empty
        return piece._replace(changed=changed)

    def _in_order_of_lines(self, rows: Rows) -> Rows:
        """Return rows, several of a line, in the order of the file: no two have one place."""
        if rows.times != IN_FILE_ORDER:
            return rows
        first = self.items
        self.items += len(rows.user_id)
        return rows._replace(timestamp=pa.array(np.arange(first, self.items)), order=None)

    def _find_clocks(self, columns: Columns) -> None:
        if self.clock is None and columns.timestamp:
            self.clock = find_clock(columns.timestamp[0], self.place, self.options)
        if self.order is None and columns.order is not None:
            self.order = order_clock(columns.order, f"{self.place} (order)")

    def _cut(self, columns: Columns, kept: pa.Array | None) -> dict[str, int]:
        """Return how many of the rows that are asked for lose a fraction."""
        cut = {}
        for what, clock, column in (
            (SECONDS_CUT, self.clock, columns.timestamp[0] if columns.timestamp else None),
            (ORDER_CUT, self.order, columns.order),
        ):
            if column is None or clock is None or clock.cut is None:
                continue
            fractional = clock.cut(column)
            if fractional is not None and kept is not None:
                fractional = pc.and_(fractional, kept)
            if fractional is not None and (count := pc.sum(fractional).as_py()):
                cut[what] = count
        return cut

    def _rows(self, columns: Columns) -> Rows:
        """Return the columns as rows, their times read."""
        numbers = columns.line_numbers
        rows = Rows(
            columns.user,
            columns.item,
            pa.array(numbers),
            columns.rating,
            numbers,
            columns.text,
            order=self.order.read(columns.order) if self.order else columns.position,
            kept=asked_for(columns),
        )
        if not columns.timestamp:
            return rows._replace(times=IN_FILE_ORDER)
        counted = self.order.unit if self.order else ""
        if self.clock is None:  # no row so far has the right number of columns
            return rows._replace(timestamp=pa.nulls(0, pa.int64()))
        timestamp = self.clock.read(*columns.timestamp)
        return rows._replace(
            timestamp=timestamp,
            time_kind=self.clock.kind,
            other_unit=self.clock.other_unit(timestamp),
            times=self.clock.times._replace(order=counted),
        )


def asked_for(columns: Columns) -> pa.Array | None:
    """Return which rows have the values that are asked for, None: all are."""
    masks = [
        pc.is_in(pc.utf8_trim_whitespace(column), pa.array(values))
        for column, values in columns.where
    ]
    return reduce(pc.and_, masks) if masks else None
