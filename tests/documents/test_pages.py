"""Every command on the pages runs, and prints what the pages say.

The blocks of a page run in order, in a copy of the project of its own beside the log of a small
shop (shop.py). How a block says that it is not run stands in CONTRIBUTING.md.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.documents.shell import Ended, Shell, run_python
from tests.documents.shop import write_shop
from tests.documents.transcripts import (
    RUN,
    Block,
    Exchange,
    blocks_of,
    exchanges_of,
    faults_of,
    mismatch,
)

WRITTEN_ELSEWHERE = (
    "docs/results/cells",
    "docs/reference",
    "docs/questions.md",
    "docs/first_steps.md",
)
"""By programs, which have tests of their own."""
ALSO_COPIED = ("Makefile", "dvc.yaml", "constraints.txt", ".dvc", ".dvcignore", ".gitignore")
OF_A_READER = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "somebody"),
    **dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "a@example.org"),
    "DVC_NO_ANALYTICS": "1",
}


COMPILED = shutil.ignore_patterns("__pycache__")
PROGRAMS = ("python", "kedro", "seqrec", "dvc")


def pages() -> Iterator[str]:
    """Yield the pages that have blocks, by their paths."""
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(WRITTEN_ELSEWHERE) and blocks_in(name):
            yield name


@cache
def blocks_in(page: str) -> list[Block]:
    return list(blocks_of((ROOT / page).read_text(encoding="utf-8")))


def is_run(block: Block) -> bool:
    return block.language in RUN and block.not_run is None and block.run_by is None


WITH_STAGES = ("docs/dvc.md",)
"""DVC's stages, which read the code, train again and again; test_dvc_runs.py is sooner done."""
PAGES = list(pages())
WITH_COMMANDS = [
    pytest.param(page, marks=pytest.mark.slow) if page in WITH_STAGES else page
    for page in PAGES
    if any(map(is_run, blocks_in(page)))
]


@pytest.fixture
def shell(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A shell in a clone of the project that has been set up, where the log of the shop lies."""
    for name in ALSO_COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, project / name)
    commands = project / ".venv/bin"
    commands.mkdir(parents=True)
    for program in PROGRAMS:
        script = commands / program
        script.write_text(f'#!/bin/sh\nexec "{Path(sys.executable).parent / program}" "$@"\n')
        script.chmod(0o755)
    (commands / "activate").write_text(f'export PATH="{commands}:$PATH"\n')
    (project / ".venv/.installed").touch()  # after all that make compares it with
    for name, value in OF_A_READER.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "notes").mkdir()
    begun = Shell(project, tmp_path / "notes")
    begun("git init -qb main && git add --all && git commit -qm 'the project'")
    write_shop(project / "shop.csv")
    yield begun
    begun.stop()


@pytest.mark.parametrize("page", PAGES)
def test_every_block_says_what_it_is(page: str) -> None:
    faults = {block.line: faults_of(block, ROOT) for block in blocks_in(page)}
    assert {line: faults for line, faults in faults.items() if faults} == {}


@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_the_commands_of_a_page_do_what_it_says(page: str, shell: Shell) -> None:
    if page in WITH_STAGES:
        shutil.copytree(ROOT / "src", shell.folder / "src", dirs_exist_ok=True, ignore=COMPILED)
        shell("git add --all && git commit -qm 'the code, which the stages of DVC read'")
    names: dict[str, object] = {"__name__": "__main__"}
    for block in filter(is_run, blocks_in(page)):
        for exchange, ended in run(block, shell, names):
            fault = fault_of(exchange, ended)
            place = f"{page}, line {block.line}: {exchange.command}"
            assert not fault, f"{place}\n{fault}\n\n{ended.printed}"


def run(block: Block, shell: Shell, names: dict[str, object]) -> Iterator[tuple[Exchange, Ended]]:
    """Run a block, command by command."""
    for exchange in exchanges_of(block):
        if block.language in ("python", "pycon"):
            yield exchange, run_python(exchange.command, names, shell.folder, block.language)
        else:
            yield exchange, shell(exchange.command)


def fault_of(exchange: Exchange, ended: Ended) -> str | None:
    """Say where a command did not do what a page says."""
    is_refused = any(line.lower().startswith("error: ") for line in exchange.output or ())
    if (ended.code != 0) != is_refused:
        return f"it ended with {ended.code}"
    if exchange.output is None:
        return None
    return mismatch(exchange.output, ended.printed.splitlines())
