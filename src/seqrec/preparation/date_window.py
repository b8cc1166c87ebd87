"""The first and the last instant that stay, in the unit that the timestamps have in the tables.

A date means its whole day: as a start its first instant, as an end its last. A number counts in
the log's own unit, as the raw file writes its timestamps.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Literal

import pyarrow as pa

from seqrec.errors import SeqrecError
from seqrec.parameters.sections import FilteringOptions
from seqrec.readers.parts.packed import FIRST_YEAR, FORMS, LAST_YEAR, Digits, packed_instants

UNITS_A_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
PACKED = {form.name: form for form in FORMS}
SECONDS_FROM, MILLISECONDS_FROM = 10**8, 10**11
"""Seconds of 1973 and of 5138: what lies beyond is counted in another unit."""
DATES = ("date", *PACKED)
"""Logs that write instants as dates: a number is one with its digits, 20191231."""
Side = Literal["start", "end"]


def date_window(
    options: FilteringOptions, unit: str, written_in: str | None = None
) -> dict[str, int | None]:
    """Return ``start`` and ``end``, both inclusive, in the tables' unit, None where open.

    Args:
        options: the section ``filtering`` of the parameters.
        unit: of the tables: ``s``, ``ms`` or ``order``.
        written_in: the log's own unit: s, ms, us, ns, date, or a pattern such as YYYYMMDD.

    Raises:
        SeqrecError: no date, no number in the log's unit, an empty window, or a log without
            instants.
    """
    if options.start is None and options.end is None:
        return {"start": None, "end": None}
    if unit not in ("s", "ms"):
        raise SeqrecError(
            "parameters filtering.start and filtering.end: the timestamps of this log are "
            "positions, not instants; remove both"
        )
    start = _bound("start", options.start, unit, written_in or unit)
    end = _bound("end", options.end, unit, written_in or unit)
    if start is not None and end is not None and start > end:
        raise SeqrecError(
            f"parameter filtering.start ({options.start}) is after filtering.end "
            f"({options.end}); swap them"
        )
    return {"start": start, "end": end}


def _bound(side: Side, value: str | int | None, unit: str, written_in: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, int):
        return _of_number(side, value, unit, written_in)
    return _of_date(side, value, unit, written_in)


def _of_date(side: Side, value: str, unit: str, written_in: str) -> int:
    """Return an ISO date in the unit of the tables; a start is rounded up, an end down."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise SeqrecError(
            f"parameter filtering.{side}: '{value}' is no ISO date; write 2019-12-31, "
            f"2019-12-31T12:00:00 or a number in the log's own unit ({written_in})"
        ) from None
    if side == "end" and _is_whole_day(value):
        moment += timedelta(days=1) - timedelta(microseconds=1)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    micros = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return _scaled(side, micros, UNITS_A_SECOND[unit], 1_000_000)


def _is_whole_day(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _of_number(side: Side, value: int, unit: str, written_in: str) -> int:
    """Return a number in the log's own unit in that of the tables."""
    if written_in in DATES:
        return _of_digits(side, value, unit, written_in)
    if written_in not in UNITS_A_SECOND:
        raise SeqrecError(
            f"parameter filtering.{side}: {value} has no unit, for the log has several or none "
            f"({written_in}); write an ISO date such as 2019-12-31"
        )
    if _reads_as_a_date(value):
        raise SeqrecError(
            f"parameter filtering.{side}: {value} reads as a date, and counts {written_in} since "
            "1970 in this log; write an ISO date such as 2019-12-31"
        )
    own = UNITS_A_SECOND[written_in]
    if value >= MILLISECONDS_FROM * own or SECONDS_FROM <= value < SECONDS_FROM * own // 10:
        raise SeqrecError(
            f"parameter filtering.{side}: {value} is no instant of a log in {written_in}; write it "
            "in that unit, or as an ISO date"
        )
    return _scaled(side, value, UNITS_A_SECOND[unit], own)


def _reads_as_a_date(value: int) -> bool:
    """Return whether a number is a year, or a date in digits."""
    years = range(FIRST_YEAR, LAST_YEAR + 1)
    return value in years or any(_packed(value, form) is not None for form in FORMS)


def _packed(value: int, form: Digits) -> int | None:
    """Return the instant that a number in this form is, None if it is none."""
    if value < (FIRST_YEAR * 10_000 + 101) * 10**form.clock_digits:
        return None
    instant: int | None = packed_instants(pa.array([value]), form)[0].as_py()
    return instant


def _scaled(side: Side, value: int, to: int, of: int) -> int:
    """Return a number of one unit in another one, both as parts of a second."""
    return -(-value * to // of) if side == "start" else value * to // of


def _of_digits(side: Side, value: int, unit: str, written_in: str) -> int:
    """Return a date written as digits, 20191231; as an end with all of its day, hour or minute."""
    for form in (PACKED[written_in],) if written_in in PACKED else FORMS:
        if (instant := _packed(value, form)) is not None:
            return _last_or_first(side, instant, form, unit)
    example = PACKED[written_in].example if written_in in PACKED else "20191231"
    raise SeqrecError(
        f"parameter filtering.{side}: {value} is no date in digits, as {example} is; write one, or "
        "an ISO date such as 2019-12-31"
    )


def _last_or_first(side: Side, instant: int, form: Digits, unit: str) -> int:
    to, of = UNITS_A_SECOND[unit], UNITS_A_SECOND[form.unit]
    if side == "start":
        return _scaled("start", instant, to, of)
    return _scaled("start", instant + form.step, to, of) - 1
