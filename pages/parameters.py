"""docs/reference/parameters.md: every key of ``--params`` and of the parameter files."""

from collections.abc import Iterator
from typing import Any, get_type_hints

from pydantic_core import PydanticUndefined

from pages.annotations import in_words
from pages.docstrings import field_sentences
from pages.markdown import anchored, code, codes, first_sentence, page, prose, table
from pages.model_options import HEADER, model_options
from pages.settings import as_yaml, blocks, default, differences, models, own_values
from seqrec.parameters.blocks import datasets_in
from seqrec.parameters.named_files import SingleRawFile, SingleTitlesFile
from seqrec.parameters.raw_sections import (
    ColumnMapping,
    LogForm,
    Publisher,
    RawFileOptions,
    RawOptions,
    TitlesFileOptions,
)
from seqrec.parameters.section import Section
from seqrec.parameters.sections import SECTIONS
from seqrec.parameters.selection import Selection
from seqrec.readers import READERS

INTRODUCTION = (
    """
    A parameter is a setting of one run: `kedro run --params dataset=beauty,training.max_epochs=50`.
    What is not said there comes from the files in `conf/base`: the defaults of a section, over them
    what the data set says, over that what the model says. A name that does not exist gets the
    nearest one that does.
    """,
    """
    After `--params` a comma ends a value, so several values stand between `;`, in quotes for the
    shell: `"evaluation.cutoffs=5;10"`; `null` stands for no value. In a file the dots are levels of
    YAML: defaults in `conf/base/parameters`, those of a data set in
    `conf/base/parameters/datasets/NAME.yml`, those of a model in
    `conf/base/parameters/models/NAME.yml`, where `protocols`, `datasets` and `variants` hold what
    counts under one of these alone. [From Python](../python.md) a parameter is a keyword, without
    the name of its section.
    """,
)
Groups = dict[str, type[Section]]
OF_A_FILE: Groups = {
    "raw": SingleRawFile,
    "raw.columns": ColumnMapping,
    "raw.titles": SingleTitlesFile,
}
"""A log by its path, after ``--params``."""
OF_A_BLOCK: Groups = {
    "raw": RawOptions,
    "raw.files[]": RawFileOptions,
    "raw.titles[]": TitlesFileOptions,
    "raw.publisher": Publisher,
}
"""The log of a data set, in its block."""


def write() -> str:
    """Return the page."""
    sections = (block for name in SECTIONS if name != "raw" for block in _section(name))
    introduction = map(prose, INTRODUCTION)
    return page("Parameters", *introduction, *_choice(), *_raw(), *sections, *model_options())


def _choice() -> Iterator[str]:
    yield "## What is run"
    yield prose("A run is one data set, one model and one protocol.")
    yield table(HEADER, _rows("", Selection))
    yield prose(f"`seed=7` is short for `seeds=7`. Models: {codes(models())}.")
    yield prose(f"Data sets that come configured: {codes(sorted(datasets_in(blocks())))}.")


def _raw() -> Iterator[str]:
    yield "## raw"
    yield prose(
        "Which log is read, and how it is written: [your own log](../logs.md) has examples. The "
        f"readers are {codes(sorted(READERS))}."
    )
    yield "### A log by its path"
    yield table(HEADER, (row for place in OF_A_FILE.items() for row in _rows(*place)))
    yield "### The log of a data set's block"
    rows = [row for place in OF_A_BLOCK.items() for row in _rows(*place)]
    yield table(HEADER, rows)
    yield prose(
        "`[]` stands for each entry of the list. An entry of `raw.files` takes what stands above "
        f"for a log by its path: {codes(LogForm.model_fields)}."
    )


def _section(name: str) -> Iterator[str]:
    kind = SECTIONS[name]
    yield f"## {name}"
    yield prose(f"{first_sentence(kind.__doc__ or '')}.")
    yield table(HEADER, _rows(name, kind))
    keys = {f"{name}.{key}": field.default for key, field in kind.model_fields.items()}
    defaults = {key: default(key, of_class) for key, of_class in keys.items()}
    yield differences((own for own in own_values() if own.key in defaults), defaults)
    yield from _nested(defaults)


def _nested(defaults: dict[str, Any]) -> Iterator[str]:
    """Yield what a group holds from the beginning, a row a value."""
    for key, value in defaults.items():
        if isinstance(value, dict) and value:
            yield table(("key", "default"), _leaves(key, value))


def _leaves(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        yield code(key), code(as_yaml(value))
        return
    for name, inner in value.items():
        yield from _leaves(f"{key}.{name}", inner)


def _rows(place: str, kind: type[Section]) -> Iterator[tuple[str, ...]]:
    """Yield a row a field, those first that the class does not inherit."""
    sentences, hints = field_sentences(kind), get_type_hints(kind, include_extras=True)
    own = sorted(kind.model_fields.items(), key=lambda field: field[0] not in kind.__annotations__)
    for name, field in own:
        key = f"{place}.{name}".removeprefix(".")
        if not (kind is RawFileOptions and name in LogForm.model_fields):
            value = _default(key, field.default)
            yield anchored(key), sentences[name], in_words(hints[name]), value


def _default(key: str, of_class: Any) -> str:
    value = "data/01_raw/DATASET" if key == "raw_dir" else default(key, of_class)
    if value is PydanticUndefined:
        return "must be given"
    return "see below" if isinstance(value, dict) and value else code(as_yaml(value))
