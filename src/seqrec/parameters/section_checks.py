"""What a user says as a typed section, or one line that names the parameter and the remedy."""

from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from seqrec.errors import explain
from seqrec.parameters.section import Section
from seqrec.parameters.sections import SECTIONS

SectionT = TypeVar("SectionT", bound=Section)


def check_section(name: str, values: dict[str, Any]) -> Section:
    """Return the typed section, or raise one line that names the parameter and the remedy."""
    return check_values(SECTIONS[name], values, name)


def check_values(options: type[SectionT], values: dict[str, Any], section: str) -> SectionT:
    """Return the values as ``options``, or raise one line.

    Args:
        options: what the values must fit.
        values: as the user gave them.
        section: the name that stands before each of theirs, if any.

    Raises:
        SeqrecError: an unknown name, with the nearest valid one, or a wrong value.
    """
    try:
        return options(**values)
    except ValidationError as error:
        raise explain(error, section, _fields_at(options, error.errors()[0]["loc"])) from None


def _fields_at(section: type[Section], location: tuple[int | str, ...]) -> list[str]:
    """Return the names valid where an error lies, which may be deep in a section."""
    fields = section.model_fields
    for part in location[:-1]:
        if isinstance(part, str) and part in fields:
            inner = _section_in(fields[part].annotation)
            fields = inner.model_fields if inner else fields
    return list(fields)


def _section_in(annotation: Any) -> type[Section] | None:
    """Return the section that ``X | None`` or ``tuple[X, ...]`` holds, if it holds one."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    inner = (_section_in(argument) for argument in get_args(annotation))
    return next(filter(None, inner), None)
