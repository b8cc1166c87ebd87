"""The demo log: made-up listeners, small enough to train on in a minute.

What is in it, and is worth finding: every user has two tastes and likes the popular items of
a taste best (Zipf); after an item often comes one of its few successors, a planted transition
graph that a sequential model can learn and a popularity list cannot. What is in it, and has
to be cleaned: repeats, users and items below the 5-core, and some broken lines.

Only uniform random numbers and integer weights are used, no logarithm or power, so that the
same seed gives the same bytes on every platform.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seqrec.files import replacing

if TYPE_CHECKING:
    from seqrec.parameters.raw_sections import RawOptions

logger = logging.getLogger(__name__)

Ints = NDArray[np.int64]

TASTES = (
    *("ambient", "blues", "classical", "disco", "electro", "folk"),
    *("gospel", "hiphop", "indie", "jazz", "klezmer", "latin"),
)
ITEMS_A_TASTE = 25
COMMON_ITEMS = len(TASTES) * ITEMS_A_TASTE
RARE_ITEMS = 20
"""Items heard at most four times, which a 5-core drops."""

USERS = 2000
SHORT_HISTORIES = 0.1
"""Share of the users with fewer than five interactions."""

SUCCESSOR_WEIGHTS = (50, 25, 15, 10)
FOLLOWS = 0.65
"""How often the next item is a successor of the last one."""
REPEATS = 0.04
"""How often the last item is heard once more."""
TRIES_FOR_NEW = 2
"""How often an item heard before is drawn anew: people prefer something new."""

FIRST_INSTANT = 1_577_836_800
DAY = 86_400
BROKEN_LINES_A_KIND = 15


def generate_if_absent(raw: RawOptions, folder: Path) -> Path | None:
    """Write the log of a data set that the project makes itself, unless it is there.

    Returns:
        The file, or None where a publisher gives the log.
    """
    if raw.generator is None:
        return None
    path = folder / raw.files[0].name
    if not path.exists():
        write_demo_log(path)
        logger.info("generated %s", path)
    return path


def write_demo_log(path: Path, seed: int = 0) -> None:
    """Write the demo log as CSV: ``user_id,item_id,timestamp`` (seconds), in order of time.

    Args:
        path: the file to write; its folder is made.
        seed: the same seed gives the same bytes.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    users, items, timestamps = _interactions(rng)
    lines = _with_broken_lines(_lines(users, items, timestamps), rng)
    with replacing(path) as unfinished:
        unfinished.write_bytes(b"user_id,item_id,timestamp\n" + b"".join(lines))


