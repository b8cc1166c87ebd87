"""``seqrec export``: needs no project around it, and imports no Kedro."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from seqrec.cell import Cell
from seqrec.commands import fail
from seqrec.errors import SeqrecError

if TYPE_CHECKING:
    from seqrec.models.folder import TrainedModel

FOLDER = click.Path(path_type=Path)


@click.command("export", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--model", type=FOLDER, required=True, help="The folder of a trained model.")
@click.option("--to", "folder", type=FOLDER, required=True, help="The folder to write.")
def export(model: Path, folder: Path) -> None:
    """Write a trained model as ONNX, with its item ids, a README and its model card.

    The folder runs with onnxruntime alone. Its lists are compared with the model's own before it
    is put in place.
    """
    try:
        # torch comes with it: not for --help
        from seqrec.export.export_folder import Export, check_place, write_export
        from seqrec.models.folder import load_model

        check_place(folder)
        trained = load_model(model)
        card, remark = _card_for(trained, _card_of_cell(model, trained))
        write_export(folder, Export(trained, card))
    except SeqrecError as error:
        fail(error)
    click.echo(f"wrote {', '.join(sorted(path.name for path in folder.iterdir()))} to {folder}")
    click.echo(f"model card: {remark}")


def _card_for(trained: TrainedModel, path: Path | None) -> tuple[str | None, str]:
    """Return the card that goes with a model, None where none measured it, and what to say."""
    from seqrec.evaluation.model_card import is_card_of

    if path is None:
        return None, "no evaluation beside the model; its own facts alone"
    card = path.read_text(encoding="utf-8", errors="replace")
    if is_card_of(card, trained):
        return card, str(path)
    return None, f"{path} has figures of another model; its own facts alone"


def _card_of_cell(model: Path, trained: TrainedModel) -> Path | None:
    """Return the card that the evaluation wrote for the cell of a model in a project."""
    cell = Cell(trained.dataset, trained.model_name, trained.protocol)
    for folder in model.resolve().parents:
        path = folder / "07_model_output" / cell.id / "model_card.md"
        if folder.name == "data" and path.is_file():
            return path
    return None
