"""``seqrec results``: needs no project around it, and imports no Kedro."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from seqrec.commands import fail
from seqrec.errors import SeqrecError

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
HELP = {"help_option_names": ["-h", "--help"]}


@click.group(context_settings=HELP)
def results() -> None:
    """Keep results where others can make the book of them again."""


@results.command(context_settings=HELP)
@click.argument("cells", type=FOLDER)
@click.option(
    "--data",
    type=FOLDER,
    default=Path("data"),
    show_default=True,
    help="The folder of a project's data: all cells evaluated there are packed.",
)
def pack(cells: Path, data: Path) -> None:
    """Put each seed's ranks of the test, metrics and history into the folder CELLS."""
    try:
        for name, seeds in _packed(cells, data):
            click.echo(f"{name}: seeds {', '.join(seeds)}")
    except SeqrecError as error:
        fail(str(error))


@results.command(context_settings=HELP)
@click.argument("cells", type=FOLDER)
@click.argument("folder", type=FOLDER)
@click.option(
    "--published",
    type=FILE,
    help="What others report, a file as conf/base/published.yml; without it nothing stands beside.",
)
@click.option("--metrics", default="HR@10,NDCG@10", show_default=True, help="What is compared.")
@click.option("--resamples", type=click.IntRange(1), default=10_000, show_default=True)
def book(cells: Path, folder: Path, published: Path | None, metrics: str, resamples: int) -> None:
    """Make the tables of the packed cells in CELLS, into FOLDER: the same bytes every time."""
    from seqrec.reporting.book import book_of, write_book
    from seqrec.reporting.unpacked_cells import unpack

    try:
        labels = tuple(dict.fromkeys(label.strip() for label in metrics.split(",")))
        tables = book_of(unpack(cells), _published(published), metrics=labels, resamples=resamples)
        for path in write_book(tables, folder):
            click.echo(path)
    except SeqrecError as error:
        fail(str(error))


def _packed(cells: Path, data: Path) -> Iterator[tuple[str, list[str]]]:
    """Pack cell by cell; yield what each is called and its seeds."""
    from seqrec.cell import Cell
    from seqrec.reporting.of_its_models import check_of_its_models, check_of_the_data

    outputs = data / "07_model_output"
    files = sorted(outputs.glob("*/*/*/metrics.json"))
    if not files:
        raise SeqrecError(f"{outputs}: no evaluated cell there; run `kedro run`, or name --data")
    evaluated = {Cell.from_id(file.parent.relative_to(outputs).as_posix()): file for file in files}
    for cell, file in evaluated.items():
        check_of_its_models(cell, _metrics(file), data)
    check_of_the_data(evaluated, data)
    facts: dict[str, Any] = {}
    for cell, file in evaluated.items():
        if cell.dataset not in facts:
            facts[cell.dataset] = _facts(data / "05_model_input" / cell.dataset)
        yield cell.id, _pack_one(cell, file, data, facts[cell.dataset], cells)


def _pack_one(cell: Any, file: Path, data: Path, facts: Any, cells: Path) -> list[str]:
    from seqrec.reporting.packed_cells import HISTORY, pack

    places = pack(
        cell,
        _metrics(file),
        _table(file.with_name("ranks.parquet")),
        _table(data / "06_models" / cell.id / HISTORY),
        facts,
        cells,
    )
    return [place.name for place in places]


def _metrics(path: Path) -> Any:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise SeqrecError(f"{path} is damaged; evaluate it again") from None


def _facts(folder: Path) -> Any:
    """Return the facts of a data set's targets."""
    import ibis

    from seqrec.parameters.sections import TransitionOptions
    from seqrec.preparation.transitions import count_transitions
    from seqrec.reporting.breakdowns import target_facts

    table = _table(folder / "sequences.parquet").sort_by(
        [("user_index", "ascending"), ("position", "ascending")]
    )
    graph = count_transitions(ibis.memtable(table), TransitionOptions()).to_pyarrow()
    return target_facts(table, graph)


def _table(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path)
    except FileNotFoundError:
        raise SeqrecError(f"{path} is missing; run the cell again") from None
    except pa.ArrowException as error:
        raise SeqrecError(f"{path} is damaged ({error}); run the cell again") from None


def _published(path: Path | None) -> dict[str, Any]:
    import yaml

    if path is None:
        return {}
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SeqrecError(f"cannot read {path}: {error.strerror}; name another file") from None
    except (ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise SeqrecError(f"{path}: no YAML ({reason}); mend it, or name another file") from None
    if not isinstance(content, dict) or not set(content) <= {"published", "targets"}:
        raise SeqrecError(
            f"{path}: it is to hold the lists published and targets, as conf/base/published.yml"
        )
    return content
