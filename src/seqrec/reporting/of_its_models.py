"""Whether the figures of a cell are those of the models that lie there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from seqrec.cell import Cell
from seqrec.errors import SeqrecError

SAME = ("best_epoch", "fingerprint")
"""What the metrics of a seed and its model's configuration both say. Folders of an earlier version
have no fingerprint."""


def check_of_its_models(cell: Cell, metrics: Mapping[str, Any], data: Path) -> None:
    """Raise a SeqrecError if a cell was trained anew and not evaluated since.

    Its curves would be of one training and its figures of another. Models that are gone say
    nothing, and no weights are read.

    Args:
        cell: whose metrics they are.
        metrics: the content of its metrics.json.
        data: the folder of a project's data.
    """
    models = _configurations(data / "06_models" / cell.id / "models")
    measured = metrics.get("by_seed") or {}
    if models and (
        models.keys() != measured.keys()
        or any(_differ(measured[seed], model) for seed, model in models.items())
    ):
        raise SeqrecError(
            f"the figures of {cell.id} are of other models than lie there now; evaluate it again: "
            "`kedro run --pipeline evaluation` with the --params of its training"
        )


def line_of_older_figures(models: Path, metrics: Path) -> str | None:
    """Return what to say if the figures beside models that were just trained are of others.

    Args:
        models: ``06_models/DATASET/MODEL/PROTOCOL/models``.
        metrics: the cell's metrics.json, which need not be there.
    """
    with suppress(OSError, ValueError):
        content = json.loads(metrics.read_text(encoding="utf-8"))
        try:
            check_of_its_models(Cell(*models.parts[-4:-1]), content, models.parents[4])
        except SeqrecError as error:
            return str(error)
    return None


def _differ(measured: Mapping[str, Any], model: Mapping[str, Any]) -> bool:
    return any(measured[key] != model[key] for key in SAME if key in measured and key in model)


def _configurations(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what the models of a folder say of themselves, by their seeds."""
    found = {}
    for path in sorted(folder.glob("*/config.json")):
        try:
            found[path.parent.name] = dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            raise SeqrecError(f"{path} is damaged; train the model again") from None
    return found