def _interactions(rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """Return user, item and timestamp of each interaction, in order of time."""
    lengths = _lengths(rng)
    walks = _walks(rng, int(lengths.max()))
    real = np.arange(walks.shape[1]) < lengths[:, None]
    users = np.nonzero(real)[0]
    items = _with_rare_items(walks[real], rng)
    timestamps = _timestamps(rng, walks.shape[1])[real]
    order = np.argsort(timestamps, kind="stable")
    return users[order], items[order], timestamps[order]


def _lengths(rng: np.random.Generator) -> Ints:
    """Return each user's number of interactions: mostly short, a few of 45."""
    kind, size = rng.random((2, USERS))
    long = 5 + _floor(40 * size * size * size * size)
    return np.where(kind < SHORT_HISTORIES, 1 + _floor(4 * size), long)


def _walks(rng: np.random.Generator, steps: int) -> Ints:
    """Let every user walk through the items: (users, steps)."""
    successors = _successors(rng)
    tastes = _draw(rng, _zipf(len(TASTES), 4), (2, USERS))
    everyone = np.arange(USERS)
    seen = np.zeros((USERS, COMMON_ITEMS), dtype=bool)
    walks = np.empty((USERS, steps), dtype=np.int64)
    item = _by_taste(rng, tastes)
    for step in range(steps):
        walks[:, step] = item
        seen[everyone, item] = True
        following = _next(rng, item, tastes, successors)
        for _ in range(TRIES_FOR_NEW):
            other = _next(rng, item, tastes, successors)
            following = np.where(seen[everyone, following], other, following)
        item = np.where(rng.random(USERS) < REPEATS, item, following)
    return walks


def _next(rng: np.random.Generator, item: Ints, tastes: Ints, successors: Ints) -> Ints:
    """Draw each user's next item: a successor of the last one, or one of the user's taste."""
    which = _draw(rng, np.cumsum(SUCCESSOR_WEIGHTS), USERS)
    follows = rng.random(USERS) < FOLLOWS
    return np.where(follows, successors[item, which], _by_taste(rng, tastes))


def _by_taste(rng: np.random.Generator, tastes: Ints) -> Ints:
    """Draw an item of each user's first taste, or one in four times of the second."""
    taste = np.where(rng.random(USERS) < 0.75, tastes[0], tastes[1])
    items: Ints = taste * ITEMS_A_TASTE + _draw(rng, _zipf(ITEMS_A_TASTE, 3), USERS)
    return items


def _successors(rng: np.random.Generator) -> Ints:
    """Plant the transition graph: three successors of the same taste and one of any."""
    own_taste = np.arange(COMMON_ITEMS)[:, None] // ITEMS_A_TASTE * ITEMS_A_TASTE
    ranks = np.argsort(rng.random((COMMON_ITEMS, ITEMS_A_TASTE)), axis=1, kind="stable")
    anywhere = _floor(COMMON_ITEMS * rng.random((COMMON_ITEMS, 1)))
    return np.concatenate([own_taste + ranks[:, :3], anywhere], axis=1)


def _with_rare_items(items: Ints, rng: np.random.Generator) -> Ints:
    """Put rare items, one to four times each, in the place of others."""
    rare = np.arange(RARE_ITEMS)
    heard = np.repeat(COMMON_ITEMS + rare, 1 + rare % 4)
    places = np.argsort(rng.random(len(items)), kind="stable")[: len(heard)]
    items[places] = heard
    return items


def _timestamps(rng: np.random.Generator, steps: int) -> Ints:
    """Return instants in seconds (users, steps): a first day, then gaps; one in ten is 0."""
    first = FIRST_INSTANT + _floor(300 * DAY * rng.random((USERS, 1)))
    gap = rng.random((USERS, steps))
    gaps = np.where(gap < 0.1, 0, _floor(4 * DAY * gap * gap * gap))
    instants: Ints = first + np.cumsum(gaps, axis=1)
    return instants


def _lines(users: Ints, items: Ints, timestamps: Ints) -> list[bytes]:
    names = [f"{taste}-{number:02}" for taste in TASTES for number in range(1, ITEMS_A_TASTE + 1)]
    names += [f"rarity-{number:02}" for number in range(1, RARE_ITEMS + 1)]
    rows = zip(users.tolist(), items.tolist(), timestamps.tolist(), strict=True)
    return [f"u{user + 1:04},{names[item]},{instant}\n".encode() for user, item, instant in rows]


def _with_broken_lines(lines: list[bytes], rng: np.random.Generator) -> list[bytes]:
    """Insert lines that no reader may accept: about one in four hundred."""
    kinds = (
        b"u0001,jazz-01\n",
        b",jazz-01,1580000000\n",
        b"u0001,jazz-01,yesterday\n",
        b"u0001,caf\xe9-01,1580000000\n",
    )
    broken = kinds * BROKEN_LINES_A_KIND
    places = np.sort(_floor(len(lines) * rng.random(len(broken))))
    for line, place in zip(broken, places[::-1].tolist(), strict=True):
        lines.insert(place, line)
    return lines


def _zipf(count: int, offset: int) -> Ints:
    """Return cumulated integer weights that fall as 1 / (rank + offset)."""
    return np.cumsum(1_000_000 // (np.arange(count) + offset))


def _draw(rng: np.random.Generator, cumulated: Ints, shape: int | tuple[int, ...]) -> Ints:
    """Draw indices with the given cumulated weights."""
    return np.searchsorted(cumulated, _floor(cumulated[-1] * rng.random(shape)), side="right")


def _floor(values: NDArray[np.float64]) -> Ints:
    return values.astype(np.int64)
