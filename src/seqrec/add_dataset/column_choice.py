"""Which column holds what: as the user names it, as it is guessed, or as a person answers."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import click

from seqrec.add_dataset.column_guesses import NEEDED, Guesses, Role, Sample, guess_columns
from seqrec.errors import SeqrecError, unknown_name
from seqrec.parameters.raw_sections import ColumnMapping

NONE = "none"
"""What a user writes for the column of timestamps where there is none."""
Roles = dict[Role, str | None]
"""The columns that are known; None for the timestamp that a log does not have."""


class Table(NamedTuple):
    """A log and the columns to choose from."""

    path: Path
    sample: Sample


def choose_columns(table: Table, columns: Mapping[Role, str]) -> ColumnMapping:
    """Return which column holds what, as named, guessed or asked for.

    Args:
        table: the log and its columns.
        columns: those the user named, by role.

    Raises:
        SeqrecError: a named one is not there, or nobody can be asked.
    """
    roles: Roles = {}
    for role, column in columns.items():
        roles[role] = check_column(table, role, column, roles)
    while missing := _missing(guesses := guess_columns(table.sample, roles)):
        if not somebody_is_there():
            raise _nobody_to_ask(table, missing)
        roles[missing[0]] = ask_for_column(table, missing[0], roles, guesses)
    guessed = {role: names[0] for role, names in guesses.items() if len(names) == 1}
    return ColumnMapping.model_validate(roles | guessed)


def _missing(guesses: Guesses) -> list[Role]:
    """Return what could not be decided; no log needs a rating."""
    return [role for role in NEEDED if len(guesses.get(role, [""])) != 1]


def check_column(table: Table, role: Role, column: str, taken: Roles) -> str | None:
    """Return the name of a column, or None for the timestamp that a log does not have.

    Raises:
        SeqrecError: there is none of that name, or it has another role already.
    """
    if role == "timestamp" and column == NONE and NONE not in table.sample:
        return None
    if column not in table.sample:
        raise unknown_name("column", column, table.sample, f"in {table.path}")
    if column in taken.values():
        raise SeqrecError(f"column '{column}' is named twice; --{role} has to be another one")
    return column


def somebody_is_there() -> bool:
    """Return whether a person can be asked."""
    return sys.stdin.isatty()


def _nobody_to_ask(table: Table, missing: list[Role]) -> SeqrecError:
    roles = ", the ".join(f"{role}s" for role in missing)
    options = " ".join(f"--{role} COLUMN" for role in missing)
    none = f" (--timestamp {NONE}: the rows stand in order)" if "timestamp" in missing else ""
    return SeqrecError(
        f"{table.path}: which column holds the {roles} is not clear from "
        f"{', '.join(table.sample)}; add {options}{none}"
    )


def ask_for_column(table: Table, role: Role, roles: Roles, guesses: Guesses) -> str | None:
    """Return the column a person names; a wrong name is asked for again.

    Args:
        table: the log and its columns.
        role: what the column is asked for.
        roles: the columns that have theirs already.
        guesses: the columns for each of the other roles.
    """
    taken = {*roles.values(), *(names[0] for names in guesses.values() if len(names) == 1)}
    choices = guesses[role] or [name for name in table.sample if name not in taken]
    choices = choices + ([f"{NONE} if the rows stand in order"] if role == "timestamp" else [])

    def checked(answer: str) -> str | None:
        try:
            return check_column(table, role, answer.strip(), roles)
        except SeqrecError as error:
            raise click.UsageError(str(error)) from None

    question = f"Which column holds the {role}s? ({', '.join(choices)})"
    column: str | None = click.prompt(question, value_proc=checked)
    return column
