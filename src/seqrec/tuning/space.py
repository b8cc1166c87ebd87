"""Which parameters of a model a search may vary, and whether it makes sense to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from seqrec.errors import SeqrecError, unknown_name
from seqrec.models import GIVEN, any_class
from seqrec.models.parts.search_range import SearchRange, Space
from seqrec.parameters.search_space import OPTIONS
from seqrec.training.settings import Settings

T = TypeVar("T")


def own_space(settings: Settings) -> dict[str, Space]:
    """Return what a model declares itself, at whatever value it is at present.

    A parameter that has a value, of an earlier search say, is searched again from there.
    """
    declared = any_class(settings.model).space
    return {name if "." in name else f"{OPTIONS}.{name}": where for name, where in declared.items()}


def without_left_out(settings: Settings, declared: Mapping[str, T | None]) -> dict[str, T]:
    """Return what is declared but for the nulls, which say that a parameter is left out.

    Args:
        settings: the present ones, whose model knows its parameters.
        declared: by parameter, the user's declarations over those of the files.

    Raises:
        SeqrecError: a null for a parameter that the model does not have.
    """
    fields = any_class(settings.model).Config.__dataclass_fields__
    options = [f"{OPTIONS}.{key}" for key in fields if key not in GIVEN]
    for name, where in declared.items():
        if where is None and name.startswith(f"{OPTIONS}.") and name not in options:
            raise unknown_name("parameter", name, options, f"of model '{settings.model}'")
    return {name: where for name, where in declared.items() if where is not None}


def check_varied(settings: Settings, space: Mapping[str, Space], section: str) -> None:
    """Raise unless each parameter can take each of its values, the others as they are.

    Args:
        settings: the present ones.
        space: what is to be tried.
        section: where it is declared, ``tuning.spaces`` say.

    Raises:
        SeqrecError: nothing is declared, an unknown parameter or value, or one without effect.
    """
    if not space:
        raise SeqrecError(
            f"{section} says nothing about model '{settings.model}'; add"
            f" {section}.{settings.model}.{OPTIONS}.NAME, a list of values, say"
        )
    for name, where in space.items():
        _check_effect(settings, space, name)
        values = (where.low, where.high) if isinstance(where, SearchRange) else where
        for value in values:
            settings.changed({name: value})


def _check_effect(settings: Settings, space: Mapping[str, Space], name: str) -> None:
    """Raise for a parameter that changes nothing, or the transition graph too."""
    distils = bool(settings.ted.weight)
    if settings.counted and not name.startswith(OPTIONS):
        raise SeqrecError(
            f"parameter {name} means nothing to model '{settings.model}', which is counted, not "
            "trained; leave it out of the search"
        )
    if name == "ted.tau" and not distils and "ted.weight" not in space:
        raise SeqrecError("parameter ted.tau changes nothing where ted.weight is 0; set ted.weight")
    # Their graph counts the last max_len items of a user, once there is a distillation.
    moves_graph = name == "ted.weight" if not distils else name == f"{OPTIONS}.max_len"
    if settings.protocol == "authors" and moves_graph:
        remedy = "leave it out" if distils else "give ted.weight a value above 0 first"
        raise SeqrecError(
            f"parameter {name} would change the transition graph under protocol authors; {remedy}"
        )
