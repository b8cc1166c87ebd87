"""Which columns of a log hold the users, the items, the timestamps and the ratings.

Judged by names first (``customer``, ``movieId``, ``unixReviewTime``), by values where names do not
tell. Nothing is taken that could as well be another column: then the person who knows is asked.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from seqrec.parameters.raw_sections import MISSING
from seqrec.readers.parts.values import decimal, microseconds

Role = Literal["user", "item", "timestamp", "rating"]
Sample = Mapping[str, Sequence[str]]
"""The columns of a table by name, each with the values of its first rows."""

Guesses = dict[Role, list[str]]
"""The column of each role; none or several where it cannot be decided."""
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
WEAK_WORDS = _words("session device cookie")
"""What stands for a user where nothing better does."""
MEANINGLESS = _words(
    "id ids no nr num number code key uuid guid hash idx index at on utc unix epoch s ms sec"
    " seconds"
)
"""What may follow the word that counts: ``userId``, ``created_at``, ``stock_code``."""
NAMES = _words("name title")
IS_ID, IS_WORD, IS_QUALIFIED, IS_WEAK = range(4)
"""How well a name fits, best first: ``user_id``, ``user``, ``billed_customer``, ``user_name``."""
ALL_WORDS = frozenset[str]().union(*WORDS.values())
SUFFIXED = re.compile(f"({'|'.join(ALL_WORDS)})({'|'.join(MEANINGLESS)})")
"""Two words written as one: ``movieid``."""

OTHER_DATE = re.compile(
    r"(?<![0-9])([0-9]{1,2}([/.-])[0-9]{1,2}\2[0-9]{4}|[0-9]{4}[/.][0-9]{1,2}[/.][0-9]{1,2})(?![0-9])"
)
"""A date that is none to the readers, for nobody knows which number is the month: 13/01/2024."""

FIRST_DAY, LAST_DAY = 19_000_101, 21_001_231
MOST = 0.9
"""The share of values that has to look like an instant."""
FIRST_SECOND, LAST_SECOND = 10**8, 5 * 10**9
"""1973 and 2128: what lies between is taken for the seconds of an instant."""


def guess_columns(sample: Sample, named: Mapping[Role, str | None] | None = None) -> Guesses:
    """Return which column holds what, as far as names and values tell.

    Args:
        sample: the columns with the values of their first rows.
        named: what is known already; None for a timestamp that the log does not have.

    Returns:
        The columns of the roles that are not named.
    """
    named = named or {}
    free = {name: values for name, values in sample.items() if name not in named.values()}
    candidates = {role: _named_like(role, free) for role in WORDS if role not in named}
    taken = {name for names in candidates.values() for name in names}
    left = [name for name in free if name not in taken]
    if candidates.get("timestamp") == []:
        candidates["timestamp"] = [name for name in left if are_instants(free[name])]
        left = [name for name in left if name not in candidates["timestamp"]]
    unknown = [role for role in NEEDED[:2] if candidates.get(role) == []]
    if len(unknown) == len(left) == 1 and all(len(names) < 2 for names in candidates.values()):
        candidates[unknown[0]] = left
    return candidates


def _named_like(role: Role, sample: Sample) -> list[str]:
    """Return the columns whose names fit the role best."""
    ranks = {
        name: rank
        for name in sample
        if (rank := fit(name, role)) is not None and _may_be(role, rank, name, sample)
    }
    return [name for name, rank in ranks.items() if rank == min(ranks.values())]


def _may_be(role: Role, rank: int, name: str, sample: Sample) -> bool:
    """Return whether the values do not speak against what the name says."""
    if role == "rating":
        return all(decimal(value) is not None for value in sample[name] if value.strip())
    if role != "timestamp":
        return not _mostly_missing(sample[name])
    if name.lower() == "day" and {"month", "year"} <= {other.lower() for other in sample}:
        return False  # a third of a date
    return rank < IS_QUALIFIED or are_instants(sample[name])


def _mostly_missing(values: Sequence[str]) -> bool:
    """Return whether most values stand for none."""
    none = sum(value.strip() in ("", *MISSING) for value in values)
    return 2 * none > len(values)


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
    if role == "user" and core[-1] in WEAK_WORDS:
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
    pairs = [(word, word not in ALL_WORDS and SUFFIXED.fullmatch(word)) for word in words]
    return [part for word, pair in pairs for part in (pair.groups() if pair else (word,))]


def are_instants(values: Sequence[str]) -> bool:
    """Return whether values look like dates, or like numbers of the size instants have."""
    texts = [value.strip() for value in values if value.strip()]
    return bool(texts) and sum(map(_is_instant, texts)) >= MOST * len(texts)


def _is_instant(text: str) -> bool:
    number = decimal(text)
    if number is None:
        # Dates that no reader takes too: the column is the right one, and they can be mended.
        return microseconds(text) is not None or OTHER_DATE.match(text) is not None
    month, day = number // 100 % 100, number % 100
    if FIRST_DAY <= number <= LAST_DAY and 1 <= month <= 12 and 1 <= day <= 31:
        return True
    # seconds, and milli-, micro- and nanoseconds of the same years
    units = (1, 10**3, 10**6, 10**9)
    return any(FIRST_SECOND * unit <= number <= LAST_SECOND * unit for unit in units)
