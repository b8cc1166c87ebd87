"""What a person sees before the project is changed, and after."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from seqrec.add_dataset.addition import Addition
from seqrec.add_dataset.column_choice import somebody_is_there
from seqrec.add_dataset.data_sets import GLOBALS
from seqrec.add_dataset.first_rows import first_rows
from seqrec.errors import SeqrecError


def show(addition: Addition) -> None:
    """Print what would be read and what would be written.

    Raises:
        SeqrecError: the log cannot be read.
    """
    rows, broken = first_rows(addition.file, addition.options)
    if addition.block is not None:
        click.echo(f"{_from_root(addition, addition.block_file)}:\n\n{addition.block}")
    else:
        click.echo(f"data set '{addition.name}' is configured already; its parameters stay\n")
    table = Table("user", "item", "timestamp", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(Text, row))
    click.echo(f"the first rows of {addition.file}:\n")
    Console(highlight=False).print(table)
    click.echo(f"\n{broken}\n" if broken else "")
    size = f"{addition.file.stat().st_size:,} bytes"
    how = f"{'a link to' if addition.link else 'a copy of'} {addition.file}, "
    place, folder = (_from_root(addition, path) for path in (addition.target, addition.folder))
    click.echo(f"{place}: {'' if addition.in_place else how}{size}")
    click.echo(
        f"dvc add {folder}: DVC keeps the file in its cache, git only {folder}.dvc, which names it"
    )


def is_wanted() -> bool:
    """Return whether a person says that all this is to be written.

    Raises:
        SeqrecError: there is none.
    """
    if not somebody_is_there():
        raise SeqrecError("nothing was written, for nobody can be asked here; add --yes")
    return click.confirm("Write this?")


def _from_root(addition: Addition, path: Path) -> str:
    return path.relative_to(addition.root).as_posix()


def show_what_comes_next(addition: Addition) -> None:
    """Print which files git is to know, and how the data set is run."""
    files = [addition.pointer, addition.root / GLOBALS]
    files += [addition.block_file] if addition.block is not None else []
    names = " ".join(sorted(_from_root(addition, path) for path in files))
    click.echo(f"\nadded; git add {names}\n\nnext, one of\n")
    click.echo(f"  kedro run --params dataset={addition.name}\n  dvc repro    # every model listed")
