"""Where the datasets of a catalog lie."""

from pathlib import Path
from typing import Any


def paths_of(dataset: Any) -> tuple[Path, ...]:
    """Return where a dataset lies on the disk: nowhere if it lies in memory."""
    if several := getattr(dataset, "paths", None):
        return tuple(several)
    path = getattr(dataset, "_filepath", None) or getattr(dataset, "_path", None)
    return (Path(path),) if path else ()
