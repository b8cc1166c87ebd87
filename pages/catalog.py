"""docs/reference/catalog.md: the pipelines, and every data set they read and write."""

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import yaml
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from pages.markdown import capitalised, code, codes, first_sentence, page, prose, table
from pages.settings import BASE
from seqrec.pipeline_registry import CHAIN, DEFAULT, pipeline_names
from seqrec.preparation.rejected_rows import REJECTED_ROWS
from seqrec.preparation.titles import TITLES
from seqrec.readers import INTERACTIONS
from seqrec.recommendation.everybody import LISTS

CATALOG = BASE / "catalog.yml"
HEADING = re.compile(r"# --- (\w+): (.*?) -+$")
"""What begins a part of the catalog: the pipeline it belongs to, and what that is about."""
NAME = re.compile(r'"?([a-z{][\w{}]*)"?:')
IN_A_PATH = (
    ("${_cell}", "CELL"),
    ("${_dataset}", "DATASET"),
    ("${_protocol}", "PROTOCOL"),
    ("${_chosen}", "models"),
    ("*/*/*", "CELL"),
    ("*", "DATASET"),
    ("{name}", "NAME"),
)
SCHEMAS = {
    "interactions": INTERACTIONS,
    "rejected_rows": REJECTED_ROWS,
    "titles": TITLES,
    "recommendations": LISTS,
}
"""Columns of the tables that declare them."""
INTRODUCTION = """
A pipeline is a part of a run, `kedro run --pipeline NAME`; its steps are functions, and what stands
between them are data sets: the tables, models and reports of `conf/base/catalog.yml`, each with a
file of its own. In a path DATASET and PROTOCOL stand for those of the run, CELL for data set, model
and protocol together: `demo/bsarec/standard`. `kedro viz run` draws all of this.
"""


class Entry(NamedTuple):
    """A data set as the catalog describes it."""

    name: str
    sentence: str
    part: str
    about: str
    """What the part of the catalog holds in which it stands."""


def write() -> str:
    """Return the page."""
    return page("Catalog", prose(INTRODUCTION), *_pipelines(), *_parts())


def _pipelines() -> Iterator[str]:
    yield "## Pipelines"
    yield prose(f"`kedro run` alone runs {codes(CHAIN)}, one after the other.")
    yield table(("pipeline", "from → to", "what it is about"), map(_pipeline_row, _in_order()))


def _in_order() -> list[str]:
    """Return the pipelines in the order in which their parts stand in the catalog."""
    parts = ["download", *dict.fromkeys(entry.part for entry in entries())]
    return sorted((name for name in pipeline_names() if name != DEFAULT), key=parts.index)


@cache
def pipeline(name: str) -> Pipeline:
    """Return a pipeline by its name."""
    made: Pipeline = import_module(f"seqrec.pipelines.{name}").create_pipeline()
    return made


def _pipeline_row(name: str) -> tuple[str, str, str]:
    """Return what a pipeline's own docstring and its part of the catalog say."""
    from_to = import_module(f"seqrec.pipelines.{name}.pipeline").__doc__ or ""
    abouts = {entry.part: entry.about for entry in entries()}
    first = first_sentence(pipeline(name).nodes[0].func.__doc__ or "")
    return code(name), first_sentence(from_to), capitalised(abouts.get(name, first))


def _parts() -> Iterator[str]:
    header = ("data set", "what it holds", "file", "written by", "read by")
    for part, about in dict.fromkeys((entry.part, entry.about) for entry in entries()):
        yield f"## {part}"
        yield f"{capitalised(about)}."
        yield table(header, [_row(entry) for entry in entries() if entry.part == part])
        yield "Steps:"
        yield "\n".join(map(_step, pipeline(part).nodes))


def _step(node: Node) -> str:
    return prose(f"- `{node.name}`: {first_sentence(node.func.__doc__ or '')}.")


def _row(entry: Entry) -> tuple[str, ...]:
    sentence = f"{entry.sentence} {_columns(entry.name)}".strip()
    if "{" in entry.name:
        sentence = f"{sentence.removesuffix('.')}: {codes(_names_for(entry.name))}."
    path = _path(entry.name)
    same_file = [name for other in contents() if _path(other) == path for name in _names_for(other)]
    writers, readers = (
        _those_of(same_file, "all_outputs"),
        _those_of(_names_for(entry.name), "inputs"),
    )
    return f"`{entry.name}`", sentence, code(path), codes(writers), codes(readers)


def _path(name: str) -> str:
    """Return where a data set lies, names in capitals for what differs."""
    path: str = contents()[name]["filepath"]
    for pattern, words in IN_A_PATH:
        path = path.replace(pattern, words)
    return path


def _names_for(name: str) -> list[str]:
    """Return the data sets that an entry stands for, several where it is a pattern."""
    if "{" not in name:
        return [name]
    made = {output for each in _in_order() for output in pipeline(each).all_outputs()}
    fitting = re.compile(name.replace("{name}", r"\w+"))
    return sorted(output for output in made - contents().keys() if fitting.fullmatch(output))


def _those_of(names: list[str], side: str) -> list[str]:
    return [each for each in _in_order() if {*names} & getattr(pipeline(each), side)()]


def _columns(name: str) -> str:
    if name not in SCHEMAS:
        return ""
    columns = (f"`{field.name}` {field.type}" for field in SCHEMAS[name])
    return f"Columns: {', '.join(columns)}."


@cache
def contents() -> dict[str, Any]:
    """Return the entries of the catalog as they stand there."""
    content: dict[str, Any] = yaml.safe_load(CATALOG.read_text(encoding="utf-8"))
    return {name: entry for name, entry in content.items() if not name.startswith("_")}


@cache
def entries() -> list[Entry]:
    """Return every data set with the sentence above it."""
    found, above = [], ""
    part, about = "", ""
    for line in CATALOG.read_text(encoding="utf-8").splitlines():
        if heading := HEADING.match(line):
            part, about = heading.groups()
        elif line.startswith("# "):
            above = f"{above} {line[2:]}".strip()
        elif name := NAME.match(line):
            found.append(Entry(name[1], above, part, about))
            above = ""
        elif not line:
            above = ""
    return found
