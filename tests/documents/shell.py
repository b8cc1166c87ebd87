"""The shell in which a page's commands are run: as a reader would, in a copy of the project.

A plain command of ``kedro`` or ``seqrec`` runs in this process, which saves the seconds it takes to
import what they need; all else is the shell's. A service begins with ``… &`` and ends with
``kill %1``.
"""

import logging
import os
import re
import shlex
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import NamedTuple

OWN_COMMANDS = ("kedro", "seqrec")
NEEDS_A_SHELL = frozenset("|&;<>()$`*?[]{}~\n")
LOG_LINE = logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S")
"""As conf/logging.yml has it."""


PORT = "8000"
"""Of a service on a page; where it runs it is another one, which is free."""


LONGEST = 120
"""Seconds a service may take to begin, or to end, on a machine that has much else to do."""


class Ended(NamedTuple):
    """What a command left behind."""

    code: int
    printed: str


class Shell:
    """A working folder and an environment, which commands may change for those after them."""

    def __init__(self, folder: Path, notes: Path) -> None:
        """Begin in a folder; ``notes`` is an empty one outside it."""
        self.folder = folder
        self.environment = {**os.environ, "PWD": str(folder)}
        for of_make in (
            "ARGS",
            "MAKEFLAGS",
            "MFLAGS",
            "MAKELEVEL",
        ):  # of the one that runs the tests
            self.environment.pop(of_make, None)
        self._notes = notes
        self._service: subprocess.Popen[bytes] | None = None
        self._port = PORT

    def __call__(self, command: str) -> Ended:
        """Run a command."""
        if command == "kill %1":
            return self.stop()
        if command.endswith(" &"):
            return self._begin(command.removesuffix(" &"))
        words = own_command(command)
        if words is None:
            return self._in_bash(command)
        with chdir(self.folder):
            return in_this_process(*words)

    def _in_bash(self, command: str) -> Ended:
        note = self._notes / "state"
        ended = subprocess.run(
            ["bash", "-c", f"trap 'env -0 > {shlex.quote(str(note))}' EXIT\n{self._asks(command)}"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        left = note.read_text(encoding="utf-8").split("\0")[:-1]
        self.environment = dict(line.split("=", 1) for line in left)
        self.folder = Path(self.environment["PWD"])
        return Ended(ended.returncode, ended.stdout)

    def _begin(self, command: str) -> Ended:
        """Begin a service in the background, and return what it prints until it can be asked."""
        self._port, log = _free_port(), self._notes / "service"
        with log.open("wb") as file:
            self._service = subprocess.Popen(
                ["bash", "-c", f"exec {self._asks(command)}"],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        latest = time.monotonic() + LONGEST
        while self._service.poll() is None and f":{self._port}" not in log.read_text():
            assert time.monotonic() < latest, f"{command} does not begin: {log.read_text()}"
            time.sleep(0.1)
        return Ended(self._service.poll() or 0, log.read_text().replace(self._port, PORT))

    def _asks(self, command: str) -> str:
        """Return a command that asks the service where it is."""
        return re.sub(rf"\b{PORT}\b", self._port, command)

    def stop(self) -> Ended:
        """End the service, if there is one."""
        if self._service is not None:
            self._service.terminate()
            self._service.wait(LONGEST)
        return Ended(0, "")


def _free_port() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return str(taken.getsockname()[1])


def own_command(command: str) -> list[str] | None:
    """Return the words of a command of this project, or None where it takes a shell to run it."""
    line = command.replace("\\\n", " ")
    quoted = shlex.shlex(line)  # of words in quotes, the quotes stay
    quoted.whitespace_split = True
    try:
        words, plain = shlex.split(line, comments=True), all(map(_means_itself, quoted))
    except ValueError:  # a quote that is not closed
        return None
    return words if plain and words[:1] and words[0] in OWN_COMMANDS else None


def _means_itself(word: str) -> bool:
    """Tell whether a shell hands a word on as it stands, but for its quotes."""
    return word[0] == "'" or not (set("$`") if word[0] == '"' else NEEDS_A_SHELL) & set(word)


def in_this_process(program: str, *arguments: str) -> Ended:
    """Run ``kedro`` or ``seqrec`` by its entry point; log and output come in their order."""
    with captured(LOG_LINE) as text:
        try:
            entry(program)(list(arguments))
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
        return Ended(code, text())


def entry(program: str) -> Callable[[list[str]], object]:
    """Return what the script of that name calls."""
    if program == "seqrec":
        from seqrec.commands import cli

        return lambda arguments: cli.main(arguments, prog_name="seqrec")
    from kedro.framework.cli.cli import KedroCLI

    return lambda arguments: KedroCLI(Path.cwd()).main(args=arguments, prog_name="kedro")


@contextmanager
def captured(line: logging.Formatter | None) -> Iterator[Callable[[], str]]:
    """Catch what is printed while the block lasts, and what is logged; the function lent says it.

    Args:
        line: how a line of the log looks; None where nobody has set up a log.
    """
    stream = TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(line)
    root = logging.getLogger()
    before = root.handlers
    root.handlers = [handler] if line else []
    try:
        with redirect_stdout(stream), redirect_stderr(stream):
            yield lambda: stream.buffer.getvalue().decode()
    finally:
        root.handlers = before


def run_python(lines: str, names: dict[str, object], folder: Path, language: str) -> Ended:
    """Run Python in a namespace and a folder; as ``pycon`` a value is shown, as by its prompt."""
    mode = "single" if language == "pycon" else "exec"
    with chdir(folder), captured(None) as text:
        try:
            exec(compile(lines + "\n", "page", mode), names)
        except SystemExit as ended:
            return Ended(int(ended.code or 0), text())
        return Ended(0, text())
