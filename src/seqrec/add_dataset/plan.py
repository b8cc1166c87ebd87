"""What would be added: how the log is read, as its form, its columns and the user say."""

from collections.abc import Mapping
from pathlib import Path

from seqrec.add_dataset.addition import Addition, check_new, check_place
from seqrec.add_dataset.column_choice import NONE, Table, choose_columns
from seqrec.add_dataset.column_guesses import Role
from seqrec.add_dataset.data_sets import accepted, configured, parameter_block
from seqrec.add_dataset.log_form import NAMED_COLUMNS, find_form
from seqrec.errors import SeqrecError
from seqrec.files import reaching
from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.parameters.section_checks import check_values
from seqrec.project import project_root
from seqrec.readers.table import is_parquet


def plan(
    name: str,
    file: Path,
    columns: Mapping[Role, str],
    form: Mapping[str, str],
    link: bool,
) -> Addition:
    """Return what would be written, after all checks and questions.

    Args:
        name: of the data set.
        file: its raw log.
        columns: those the user named, by role.
        form: reader, member and separator, where the user names them.
        link: whether the file is linked rather than copied.

    Raises:
        SeqrecError: it cannot be done, or needs an answer that nobody is there to give.
    """
    with reaching(file):
        if file.is_dir():
            raise SeqrecError(f"{file} is a folder; name the file in it")
        if not file.is_file():
            raise SeqrecError(f"{file}: no such file; check its path")
    root = project_root()
    check_new(root, name)
    raw = configured(root, name)
    if raw is None:
        options = file_options(file, columns, form)
        block = parameter_block(name, options)
    elif columns or form:
        raise SeqrecError(
            f"data set '{name}' is configured, which says how its file is read; "
            f"leave out --{[*columns, *form][0]}, or give the data set another name"
        )
    else:
        options, block = accepted(name, raw, file), None
    addition = Addition(root, name, file, options, block, link)
    check_place(addition)
    return addition


def file_options(
    file: Path, columns: Mapping[Role, str], form: Mapping[str, str]
) -> RawFileOptions:
    """Return how a log is read of which nothing is known but what the user says.

    Raises:
        SeqrecError: no reader takes it, or its columns cannot be told.
    """
    if are_counted(file, columns, form):
        return counted_options(file, columns, form)
    options, sample = find_form(file, **form)
    if options.reader in NAMED_COLUMNS:
        chosen = choose_columns(Table(file, sample), columns)
        return options.model_copy(update={"columns": chosen})
    if columns:
        raise SeqrecError(
            f"{file}: reader '{options.reader}' knows its columns; "
            f"leave out --{next(iter(columns))}, or give --reader table if the first "
            "line names the columns"
        )
    return options


def are_counted(file: Path, columns: Mapping[Role, str], form: Mapping[str, str]) -> bool:
    """Return whether the user names columns by their positions, which only tables of text have."""
    numbers = [name.isdecimal() for name in columns.values() if name != NONE]
    may_be = form.get("reader", "table") == "table" and not is_parquet(file)
    return bool(numbers) and all(numbers) and may_be


def counted_options(
    file: Path, columns: Mapping[Role, str], form: Mapping[str, str]
) -> RawFileOptions:
    """Return how a table without a header is read, whose columns the user counts from 0."""
    missing = [role for role in ("user", "item", "timestamp") if role not in columns]
    if missing:
        raise SeqrecError(
            f"{file}: the columns are counted from 0; add --{missing[0]} NUMBER"
            + (f" (or {NONE}: the rows stand in order)" if missing[0] == "timestamp" else "")
        )
    places = {role: None if name == NONE else int(name) for role, name in columns.items()}
    entry = {"name": file.name, "reader": "table", **form, "columns": places}
    return check_values(RawFileOptions, entry, "")
