"""``seqrec estimate``: what a run will take, before it is spent."""

from __future__ import annotations

import json
from pathlib import Path

import click

from seqrec.errors import SeqrecError

FILE = click.Path(path_type=Path)


@click.command("estimate", context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--params",
    default="",
    metavar="KEY=VALUE,…",
    help="As of a run; and users=, items=, interactions= for data that are not there.",
)
@click.option("--env", help="The configuration's environment, as of a run.")
@click.option("--json", "file", type=FILE, help="Write the figures here.")
def estimate(params: str, env: str | None, file: Path | None) -> None:
    """Tell how long a training and the data pipelines take, and how much memory.

    Takes a few steps on the prepared data, or on made-up data of the size that is given, and
    writes nothing.
    """
    # torch and Kedro come with them: not for --help
    from seqrec.cli import errors_in_one_line
    from seqrec.estimates.asked import asked_for
    from seqrec.estimates.told import lines_of

    with errors_in_one_line():
        found = asked_for(params, env)
        for line in lines_of(found):
            click.echo(line)
        if file is not None:
            _write(file, json.dumps(found.as_values(), indent=1))


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise SeqrecError(f"cannot write {file}: {error.strerror}; name another file") from None
