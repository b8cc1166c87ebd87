"""The options of each model, for the page of the parameters."""

from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from importlib import import_module
from typing import Any, get_type_hints

from pages.annotations import in_words, searched
from pages.docstrings import field_sentences
from pages.markdown import anchored, code, first_sentence, from_docstring, prose, table
from pages.settings import as_yaml, default, differences, models, own_values
from seqrec.models import GIVEN, any_class
from seqrec.models.parts.shared_options import MEANINGS
from seqrec.parameters.sections import MODEL_OPTIONS

HEADER = ("key", "what it is", "values", "default")


def model_options() -> Iterator[str]:
    """Yield the blocks of the section."""
    yield f"## {MODEL_OPTIONS}"
    yield prose(
        "What a model has of its own, by model. Under each table stands what a search for better "
        "settings (`kedro run --pipeline tuning`) tries unless `tuning.spaces` says something else."
    )
    for name in models():
        yield f"### {name}"
        yield prose(f"{first_sentence(import_module(f'seqrec.models.{name}').__doc__ or '')}.")
        yield from _of(name)


def _of(name: str) -> Iterator[str]:
    kind = any_class(name)
    options = [field for field in fields(kind.Config) if field.name not in GIVEN]
    defaults = {f"{MODEL_OPTIONS}.{field.name}": _default(name, field) for field in options}
    yield table(HEADER, _rows(name, kind.Config, defaults)) or "There is nothing to set."
    own = [each for each in own_values() if each.owner == f"`{name}`" and each.key in defaults]
    yield differences((each._replace(owner="") for each in own), defaults)
    if kind.space:
        tried = [f"{code(key)} {searched(space)}" for key, space in kind.space.items()]
        yield prose(f"A search tries {'; '.join(tried)}.")


def _default(name: str, field: "Field[Any]") -> Any:
    made = field.default_factory
    of_class = field.default if made is MISSING else made()
    return default(f"{name}.{MODEL_OPTIONS}.{field.name}", of_class)


def _rows(name: str, config: type, defaults: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    hints = get_type_hints(config, include_extras=True)
    for key, value in defaults.items():
        option = key.removeprefix(f"{MODEL_OPTIONS}.")
        yield (
            anchored(key, f"{name}.{option}"),
            sentence_of(config, option),
            in_words(hints[option]),
            code(as_yaml(value)),
        )


def sentence_of(config: type, option: str) -> str:
    """Return what an option is: by the model's own word, or as in all models that have it."""
    own = field_sentences(config).get(option)
    return own or from_docstring(MEANINGS[option])
