"""The command line: which commands there are, each imported when it is called.

Their one-line helps stand here too, so that ``seqrec --help`` loads neither Kedro nor torch.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import NamedTuple, NoReturn

import click

from seqrec import __version__
from seqrec.errors import SeqrecError, unknown_name

HELP_OPTIONS = ("-h", "--help")
OWN_OPTIONS = (*HELP_OPTIONS, "--version")


class Place(NamedTuple):
    """Where a command is, and what it does in one line."""

    module: str
    attribute: str
    help: str


COMMANDS = {
    "run": Place("seqrec.cli", "run", "Run the pipelines, from the raw log to the metrics."),
    "add-dataset": Place(
        "seqrec.add_dataset.command", "add_dataset", "Make a log of your own a data set."
    ),
    "estimate": Place(
        "seqrec.estimates.command", "estimate", "Tell what a run will take, without running it."
    ),
    "recommend": Place(
        "seqrec.recommendation.command", "recommend", "Give lists, from a trained model's folder."
    ),
    "export": Place(
        "seqrec.export.command", "export", "Write a model as ONNX, to be run without seqrec."
    ),
    "serve": Place("seqrec.service.command", "serve", "Answer requests for lists over HTTP."),
    "results": Place(
        "seqrec.reporting.command", "results", "Pack results for a repository; make their book."
    ),
    "evaluate-checkpoint": Place(
        "seqrec.interop.command", "evaluate_checkpoint", "Measure weights of the models' authors."
    ),
}


EXTRAS = {"viz": "kedro-viz"}
"""Commands of Kedro's plugins that an extra of the same name brings, and what is missing else."""


class LazyGroup(click.Group):
    """The commands of a table; what a command needs is imported with it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command.

        Kedro asks here too, after its plugins: for a plugin's command only where it is missing.
        """
        if cmd_name in EXTRAS:
            return _missing(cmd_name)
        if cmd_name not in COMMANDS:
            return None
        module, attribute, line = COMMANDS[cmd_name]
        with _quietly():
            command: click.Command = getattr(import_module(module), attribute)
        command.short_help = line
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table without importing what stands in it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.help) for name, place in COMMANDS.items()])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take options alone for those of a run, as a packaged Kedro project does."""
        if not args:
            args = ["--help"]
        elif args[0].startswith("-") and args[0] not in OWN_OPTIONS:
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or end with the nearest name."""
        if args[0] not in COMMANDS:
            fail(unknown_name("command", args[0], COMMANDS))
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    name="seqrec",
    context_settings={"help_option_names": list(HELP_OPTIONS)},
    epilog="Each has its own --help. Options without a command are those of a run: "
    "seqrec --params dataset=beauty",
)
@click.version_option(__version__, prog_name="seqrec")
def cli() -> None:
    """Train and measure sequential recommenders."""


def _missing(name: str) -> click.Command:
    """Return a command that says, whatever stands after it, how to install what it needs."""

    def missing(rest: tuple[str, ...]) -> None:
        package = EXTRAS[name]
        fail(
            SeqrecError(
                f"kedro {name} needs {package}, which is not installed; "
                f"pip install 'seqrec[{name}]'"
            )
        )

    return click.Command(
        name,
        callback=missing,
        params=[click.Argument(["rest"], nargs=-1, type=click.UNPROCESSED)],
        hidden=True,
        add_help_option=False,
        context_settings={"ignore_unknown_options": True},
    )


def fail(error: SeqrecError | str) -> NoReturn:
    """End the program with one line on stderr and exit code 1.

    Raises:
        SeqrecError: the line, in an interactive session, which is to go on.
    """
    if hasattr(sys, "ps1"):
        raise SeqrecError(str(error)) from None
    sys.stdout.flush()  # a progress bar or half a line may stand on the terminal
    click.echo(f"error: {error}", err=True)
    raise SystemExit(1) from None


@contextmanager
def _quietly() -> Iterator[None]:
    """Drop what Kedro logs while it is imported: which logging it has before the run's."""
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(before)
