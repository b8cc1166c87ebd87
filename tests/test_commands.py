"""The command line: commands by name, options alone for a run, and what starts without Kedro."""

import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from seqrec import __version__
from seqrec.__main__ import main
from seqrec.commands import COMMANDS, cli
from seqrec.errors import SeqrecError
from tests.conftest import Kedro

Called = Callable[..., list[str]]


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Called:
    """Call ``seqrec``, or ``command``, with a run that repeats its arguments."""
    words_of_run: list[str] = []

    @click.command(context_settings={"ignore_unknown_options": True})
    @click.argument("words", nargs=-1)
    def run(words: tuple[str, ...]) -> str:
        words_of_run[:] = ["run", *words]
        return "what is left in memory"

    monkeypatch.setattr("seqrec.cli.run", run)

    def call(*arguments: str, command: Callable[..., Any] = cli.main) -> list[str]:
        words_of_run.clear()
        with pytest.raises(SystemExit) as ended:
            command(list(arguments))
        assert ended.value.code == 0
        return list(words_of_run)

    return call


def seqrec(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, prog_name="seqrec")


@pytest.mark.parametrize("arguments", [(), ("-h",), ("--help",)])
def test_help_names_every_command_in_a_line(arguments: tuple[str, ...]) -> None:
    finished = seqrec(*arguments)
    assert finished.exit_code == 0
    lines = [line.split(maxsplit=1) for line in finished.stdout.splitlines()]
    for name, place in COMMANDS.items():
        assert [name, place.help] in lines
    assert "Options without a command are those of a run" in finished.stdout


def test_the_version() -> None:
    assert seqrec("--version").stdout == f"seqrec, version {__version__}\n"


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("rn", "did you mean 'run'?"),
        ("evaluate", "did you mean 'evaluate-checkpoint'?"),
        ("xyz", f"known: {', '.join(sorted(COMMANDS))}"),
    ],
)
def test_an_unknown_command_is_one_line(name: str, remedy: str) -> None:
    finished = seqrec(name, "--params", "dataset=beauty")
    assert (finished.exit_code, finished.stdout) == (1, "")
    assert finished.stderr == f"error: unknown command '{name}'; {remedy}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_called_as_in_the_table(name: str) -> None:
    module, attribute, line = COMMANDS[name]
    command = cli.get_command(click.Context(cli), name)
    assert command is getattr(import_module(module), attribute)
    assert (command.name, command.get_short_help_str()) == (name, line)


@pytest.mark.parametrize(
    "options", [["--params", "dataset=beauty"], ["-p", "ingestion"], ["--env=test"]]
)
def test_options_alone_are_those_of_a_run(called: Called, options: list[str]) -> None:
    assert called(*options) == called("run", *options) == ["run", *options]
    assert called(*options, command=main) == ["run", *options]


def test_no_word_is_a_run_for_python_and_help_for_a_shell(
    called: Called, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert called(command=main) == ["run"]
    assert called() == []
    monkeypatch.setattr(sys, "argv", ["__main__.py"])
    assert called(command=lambda _: main()) == ["run"]
    monkeypatch.setattr(sys, "argv", ["__main__.py", "--env", "test"])
    assert called(command=lambda _: main()) == ["run", "--env", "test"]


def test_an_interactive_session_gets_what_the_run_leaves_and_outlives_an_error(
    called: Called, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    assert main(["--env", "test"]) == "what is left in memory"
    with pytest.raises(SeqrecError, match="did you mean 'run'"):
        main(["rn"])


@pytest.mark.parametrize("name", COMMANDS)
def test_kedro_has_the_commands_too(kedro: Kedro, name: str) -> None:
    listed, helped = kedro("--help"), kedro(name, "--help")
    assert COMMANDS[name].help in listed.out
    assert (helped.code, f"kedro {name}" in helped.out) == (0, True)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], [], ["rn"], ["rn", "--help"]])
def test_the_table_needs_no_kedro_and_no_torch(arguments: list[str], tmp_path: Path) -> None:
    program = (
        f"import sys; from seqrec.commands import cli\n"
        f"try: cli({arguments})\n"
        "finally: print([name for name in ('torch', 'kedro', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout.splitlines()[-1] == "[]"
