"""Parameter files as YAML, without the resolvers that Kedro's loader has for them.

The blocks of all data sets and models are read at each run, and Kedro's loader takes half a second
for them. Where no file needs it the same values are had here in a tenth of that time.
"""

from pathlib import Path
from typing import Any

import yaml
from omegaconf._utils import get_yaml_loader

Blocks = dict[str, Any]
SUFFIXES = (".yml", ".yaml", ".json")
PREFIX = "parameters"
INTERPOLATION = "${"


class _Unclear(Exception):
    """Something that Kedro's loader has a word for."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as OmegaConf reads it: 1e-3 is a number, a key twice is a mistake."""

    yaml_implicit_resolvers = get_yaml_loader().yaml_implicit_resolvers

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:
        """Return a mapping, none of whose keys stands there twice."""
        names = [key.value for key, _ in node.value]
        if not all(isinstance(name, str) for name in names) or len(names) > len(set(names)):
            raise _Unclear
        return super().construct_mapping(node, deep)


def read_plainly(conf: Path, environments: list[str]) -> Blocks | None:
    """Return the parameters of all files as Kedro's loader gives them.

    Args:
        conf: the folder of the configuration.
        environments: its folders, a later one over an earlier one.

    Returns:
        None where Kedro's loader is needed: an interpolation, a mistake in a file, something said
        twice, a configuration that is no folder.
    """
    blocks: Blocks = {}
    try:
        for folder in dict.fromkeys(conf / name for name in environments):
            blocks = _over(blocks, _of_folder(folder))
    except (_Unclear, OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    return blocks or None


def _of_folder(folder: Path) -> Blocks:
    blocks: Blocks = {}
    if not folder.is_dir():
        raise _Unclear
    for path in sorted(folder.rglob("*")):
        if path.suffix in SUFFIXES and path.is_file() and _counts(path.relative_to(folder)):
            text = path.read_text(encoding="utf-8")
            if INTERPOLATION in text:
                raise _Unclear
            content = yaml.load(text, _Loader)
            blocks = _beside(blocks, {} if content is None else content)
    return blocks


def _counts(path: Path) -> bool:
    """Return whether a file is one of parameters, by its name or by that of its folder."""
    named = path.name.startswith(PREFIX) or path.parts[0].startswith(PREFIX)
    return named and not any(part.startswith(".") for part in path.parts)


def _beside(one: Blocks, other: Blocks) -> Blocks:
    """Return the parameters of two files, which say nothing twice."""
    if not isinstance(other, dict):
        raise _Unclear
    both = {key for key in other if key in one}
    if not all(isinstance(one[key], dict) and isinstance(other[key], dict) for key in both):
        raise _Unclear
    return {**one, **other, **{key: _beside(one[key], other[key]) for key in both}}


def _over(lower: Blocks, upper: Blocks) -> Blocks:
    """Return the parameters of two environments, the second over the first, key by key."""
    inner = {
        key: _over(lower[key], value)
        for key, value in upper.items()
        if isinstance(value, dict) and isinstance(lower.get(key), dict)
    }
    return {**lower, **upper, **inner}
