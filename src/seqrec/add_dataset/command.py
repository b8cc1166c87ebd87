"""``seqrec add-dataset``: a log of one's own, from a file to a data set under DVC."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from seqrec.errors import SeqrecError

if TYPE_CHECKING:
    from seqrec.add_dataset.addition import Addition
    from seqrec.add_dataset.column_guesses import Role
    from seqrec.add_dataset.first_rows import FirstRows
    from seqrec.add_dataset.log_form import LogForm
    from seqrec.parameters.sections import RawFileOptions

NAME = "add-dataset"
NONE = "none"
"""What a user writes for the column of timestamps where there is none."""
PLURALS = {"user": "users", "item": "items", "timestamp": "timestamps"}
TAB = r"\t"


@click.command(NAME, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--user", metavar="COLUMN", help="Who: found by its name unless given.")
@click.option("--item", metavar="COLUMN", help="What.")
@click.option("--timestamp", metavar="COLUMN", help="When; none: the rows stand in order.")
@click.option("--rating", metavar="COLUMN", help="How good, where the log says so.")
@click.option("--separator", help="What stands between two columns, \\t for a tab.")
@click.option("--reader", help="The form of the file: table, sequence_lines, amazon_reviews …")
@click.option("--member", help="The file inside a zip or tar archive.")
@click.option(
    "--link",
    is_flag=True,
    help="A hard link instead of a copy. DVC puts its own copy in its place, or with its setting"
    " cache.type=hardlink keeps the one file, which then is read-only.",
)
@click.option("--yes", is_flag=True, help="Write without asking.")
def add_dataset(
    name: str,
    file: Path,
    user: str | None,
    item: str | None,
    timestamp: str | None,
    rating: str | None,
    separator: str | None,
    reader: str | None,
    member: str | None,
    link: bool,
    yes: bool,
) -> None:
    """Make FILE the data set NAME of this project.

    Finds out how the file is read and which columns it has, shows that, and then copies the file
    to data/01_raw/NAME, writes conf/base/parameters/datasets/NAME.yml, lists NAME in
    conf/base/globals.yml and runs `dvc add`.
    """
    given = {"user": user, "item": item, "timestamp": timestamp, "rating": rating}
    columns = {cast("Role", role): column for role, column in given.items() if column is not None}
    try:
        form = {"reader": reader, "member": member, "separator": separator}
        addition = plan(name, file, columns, form, link)
        show(addition)
        if not (yes or asked()):
            click.echo("nothing was written")
            raise SystemExit(1)
        from seqrec.add_dataset.addition import add

        add(addition)
    except SeqrecError as error:
        click.echo(f"error: {error}", err=True)
        raise SystemExit(1) from None
    _print_what_comes_next(addition)


def plan(
    name: str,
    file: Path,
    columns: dict[Role, str],
    form: dict[str, str | None],
    link: bool,
) -> Addition:
    """Return what would be written, after all checks and questions.

    Args:
        name: of the data set.
        file: its raw log.
        columns: those the user named, by role.
        form: reader, member and separator, None where the user leaves them open.
        link: whether the file is linked rather than copied.

    Raises:
        SeqrecError: it cannot be done, or needs an answer that nobody is there to give.
    """
    # Kedro and Arrow come with them: not for --help.
    from seqrec.add_dataset.addition import (
        Addition,
        accepted,
        check_place,
        configured,
        parameter_block,
    )
    from seqrec.add_dataset.log_form import find_form
    from seqrec.project import project_root

    if file.is_dir():
        raise SeqrecError(f"{file} is a folder; name the file in it")
    if not file.is_file():
        raise SeqrecError(f"{file}: no such file; check its path")
    root = project_root()
    raw = configured(root, name)
    if raw is not None:
        _refuse_options(name, columns, form)
        options, block = accepted(name, raw, file), None
    else:
        options = _chosen(find_form(file, **_spelled(form)), columns)
        block = parameter_block(name, options)
    addition = Addition(root, name, file, options, block, link)
    check_place(addition)
    return addition


def _spelled(form: dict[str, str | None]) -> dict[str, str | None]:
    """Return the form with a tab where the user wrote one for the shell."""
    return {key: "\t" if value == TAB else value for key, value in form.items()}


def _refuse_options(name: str, columns: dict[Role, str], form: dict[str, str | None]) -> None:
    """Raise where the user says how a file is read whose parameters are written already."""
    said = [*columns, *(key for key, value in form.items() if value is not None)]
    if said:
        raise SeqrecError(
            f"data set '{name}' is configured, which says how its file is read; "
            f"leave out --{said[0]}, or give the data set another name"
        )


def _chosen(form: LogForm, named: dict[Role, str]) -> RawFileOptions:
    """Return how the file is read, with the columns that were named, found or asked for."""
    from seqrec.add_dataset.addition import columns_of
    from seqrec.add_dataset.column_guesses import guess_columns
    from seqrec.add_dataset.log_form import NAMED_COLUMNS

    if form.reader not in NAMED_COLUMNS:
        for role in named:
            raise SeqrecError(
                f"{form.path}: reader '{form.reader}' knows its columns; leave out --{role}, or "
                "give --reader table if line 1 names the columns"
            )
        return form.options(None)
    roles = _checked(form, named)
    while missing := _missing(form, roles):
        _refuse_to_guess(form, missing)
        roles[missing[0]] = _ask_for_column(form, missing[0], roles)
    return form.options(columns_of({**roles, **guess_columns(form.sample, roles).found}))


def _checked(form: LogForm, named: dict[Role, str]) -> dict[Role, str | None]:
    """Return the named columns, each of which is there and named once."""
    from seqrec.add_dataset.addition import check_column

    roles: dict[Role, str | None] = {}
    for role, column in named.items():
        if column in roles.values():
            raise SeqrecError(f"column '{column}' is named twice; --{role} has to be another one")
        roles[role] = _column(form, role, column, check_column)
    return roles


def _column(
    form: LogForm, role: Role, column: str, check: Callable[[str, list[str], Path], str]
) -> str | None:
    """Return the name of a column, or None for the timestamp that a log does not have."""
    if role == "timestamp" and column == NONE and NONE not in form.sample:
        return None
    return check(column, list(form.sample), form.path)


def _missing(form: LogForm, roles: dict[Role, str | None]) -> list[Role]:
    """Return what is neither named nor found."""
    from seqrec.add_dataset.column_guesses import NEEDED, guess_columns

    known = {*roles, *guess_columns(form.sample, roles).found}
    return [role for role in NEEDED if role not in known]


def _refuse_to_guess(form: LogForm, missing: list[Role]) -> None:
    """Raise where there is nobody to ask."""
    if somebody_is_there():
        return
    what = ", the ".join(PLURALS[role] for role in missing)
    options = " ".join(f"--{role} COLUMN" for role in missing)
    none = f" (--timestamp {NONE}: the rows stand in order)" if "timestamp" in missing else ""
    raise SeqrecError(
        f"{form.path}: which column holds the {what} is not clear from {', '.join(form.sample)}; "
        f"add {options}{none}"
    )


def _ask_for_column(form: LogForm, role: Role, roles: dict[Role, str | None]) -> str | None:
    """Return the column a person names; a wrong name is asked for again."""
    from seqrec.add_dataset.addition import check_column
    from seqrec.add_dataset.column_guesses import guess_columns

    guesses = guess_columns(form.sample, roles)
    taken = {*roles.values(), *guesses.found.values()}
    few = guesses.candidates.get(role) or [name for name in form.sample if name not in taken]
    few += [f"{NONE} if the rows stand in order"] if role == "timestamp" else []

    def known(answer: str) -> str:
        try:
            column = _column(form, role, answer.strip(), check_column)
        except SeqrecError as error:
            raise click.UsageError(str(error)) from None
        if column in roles.values():
            raise click.UsageError(f"column '{column}' is taken; name another one")
        return column or NONE

    question = f"Which column holds the {PLURALS[role]}? ({', '.join(few)})"
    return _column(form, role, click.prompt(question, value_proc=known), check_column)


def somebody_is_there() -> bool:
    """Return whether a person can be asked."""
    return sys.stdin.isatty()


def asked() -> bool:
    """Return whether a person says that all this is to be written.

    Raises:
        SeqrecError: there is none.
    """
    if not somebody_is_there():
        raise SeqrecError("nothing was written, for nobody can be asked here; add --yes")
    return click.confirm("Write this?")


def show(addition: Addition) -> None:
    """Print what would be read and what would be written."""
    from seqrec.add_dataset.first_rows import first_rows

    beginning = first_rows(addition.file, addition.options)
    if addition.block is not None:
        click.echo(f"{_from_root(addition, addition.block_file)}:\n\n{addition.block}")
    else:
        click.echo(f"data set '{addition.name}' is configured already; its parameters stay\n")
    _show_rows(addition, beginning)
    place = _from_root(addition, addition.target)
    how = "a link to" if addition.link else "a copy of"
    size = f"{addition.file.stat().st_size:,} bytes"
    click.echo(f"{place}: " + (size if addition.in_place else f"{how} {addition.file}, {size}"))
    folder = _from_root(addition, addition.folder)
    click.echo(
        f"dvc add {folder}: DVC keeps the file in its cache, git only {folder}.dvc, which names it"
    )


def _show_rows(addition: Addition, beginning: FirstRows) -> None:
    """Print the first rows, and whether many others cannot be read."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("user", "item", "timestamp", box=None, pad_edge=False)
    for row in beginning.rows:
        table.add_row(*(Text(value) for value in row))
    click.echo(f"the first rows of {addition.file}:\n")
    Console(highlight=False).print(table)
    click.echo()
    if beginning.rejected_share:
        click.echo(
            f"{beginning.rejected_share:.1%} of its beginning cannot be read, mostly "
            f"'{beginning.reason}'; a run stops at more than ingestion.max_rejected_share\n"
        )


def _from_root(addition: Addition, path: Path) -> str:
    return path.relative_to(addition.root).as_posix()


def _print_what_comes_next(addition: Addition) -> None:
    from seqrec.add_dataset.addition import GLOBALS

    files = [addition.pointer, addition.root / GLOBALS]
    files += [addition.block_file] if addition.block is not None else []
    names = " ".join(sorted(_from_root(addition, path) for path in files))
    click.echo(f"\nadded; git add {names}\n\nnext, one of\n")
    click.echo(f"  dvc repro\n  kedro run --params dataset={addition.name}")
