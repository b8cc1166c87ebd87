"""Instants written as the digits of a date: 20190131, 20190131235959."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.readers.parts.values import Integers, midnights

FIRST_YEAR, LAST_YEAR = 1900, 2100
MOST = 0.9
"""The share of the first numbers that have to be such dates; others are no dates then."""


class Digits(NamedTuple):
    """A way to write an instant as one number."""

    name: str
    """For people and the report."""
    clock_digits: int
    """How many digits stand behind the day: 2 hours, 4 minutes, 6 seconds, 9 milliseconds."""

    @property
    def unit(self) -> str:
        """The unit instants come out in."""
        return "ms" if self.clock_digits > 6 else "s"

    @property
    def example(self) -> str:
        """Such an instant."""
        return "20190131235959000"[: 8 + self.clock_digits]

    @property
    def step(self) -> int:
        """How many units the smallest step is: a day, an hour, a minute, a second."""
        return {0: 86_400, 2: 3_600, 4: 60}.get(self.clock_digits, 1)


FORMS = tuple(Digits("YYYYMMDDHHMMSSmmm"[: 8 + digits], digits) for digits in (0, 2, 4, 6, 9))


def find_digits(numbers: pa.Array) -> Digits | None:
    """Return how numbers write instants of 1900 to 2100, if nearly all of them do."""
    values = numbers.to_numpy(zero_copy_only=False)
    if not len(values):
        return None
    for form in FORMS:
        years = values // 10 ** (form.clock_digits + 4)
        inside = (years >= FIRST_YEAR) & (years <= LAST_YEAR)
        if inside.mean() > MOST:
            fit = packed_instants(numbers.filter(pa.array(inside)), form)
            return form if len(fit) - fit.null_count > MOST * len(values) else None
    return None


def packed_instants(numbers: pa.Array, form: Digits) -> pa.Array:
    """Return instants in the form's unit since 1970, null where a number is none."""
    packed = pc.fill_null(numbers, 0).to_numpy(zero_copy_only=False)
    day, clock = np.divmod(packed, 10**form.clock_digits)
    seconds, sane = _of_the_day(clock, form.clock_digits)
    midnight = midnights(day % 100, day // 100 % 100, day // 10_000)
    sane &= ~pc.is_null(midnight).to_numpy(zero_copy_only=False)
    since = pc.fill_null(midnight, 0).to_numpy(zero_copy_only=False) + seconds
    if form.unit == "ms":
        since = since * 1_000 + clock % 1_000
    return pa.array(since, mask=~sane)


def _of_the_day(clock: Integers, digits: int) -> tuple[Integers, npt.NDArray[np.bool_]]:
    """Return the seconds since midnight, and where the digits are a time of the day."""
    clock = clock // 10 ** (digits - 6) if digits > 6 else clock * 10 ** (6 - digits)
    hour, minute, second = clock // 10_000, clock // 100 % 100, clock % 100
    sane = (hour < 24) & (minute < 60) & (second < 60) & (clock >= 0)
    return hour * 3_600 + minute * 60 + second, sane
