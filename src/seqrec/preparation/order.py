"""In which order the interactions of a log stand: in time, and in the raw file."""

import ibis.expr.types as ir

SECOND = ("order",)
"""A second column for the order, which some logs have."""


def in_time(rows: ir.Table) -> list[str]:
    """Return the columns that put rows in order of time."""
    return ["timestamp", *_second(rows), "source_row"]


def in_file(rows: ir.Table) -> list[str]:
    """Return the columns that put rows in the order of the file; a row may hold several items."""
    return ["source_row", "timestamp", *_second(rows)]


def _second(rows: ir.Table) -> list[str]:
    return [name for name in SECOND if name in rows.columns]
