"""Whoever follows docs/extend.md gets what it says: its blocks are written into a copy and used.

The model is added and run by tests/end_to_end/test_new_model.py.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Finished, copy_of_project
from tests.documents.additions import Block, add, blocks, sections

MODEL = "Add a model"
OTHERS = ["Add a reader", "Add a metric", "Add a loss", "Add a command"]
NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.egg-info", "golden")
OF_THE_PROJECT = (
    "tests/test_house.py",
    "tests/test_dataset_blocks.py",
    "tests/readers/test_formats.py",
    "tests/readers/test_fuzz.py",
    "tests/evaluation/test_metrics.py",
    "tests/losses/test_by_name.py",
    "tests/losses/test_hinge.py",
    "tests/training/test_no_waiting.py",
)
"""What the page says fails where something is missing, and what asks for a thing by its name."""
ABOUT_WHAT_WAS_ADDED = " or ".join(
    (
        *("receipts", "dataset_blocks and till", "evaluation.command", "one_idea"),
        *("every_reader", "every_metric", "what_a_user_may_write"),
        *("test_hinge", "by_name and hinge", "sasrec and hinge"),
    )
)
TIME = r"\d\d:\d\d:\d\d"


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with everything added but the model."""
    folder = copy_of_project(tmp_path_factory.mktemp("extended") / "project")
    for part in ("src", "tests"):
        shutil.copytree(ROOT / part, folder / part, ignore=NOT_COPIED, dirs_exist_ok=True)
    for name in OTHERS:
        add(name, folder)
    return folder


def run(folder: Path, *words: str) -> Finished:
    """Run Python with the copy's code, in the copy."""
    path = os.pathsep.join(str(folder / part) for part in ("src", "."))
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def used(name: str) -> list[Block]:
    """The blocks of a section that use what was added."""
    return [block for block in blocks(name) if not block.title]


def test_every_section_is_tried() -> None:
    assert sections() == [MODEL, *OTHERS]


def test_what_was_added_does_what_the_page_says(extended: Path) -> None:
    """The blocks of Python in one process, for each would load torch; then the commands."""
    of_section = {name: used(name) for name in OTHERS}
    python = [
        [block.text for block in found if block.language == "python"]
        for found in of_section.values()
    ]
    assert all(python)
    done = run(extended, "-c", "\n".join(text for found in python for text in found))
    assert done.code == 0, done.err
    for block in (block for found in of_section.values() for block in found):
        assert block.language in ("python", "console")
        if block.language == "console":
            check_console(block.text, extended)


def check_console(text: str, folder: Path) -> None:
    """Run the commands of a block and look for its lines, in order, in what they print."""
    for command in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, *expected = command.splitlines()
        program, *words = shlex.split(line)
        assert program in ("kedro", "seqrec")
        done = run(folder, "-m", program, *words)
        failing = any(each.startswith("error: ") for each in expected)
        assert done.code == int(failing), done.err
        printed = [
            re.sub(TIME, "TIME", each).strip() for each in (done.out + done.err).splitlines()
        ]
        for each in expected:
            if each == "…":
                continue
            wanted = re.sub(TIME, "TIME", each).strip()
            assert wanted in printed, done.out + done.err
            del printed[: printed.index(wanted) + 1]


@pytest.mark.slow
def test_the_projects_own_tests_are_content(extended: Path) -> None:
    options = ("-q", "-p", "no:cacheprovider", "-k", ABOUT_WHAT_WAS_ADDED)
    done = run(extended, "-m", "pytest", *options, *OF_THE_PROJECT)
    assert done.code == 0, done.out[-3000:]
