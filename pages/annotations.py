"""The type of a parameter in plain words, read from its annotation."""

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pages.markdown import code
from seqrec.models.parts.search_range import SearchRange, Space
from seqrec.parameters.raw_sections import Column
from seqrec.parameters.section import Section
from seqrec.parameters.sections import Cutoffs, Instant, Names, Spaces, Sweeps, UserPath
from seqrec.parameters.selection import Seeds

BY_NAME = (
    (UserPath, "path"),
    (Column, "name, or position from 0"),
    (Instant, "date or whole number"),
    (Names, "names, such as `a;b`"),
    (Cutoffs, "whole numbers from 1, such as `5;10`"),
    (Seeds, "whole numbers from 0, such as `42;43`"),
    (Spaces, "by model, section and parameter"),
    (Sweeps, "by model, section and parameter"),
    (Space, "range or list"),
)
"""Types that say more than their parts; several values after ``--params`` stand between ``;``."""
PLAIN = {
    int: "whole number",
    float: "number",
    str: "text",
    bool: "`true` or `false`",
    dict: "group",
}
LIMITS = {"ge": " from", "gt": " above", "le": " to", "lt": ", below"}


def in_words(annotation: Any) -> str:
    """Return what may stand for an annotation: its kind, its values, its limits."""
    for known, words in BY_NAME:
        if annotation == known:
            return words
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return f"{in_words(arguments[0])}{_limits(arguments[1:])}"
    if origin in (Literal, Union, types.UnionType):
        return _alternatives(_each(annotation))
    if origin is tuple:
        return f"list of {in_words(arguments[0])}"
    return _plain(origin or annotation)


def _plain(kind: Any) -> str:
    return "group" if issubclass(kind, Section) else PLAIN[kind]


def _each(annotation: Any) -> list[str]:
    """Return the alternatives of a union or of given values, null the last of them."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return [code(str(value)) for value in arguments]
    if origin not in (Union, types.UnionType):
        return ["null"] if annotation is type(None) else [in_words(annotation)]
    words = [word for argument in arguments for word in _each(argument)]
    return sorted(words, key=lambda word: word == "null")


def _alternatives(words: list[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def _limits(metadata: tuple[Any, ...]) -> str:
    """Return the limits of a number, whether pydantic's or those of a model's options."""
    found = [f"{word} {limit:g}" for word, limit in _each_limit(metadata)]
    return "".join(found)


def _each_limit(metadata: tuple[Any, ...]) -> list[tuple[str, float]]:
    inner = [part for each in metadata for part in (getattr(each, "metadata", None) or [each])]
    return [
        (word, limit)
        for name, word in LIMITS.items()
        for each in inner
        if isinstance(limit := getattr(each, name, None), int | float)
    ]


def searched(space: Space) -> str:
    """Return where a search looks for a value."""
    if isinstance(space, SearchRange):
        scale = ", evenly on a logarithmic scale" if space.log else ""
        return f"from {space.low:g} to {space.high:g}{scale}"
    return _alternatives([code(str(value)) for value in space])
