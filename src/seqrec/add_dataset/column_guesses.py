"""Which columns of a log hold the users, the items, the timestamps and the ratings.

Judged by names first (``customer``, ``movieId``, ``unixReviewTime``), by values where names do not
tell. Nothing is taken that could as well be another column: then the person who knows is asked.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import numpy as np

from seqrec.readers.parts.clocks import MILLISECONDS_FROM
from seqrec.readers.parts.values import decimal, microseconds

Role = Literal["user", "item", "timestamp", "rating"]
Sample = Mapping[str, Sequence[str]]
"""The columns of a table by name, each with the values of its first rows."""

NEEDED: tuple[Role, ...] = ("user", "item", "timestamp")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


WORDS: dict[Role, frozenset[str]] = {
    "user": _words(
        "user uid customer cust client member reviewer buyer shopper visitor account listener"
        " player reader subscriber patient person profile username"
    ),
    "item": _words(
        "item iid product sku asin isbn ean upc gtin movie film song track artist business book"
        " article video game poi venue place course stock listing offer recipe app news content"
        " anime beer"
    ),
    "timestamp": _words("timestamp ts datetime time date day created instant when"),
    "rating": _words("rating ratings stars score overall"),
}
IDS_BY_THEMSELVES = _words("uid sku asin isbn ean upc gtin iid timestamp ts datetime")
"""Words that mean the id, or the instant, without more: as good as ``user_id``."""
WEAK_WORDS: dict[Role, frozenset[str]] = {"user": _words("session device cookie")}
"""What stands for a user where nothing better does."""
MEANINGLESS = _words(
    "id ids no nr num number code key uuid guid hash idx index at on utc unix epoch s ms sec"
    " seconds"
)
"""What may follow the word that counts: ``userId``, ``created_at``, ``stock_code``."""
NAMES = frozenset(("name", "title"))
IS_ID, IS_WORD, IS_QUALIFIED, IS_WEAK = range(4)
"""How well a name fits, best first: ``user_id``, ``user``, ``billed_customer``, ``user_name``."""

OTHER_DATE = re.compile(
    r"(?<![0-9])([0-9]{1,2}([/.-])[0-9]{1,2}\2[0-9]{4}|[0-9]{4}[/.][0-9]{1,2}[/.][0-9]{1,2})(?![0-9])"
)
"""A date that is none to the readers, for nobody knows which number is the month: 13/01/2024."""

MOST = 0.9
"""The share of values that has to look like an instant."""
FIRST_DATE, LAST_DATE = 19_000_101, 21_001_231
FIRST_SECOND, LAST_SECOND = 10**8, 5 * 10**9
"""1973 and 2128: what lies between is taken for the seconds of an instant."""


@dataclass(frozen=True)
class Guesses:
    """What was found, and between which columns a role could not be decided."""

    found: dict[Role, str]
    candidates: dict[Role, list[str]]
    """Two columns or more for each role in it, in the order of the table."""


def guess_columns(sample: Sample, given: Mapping[Role, str | None] | None = None) -> Guesses:
    """Return which column holds what, as far as names and values tell.

    Args:
        sample: the columns with the values of their first rows.
        given: what is known already; None for a timestamp that the log does not have.

    Returns:
        The columns that were found, those given left out, and the undecided ones.
    """
    given = given or {}
    free = {name: values for name, values in sample.items() if name not in given.values()}
    guesses = Guesses({}, {})
    for role in WORDS:
        if role not in given:
            _decide(guesses, role, _named(role, free))
    undecided = chain.from_iterable(guesses.candidates.values())
    taken = {*guesses.found.values(), *undecided}
    left = {name: values for name, values in free.items() if name not in taken}
    known = {*given, *guesses.found, *guesses.candidates}
    if "timestamp" not in known:
        _decide(guesses, "timestamp", [name for name in left if are_instants(left[name])])
        left = {name: left[name] for name in left if not are_instants(left[name])}
    ids: tuple[Role, ...] = ("user", "item")
    _take_the_last(guesses, [role for role in ids if role not in known], left)
    guesses.candidates.pop("rating", None)  # no log needs one
    return guesses


def _decide(guesses: Guesses, role: Role, names: list[str]) -> None:
    if len(names) == 1:
        guesses.found[role] = names[0]
    elif names:
        guesses.candidates[role] = names


def _take_the_last(guesses: Guesses, missing: list[Role], left: Sample) -> None:
    """Where one of user and item is missing and one column is left, it is that one."""
    if len(missing) == len(left) == 1 and not guesses.candidates:
        guesses.found[missing[0]] = next(iter(left))


def _named(role: Role, sample: Sample) -> list[str]:
    """Return the columns whose names fit the role best."""
    ranks = {
        name: rank
        for name in sample
        if (rank := fit(name, role)) is not None and _may_be(role, rank, name, sample)
    }
    return [name for name, rank in ranks.items() if rank == min(ranks.values())]


def _may_be(role: Role, rank: int, name: str, sample: Sample) -> bool:
    """Return whether the values speak against what the name says."""
    values = [value for value in sample[name] if value.strip()]
    if role == "rating":
        return all(decimal(value) is not None for value in values)
    if role != "timestamp":
        return True
    if name.lower() == "day" and {"month", "year"} <= {other.lower() for other in sample}:
        return False  # a third of a date
    return rank < IS_QUALIFIED or are_instants(values)


def fit(name: str, role: Role) -> int | None:
    """Return how well a column's name fits a role, 0 best, or None if it does not."""
    words = split_words(name)
    core = list(words)
    while core and core[-1] in MEANINGLESS:
        core.pop()
    if not core:
        return None
    if core[-1] in NAMES and len(core) > 1:
        return IS_WEAK if core[-2] in WORDS[role] else None
    if core[-1] in WEAK_WORDS.get(role, ()):
        return IS_WEAK
    if core[-1] not in WORDS[role]:
        return None
    if len(core) > 1:
        return IS_QUALIFIED
    return IS_ID if core != words or core[0] in IDS_BY_THEMSELVES else IS_WORD


