"""``seqrec evaluate-checkpoint``: needs no project around it, and imports no Kedro."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seqrec.commands import fail
from seqrec.errors import SeqrecError
from seqrec.files import reaching, replacing

if TYPE_CHECKING:
    from seqrec.evaluation.evaluate import EvaluationResult

FILE = click.Path(path_type=Path)


@click.command("evaluate-checkpoint", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--model", required=True, help="The model, bsarec for instance.")
@click.option("--weights", type=FILE, required=True, help=".pt, .safetensors or .npz.")
@click.option("--config", type=FILE, required=True, help="The authors' settings as JSON.")
@click.option(
    "--sequences", type=FILE, required=True, help="'user item item …' a line, oldest first."
)
@click.option(
    "--protocol",
    default="authors",
    show_default=True,
    metavar="authors|standard",
    help="Whose rules of the ranking.",
)
@click.option("--cutoffs", default="1,5,10,20", show_default=True, help="k of HR@k and others.")
@click.option(
    "--seen-items",
    default="exclude",
    show_default=True,
    metavar="exclude|keep",
    help="Whether items of a user's history compete; keep is a choice of --protocol standard.",
)
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|mps")
@click.option("--dataset", help="Its name in the metrics; the file's unless given.")
@click.option("--output", type=FILE, help="Write the metrics here, as JSON.")
@click.option("--ranks", type=FILE, help="Write each target's rank here, as Parquet.")
def evaluate_checkpoint(
    model: str,
    weights: Path,
    config: Path,
    sequences: Path,
    protocol: str,
    cutoffs: str,
    seen_items: str,
    device: str,
    dataset: str | None,
    output: Path | None,
    ranks: Path | None,
) -> None:
    """Measure weights that were trained with the code of a model's authors.

    Ranks the validation and the test item of every line of published sequences.
    """
    try:
        _check_outputs([output, ranks], [weights, config, sequences])
        # torch comes with it: not for --help
        from seqrec.interop import evaluate_checkpoint as checkpoint_evaluation
        from seqrec.parameters.section_checks import check_values
        from seqrec.parameters.sections import EvaluationOptions

        values = {"cutoffs": cutoffs, "seen_items": seen_items}
        result = checkpoint_evaluation.evaluate_checkpoint(
            model,
            weights,
            config,
            sequences,
            protocol=protocol,
            options=check_values(EvaluationOptions, values, ""),
            device=device,
            dataset=dataset,
        )
        _write(result, output, ranks)
    except SeqrecError as error:
        fail(error)
    _print(result)


def _check_outputs(outputs: list[Path | None], inputs: list[Path]) -> None:
    """Check before any work what would go wrong after it.

    Raises:
        SeqrecError: an output cannot be written, or would take the place of another file.
    """
    named = {path.resolve() for path in inputs}
    for path in filter(None, outputs):
        if path.resolve() in named:
            raise SeqrecError(f"{path} is named twice; give every file a name of its own")
        named.add(path.resolve())
        _check_place(path)


def _check_place(path: Path) -> None:
    """Raise a SeqrecError where a file cannot be written."""
    with reaching(path, "write"):
        if path.exists() and not path.is_file():  # a folder, a device: it would be replaced
            raise SeqrecError(f"cannot write {path}: it is no plain file; name another")
        nearest = next(folder for folder in path.absolute().parents if folder.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK):
            raise SeqrecError(
                f"cannot write {path}: {nearest} {_fault(nearest)}; choose another place"
            )


def _fault(folder: Path) -> str:
    return "lets nobody write there" if folder.is_dir() else "is no folder"


def _write(result: EvaluationResult, output: Path | None, ranks: Path | None) -> None:
    """Write the metrics and the ranks, both or neither."""
    from pyarrow.parquet import write_table

    with ExitStack() as stack:
        if ranks is not None:
            write_table(result.ranks, stack.enter_context(replacing(ranks)))
        if output is not None:
            text = json.dumps(result.metrics, indent=2)
            stack.enter_context(replacing(output)).write_text(f"{text}\n", encoding="utf-8")


def _print(result: EvaluationResult) -> None:
    """Print the tables of both splits."""
    from rich.console import Console

    from seqrec.console import metrics_table

    console = Console(highlight=False)
    for split in result.metrics["splits"]:
        console.print()
        console.print(metrics_table(result.metrics, split))
