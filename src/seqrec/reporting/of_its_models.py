"""Whether the figures of a cell are those of the models and the data that lie there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from seqrec.cell import Cell
from seqrec.errors import SeqrecError

SAME = ("best_epoch", "fingerprint")
"""What the metrics of a seed and its model's configuration both say. Folders of an earlier version
have no fingerprint."""
TOLD = {"num_items", "data_fingerprint"}
"""What a model's configuration says of the data."""
COLUMNS = ["user_index", "position", "item_index", "split"]
"""Of the sequences, what a model learns from."""


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


def check_of_the_data(cells: Iterable[Cell], data: Path) -> None:
    """Raise a SeqrecError if models of cells learned from others than the sequences that lie there.

    They may rank the same targets after another training part, and are no models to compare then;
    and what the book says of the targets is said of the sequences at hand.

    Args:
        cells: whose models they are; those that are gone say nothing.
        data: the folder of a project's data.
    """
    at_hand: dict[tuple[str, int], str | None] = {}
    for cell in cells:
        for model in _configurations(data / "06_models" / cell.id / "models").values():
            if not model.keys() >= TOLD:  # a version that did not say so
                continue
            key = cell.dataset, int(model["num_items"])
            if key not in at_hand:
                at_hand[key] = _fingerprint(data, *key)
            if at_hand[key] not in (None, model["data_fingerprint"]):
                raise SeqrecError(
                    f"{cell.id} was trained on other data than lie there now; run it again, "
                    f"`kedro run` with its --params, or make the data of {cell.dataset} as it had "
                    "them"
                )


def _fingerprint(data: Path, dataset: str, num_items: int) -> str | None:
    """Return what tells the sequences of a data set from others, None where there are none."""
    from seqrec.batches import Sequences  # torch comes with it

    path = data / "05_model_input" / dataset / "sequences.parquet"
    # Whoever needs them says what is wrong with them.
    with suppress(OSError, KeyError, pa.ArrowException):
        return Sequences.from_table(pq.read_table(path, columns=COLUMNS), num_items).fingerprint()
    return None


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
