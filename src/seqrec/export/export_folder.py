"""A trained model as a folder that runs without seqrec: graph, ids, guide and card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from seqrec.errors import SeqrecError
from seqrec.evaluation.model_card import of_refit, unmeasured_card
from seqrec.export.graph import check_exportable, graph_of, on_cpu
from seqrec.export.guide import guide
from seqrec.export.list_check import check_lists
from seqrec.files import check_replaceable, reaching, replacing
from seqrec.models.folder import TrainedModel

GRAPH, IDS, GUIDE, CARD = "model.onnx", "items.parquet", "README.md", "model_card.md"
WRITTEN = {GRAPH, IDS, GUIDE, CARD}
WEIGHTS_APART = f"{GRAPH}.data"
LARGEST_FILE = 1 << 30
"""Weights of more bytes stand in a file beside the graph, for none of ONNX's may have 2 GB."""


@dataclass(frozen=True)
class Export:
    """What goes into a folder."""

    trained: TrainedModel
    card: str | None = None
    """Markdown; without an evaluation, what the model itself knows."""


def check_place(folder: Path) -> None:
    """Raise a SeqrecError if the folder holds what is no earlier export, and would be lost."""
    check_replaceable(folder)
    with reaching(folder, "write"):
        if folder.exists() and not _may_be_replaced(folder):
            raise SeqrecError(
                f"{folder} is there and no exported model, or has other files beside it; "
                "name a new folder"
            )


def _may_be_replaced(path: Path) -> bool:
    """Return whether a place holds an earlier export, or nothing."""
    if not path.is_dir():
        return False
    found = {file.name for file in path.iterdir()}
    return not found or WRITTEN <= found <= {*WRITTEN, WEIGHTS_APART}


def write_export(folder: Path, export: Export) -> None:
    """Write the folder, in the place of an earlier one, and check its lists against the model's.

    Raises:
        SeqrecError: the model counts, a package is missing, a list differs, or the disk is full;
            nothing is written then.
    """
    check_exportable(export.trained)
    check_place(folder)
    with replacing(folder) as temporary:
        write_files(temporary, export)
        check_place(folder)  # the export took a while


def write_files(folder: Path, export: Export) -> None:
    """Write the files into a new folder, and check them."""
    import onnx

    trained = on_cpu(export.trained)
    folder.mkdir(parents=True)
    graph = graph_of(trained)
    # the graph as a whole is nowhere asked for: from 2 GB on nobody can make its bytes
    large = sum(len(weights.raw_data) for weights in graph.graph.initializer) > LARGEST_FILE
    onnx.save(graph, folder / GRAPH, save_as_external_data=large, location=WEIGHTS_APART)
    onnx.checker.check_model(folder / GRAPH)
    pq.write_table(_with_text_ids(trained.items), folder / IDS)
    texts = {GUIDE: guide(trained), CARD: _card(export)}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    check_lists(folder / GRAPH, trained)


def _card(export: Export) -> str:
    trained = export.trained
    if export.card is None:
        return unmeasured_card(trained)
    return of_refit(export.card, trained) if trained.refit else export.card


def _with_text_ids(items: pa.Table) -> pa.Table:
    """Return the items with ids as text, as histories have them."""
    place = items.column_names.index("item_id")
    return items.set_column(place, "item_id", items["item_id"].cast(pa.string()))
