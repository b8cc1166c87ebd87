"""docs/reference/commands.md: the commands as click knows them, and the verbs of make."""

import re
from collections.abc import Iterator

import click

from pages.markdown import capitalised, code, escaped, page, prose, table
from pages.settings import ROOT
from seqrec.commands import COMMANDS, cli

PROGRAM = "seqrec"
VERB = re.compile(r"^([a-z]+):.*## (.*)$", flags=re.MULTILINE)
DEFAULT = re.compile(r"(.*?)\s*\[(?:default: )?([^\[\]]*)\]$", flags=re.DOTALL)
"""An option's help, and what click adds to it: the default, the limits, that it must be given."""
INTRODUCTION = """
`seqrec` and `kedro` are there once the environment is active (`source .venv/bin/activate`).
`seqrec run` is `kedro run`, whose options are Kedro's own; what `--params` takes stands under
[parameters](parameters.md). Options without a command are those of a run:
`seqrec --params dataset=beauty`. Where something is wrong a command ends with one line, `error: …`,
and exit code 1; Ctrl-C ends with 130, SIGTERM with 143.
"""


def write() -> str:
    """Return the page."""
    context = click.Context(cli, info_name=PROGRAM, **cli.context_settings)
    summary = [
        (f"[`{PROGRAM} {name}`](#{PROGRAM}-{name})", COMMANDS[name].help) for name in COMMANDS
    ]
    commands = (block for name in COMMANDS for block in _command(name, context))
    blocks = (prose(INTRODUCTION), table(("command", "what it does"), summary))
    return page("Command line", *blocks, *commands, *_verbs())


def _command(name: str, parent: click.Context) -> Iterator[str]:
    assert isinstance(parent.command, click.Group)
    command = parent.command.get_command(parent, name)
    assert command is not None
    # as click itself makes one: it remembers which options ask for help
    context = click.Context(command, parent, name, **command.context_settings)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"## {context.command_path}"
    yield f"```text\n{usage}\n```"
    yield from (prose(part) for part in (command.help or "").split("\n\n"))
    yield table(("option", "what it says", "default"), _options(context))
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            yield from _command(inner, context)


def _options(context: click.Context) -> Iterator[tuple[str, str, str]]:
    """Yield a row an option, with what ``--help`` says of it."""
    for option in context.command.params:
        record = option.get_help_record(context) if isinstance(option, click.Option) else None
        if record is not None:
            names, says = record
            added = DEFAULT.match(says)
            says, value = added.groups() if added else (says, "")
            yield code(names), escaped(says), code(value) if value else ""


def _verbs() -> Iterator[str]:
    yield "## make"
    yield prose(
        "In a copy of the repository; the first verb sets up the environment. `ARGS` goes to the "
        'command behind it: `make run ARGS="--params dataset=beauty"`.'
    )
    verbs = VERB.findall((ROOT / "Makefile").read_text(encoding="utf-8"))
    rows = [(code(f"make {verb}"), capitalised(says)) for verb, says in verbs if verb != "help"]
    yield table(("verb", "what it does"), rows)
