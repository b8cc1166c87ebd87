"""What the parameter files say: the defaults, and where a data set or a model has its own."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from pages.markdown import code, table
from seqrec.parameters.blocks import MODEL_KEYS, datasets_in
from seqrec.parameters.plain_yaml import read_plainly
from seqrec.parameters.sections import MODEL_OPTIONS, SECTIONS

ROOT = Path(__file__).parents[1]
BASE = ROOT / "conf/base"
PARTS = {
    "protocols": "under `protocol={}`",
    "datasets": "on `{}`",
    "variants": "with `variant={}`",
}
"""Keys of a model's block that hold values for one case, and how that case is called."""


class Own(NamedTuple):
    """A value that a data set or a model has of its own."""

    key: str
    value: Any
    owner: str
    where: str
    """Under which protocol or variant, or on which data set; empty: always."""


@cache
def globals_file() -> dict[str, Any]:
    """Return ``conf/base/globals.yml``."""
    content: dict[str, Any] = yaml.safe_load((BASE / "globals.yml").read_text(encoding="utf-8"))
    return content


@cache
def blocks() -> dict[str, Any]:
    """Return the top-level blocks of all parameter files, and those of ``globals.yml``."""
    read = read_plainly(BASE.parent, [BASE.name])
    assert read is not None
    return {**globals_file(), **read}


def models() -> list[str]:
    """Return the models in the order of ``globals.yml``."""
    return list(globals_file()["models"])


def default(key: str, of_class: Any) -> Any:
    """Return what holds unless something else is said: the files' word, else the class's."""
    value: Any = blocks()
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            return of_class
        value = value[part]
    return value


def own_values() -> Iterator[Own]:
    """Yield what data sets and models say, raw logs apart."""
    for name in sorted(datasets_in(blocks())):
        yield from _of_sections(blocks()[name], f"`{name}`", "")
    for name in models():
        yield from _of_model(blocks()[name], f"`{name}`", "")


def _of_model(block: dict[str, Any], owner: str, where: str) -> Iterator[Own]:
    yield from _of_sections({key: block.get(key, {}) for key in MODEL_KEYS}, owner, where)
    for key, words in PARTS.items():
        for name, inner in block.get(key, {}).items():
            yield from _of_model(inner, owner, f"{where} {words.format(name)}".strip())


def _of_sections(block: dict[str, Any], owner: str, where: str) -> Iterator[Own]:
    for section in (*SECTIONS, MODEL_OPTIONS):
        if section != "raw":
            for key, value in block.get(section, {}).items():
                yield Own(f"{section}.{key}", value, owner, where)


def differences(found: Iterable[Own], defaults: dict[str, Any]) -> str:
    """Return a table of the values that are not the defaults, and whose they are."""
    owners: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for key, value, owner, where in found:
        if value != defaults[key] and owner not in (known := owners[key, as_yaml(value)][where]):
            known.append(owner)
    rows = [
        (code(key), code(value), "; ".join(_shown(cases)))
        for (key, value), cases in sorted(owners.items())
    ]
    return table(("key", "other default", "of which model or data set"), rows)


def _shown(cases: dict[str, list[str]]) -> Iterator[str]:
    """Yield whose a value is and in which cases, those of the same owners together."""
    together: dict[str, list[str]] = defaultdict(list)
    for where, owners in cases.items():
        together[", ".join(owners)].append(where)
    for owner, places in together.items():
        yield f"{owner} {', '.join(_without_repeats(places))}".strip()


def _without_repeats(places: list[str]) -> Iterator[str]:
    """Yield cases, "on" only before the first of several data sets."""
    for before, place in pairwise(["", *places]):
        yield place.removeprefix("on ") if before.startswith("on ") else place


class _Dumper(yaml.SafeDumper):
    """YAML in which small numbers have no exponent."""


_Dumper.add_representer(
    float,
    lambda dumper, value: dumper.represent_scalar(
        "tag:yaml.org,2002:float", f"{Decimal(repr(value)):f}"
    ),
)


def as_yaml(value: Any) -> str:
    """Return a value as a parameter file has it, in one line."""
    plain = list(value) if isinstance(value, tuple) else value
    text: str = yaml.dump(
        plain, Dumper=_Dumper, default_flow_style=True, width=10**9, allow_unicode=True
    )
    return text.strip().removesuffix("...").strip()
