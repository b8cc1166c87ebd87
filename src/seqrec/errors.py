"""The one exception a user of seqrec is meant to read, and the forms its line takes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

SCALAR = str | int | float | None


class SeqrecError(Exception):
    """One line that names the thing, the place and the remedy."""


def as_typed(value: object) -> str:
    """Return a parameter's value as it is typed after ``--params``: null where there is none."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def rows_in_words(count: int) -> str:
    """Return so many rows as one says it: ``1 row``, ``1,060 rows``."""
    return f"{count:,} rows" if count != 1 else "1 row"


def unknown_name(
    kind: str, name: str, names: Iterable[str], place: str = "", far: str = ""
) -> SeqrecError:
    """Return the error for a name that does not exist, with the nearest one that does.

    Args:
        kind: what the name names, in the singular ("data set", "parameter").
        name: the unknown name.
        names: every valid name.
        place: where the name stands, if that is not obvious ("in --params").
        far: the remedy where none is near, beside the list of them.
    """
    names = sorted(names)
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    remedy = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(names)}"
    if far and not near:
        remedy = f"{remedy}; {far}"
    where = f" {place}" if place else ""
    return SeqrecError(f"unknown {kind} '{name}'{where}; {remedy}")


def explain(error: ValidationError, section: str, names: Iterable[str]) -> SeqrecError:
    """Turn a pydantic error into one line with the nearest valid name.

    Args:
        error: what pydantic found.
        section: the section of the parameters that was checked.
        names: the names valid in it.
    """
    first = error.errors()[0]
    *group, name = [part for part in (section, *map(str, first["loc"])) if part]
    path = ".".join([*group, name])
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return unknown_name("parameter", path, [".".join([*group, field]) for field in names])
    message = first["msg"].removeprefix("Value error, ")
    value = first["input"]
    shown = f" (got {value!r})" if isinstance(value, SCALAR) else ""
    return SeqrecError(f"parameter {path}: {message[0].lower()}{message[1:]}{shown}")
