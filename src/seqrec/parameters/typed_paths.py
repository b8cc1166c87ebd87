"""Paths among the parameters: they count from where the user typed them.

A run from any folder of the project is a run from its root, for Kedro lays only the paths of the
catalog below the project; what else is relative (the folder of the raw log, the spill directory,
a checkpoint) counts from the working folder.
"""

import os
from pathlib import Path
from typing import Any

PATHS = (
    *("raw_dir", "raw.file", "raw.titles.file", "engine.spill_directory", "training.start_from"),
    *("recommendation.users", "recommendation.candidates", "recommendation.exclude"),
)
"""Parameters that name a file or folder."""


def typed_in(folder: Path, root: Path, path: str) -> str:
    """Return a path as it is to be read from the root.

    Args:
        folder: where the user typed it.
        root: the root of the project; a path typed there stays relative.
        path: as typed; ``~`` is the user's home.
    """
    home = os.path.expanduser(path)
    return home if folder == root else str(folder / home)


def with_typed_paths(params: dict[str, Any], folder: Path, root: Path) -> dict[str, Any]:
    """Return the user's parameters with their ``PATHS`` as they are to be read from the root."""
    for name in PATHS:
        params = _changed(params, name.split("."), folder, root)
    return params


def _changed(params: dict[str, Any], keys: list[str], folder: Path, root: Path) -> dict[str, Any]:
    key, *inner = keys
    value = params.get(key)
    if inner and isinstance(value, dict):
        return {**params, key: _changed(value, inner, folder, root)}
    if not inner and isinstance(value, str) and value:
        return {**params, key: typed_in(folder, root, value)}
    return params
