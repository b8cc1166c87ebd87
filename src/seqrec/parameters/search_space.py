"""Which values of a parameter are tried, as a user writes them; no torch, no Optuna.

``{low: 0.1, high: 0.9}`` is a range, ``[1, 3, 5]`` are values, ``1;3;5`` the same in a text, for
``--params`` is split at its commas. Parameters stand under the section they belong to, and these
under their model: ``{bsarec: {model_options: {alpha: …}, training: {learning_rate: …}}}``. Null
leaves a parameter out that is declared elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from seqrec.errors import unknown_name
from seqrec.models.parts.search_range import SearchRange, SearchValue, Space, is_number

VARIED = {
    "training": (
        *("batch_size", "learning_rate", "max_epochs", "patience"),
        *("loss", "negatives", "calibration"),
    ),
    "ted": ("weight", "tau"),
}
"""What may be varied of the sections beside ``model_options``, whose names the model knows.

The others change the data, the measure or the machine, so that two values could not be compared.
"""
OPTIONS = "model_options"

T = TypeVar("T")


def space_of(written: Any) -> Space | None:
    """Return a range or values as the user wrote them, None for what is left out.

    Raises:
        ValueError: it is neither.
    """
    if written is None or isinstance(written, SearchRange):
        return written
    if isinstance(written, dict):
        if not {"low", "high"} <= written.keys() <= {"low", "high", "log"}:
            raise ValueError("a range is written {low: NUMBER, high: NUMBER, log: true or false}")
        return SearchRange(**written)
    values = _values(written)
    kinds = {str if isinstance(value, str) else float for value in values if value is not None}
    if len(kinds) > 1:
        raise ValueError("should be numbers or texts, not both")
    return values


def sweep_of(written: Any) -> tuple[float, ...] | None:
    """Return the numbers of a sweep, each once, in order; None for what is left out.

    Raises:
        ValueError: one is no number.
    """
    if written is None:
        return None
    values = _values(written)
    numbers = {value for value in values if isinstance(value, int | float) and is_number(value)}
    if len(numbers) < len(values):
        raise ValueError("should be a list of numbers")
    return tuple(sorted(numbers))


def _values(written: Any) -> tuple[SearchValue, ...]:
    if isinstance(written, str):
        written = [_parsed(part.strip()) for part in written.split(";") if part.strip()]
    values = written if isinstance(written, list | tuple) else [written]
    if not values or not all(isinstance(value, SearchValue) for value in values):
        raise ValueError("should be a range, a list of values, or a text such as 0.1;0.5")
    return tuple(dict.fromkeys(values))


def _parsed(text: str) -> SearchValue:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def flat(groups: Mapping[str, Mapping[str, T]]) -> dict[str, T]:
    """Return ``{"training": {"loss": x}}`` as ``{"training.loss": x}``."""
    return {f"{group}.{key}": x for group, inner in groups.items() for key, x in inner.items()}


def nested(values: Mapping[str, T]) -> dict[str, dict[str, T]]:
    """Return ``{"training.loss": x}`` as ``{"training": {"loss": x}}``."""
    groups: dict[str, dict[str, T]] = {}
    for name, x in values.items():
        group, _, key = name.partition(".")
        groups.setdefault(group, {})[key] = x
    return groups


def is_range(block: Any) -> bool:
    """Return whether a mapping in a file is a range rather than a group of parameters."""
    return isinstance(block, dict) and block.keys() >= {"low", "high"}


def check_names(
    models: Mapping[str, Mapping[str, Iterable[str]]], model_names: Iterable[str]
) -> None:
    """Raise where a name is unknown to all models.

    Args:
        models: model → section → parameters.
        model_names: the models there are.

    Raises:
        ValueError: an unknown model, section or parameter, with the nearest valid one.
    """
    model_names = list(model_names)
    for model, groups in models.items():
        if model not in model_names:
            raise ValueError(str(unknown_name("model", model, model_names)))
        for group, names in groups.items():
            if group not in (OPTIONS, *VARIED):
                raise ValueError(str(unknown_name("section", group, [OPTIONS, *VARIED])))
            for name in names:
                if group != OPTIONS and name not in VARIED[group]:
                    possible = [f"{group}.{other}" for other in VARIED[group]]
                    error = unknown_name("parameter", f"{group}.{name}", possible, "of a search")
                    raise ValueError(str(error))
