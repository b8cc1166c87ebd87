"""The one exception a user of seqrec is meant to read."""

from collections.abc import Iterable
from difflib import get_close_matches


class SeqrecError(Exception):
    """One line that names the thing, the place and the remedy."""


def unknown_name(kind: str, name: str, known: Iterable[str], place: str = "") -> SeqrecError:
    """Return the error for a name that does not exist, with the nearest one that does.

    Args:
        kind: what the name names, in the singular ("data set", "parameter").
        name: the unknown name.
        known: every valid name.
        place: where the name stands, if that is not obvious ("in --params").
    """
    known = sorted(known)
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    remedy = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
    where = f" {place}" if place else ""
    return SeqrecError(f"unknown {kind} '{name}'{where}; {remedy}")