def split_words(name: str) -> list[str]:
    """Return the words of a column's name in lower case: ``movieId`` and ``movieid`` have two."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    words = [word for word in re.split(r"[\W_]+", spaced.lower()) if word]
    return [part for word in words for part in _with_suffix_apart(word)]


def _with_suffix_apart(word: str) -> list[str]:
    known = frozenset[str]().union(*WORDS.values())
    if word in known:
        return [word]
    for suffix in sorted(MEANINGLESS):
        if word.endswith(suffix) and word.removesuffix(suffix) in known:
            return [word.removesuffix(suffix), suffix]
    return [word]


def are_instants(values: Sequence[str]) -> bool:
    """Return whether values look like dates, or like numbers of the size instants have."""
    texts = [value for value in values if value.strip()]
    if not texts:
        return False
    numbers = [number for text in texts if (number := decimal(text)) is not None]
    if 2 * len(numbers) >= len(texts):
        return len(numbers) >= MOST * len(texts) and _of_instants(np.array(numbers))
    # Dates that no reader takes too: the column is the right one, and they can be mended.
    dates = sum(
        microseconds(text) is not None or OTHER_DATE.match(text.strip()) is not None
        for text in texts
    )
    return dates >= MOST * len(texts)


def _of_instants(numbers: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
    """Return whether most numbers are calendar dates (20190131), seconds, or finer."""
    dates = _between(numbers, FIRST_DATE, LAST_DATE) & _between(numbers % 100, 1, 31)
    dates &= _between(numbers // 100 % 100, 1, 12)
    seconds = _between(numbers, FIRST_SECOND, LAST_SECOND)
    # milli-, micro- and nanoseconds of the same years
    finer = [
        _between(numbers, max(MILLISECONDS_FROM, FIRST_SECOND * unit), LAST_SECOND * unit)
        for unit in (10**3, 10**6, 10**9)
    ]
    return max(float(kind.mean()) for kind in (dates, seconds, *finer)) >= MOST


def _between(
    numbers: np.ndarray[tuple[int], np.dtype[np.float64]], low: int, high: int
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return (numbers >= low) & (numbers <= high)
