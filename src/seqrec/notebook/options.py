"""Keywords of a function to the sections of the parameters they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from seqrec.errors import SeqrecError, unknown_name


def by_section(
    function: str, sections: Mapping[str, Iterable[str]], options: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the options by their sections.

    Args:
        function: whose options they are, for messages.
        sections: section → the names in it; of a name in several, the first section has it.
        options: by name; or a whole section by its own name, as a mapping.

    Raises:
        SeqrecError: an unknown name, with the nearest one there is, a section that is no mapping,
            or an option that is given twice.
    """
    owners = {name: owner for owner in reversed(list(sections)) for name in sections[owner]}
    found: dict[str, dict[str, Any]] = {owner: {} for owner in sections}
    for name, value in options.items():
        if name in sections:
            _add(found, name, _mapping(name, value))
        elif name in owners:
            _add(found, owners[name], {name: str(value) if isinstance(value, Path) else value})
        else:
            raise unknown_name("option", name, owners, f"of {function}")
    return found


def _mapping(section: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise SeqrecError(
            f"option {section}: should be a dict, {section}={{'NAME': VALUE}} (got {value!r})"
        )
    return value


def _add(found: dict[str, dict[str, Any]], section: str, values: Mapping[str, Any]) -> None:
    if twice := found[section].keys() & values.keys():
        name = min(twice)
        raise SeqrecError(f"option {name} is given twice, once in {section}; leave one out")
    found[section] |= values
