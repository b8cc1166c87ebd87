"""A model is added in a copy of the project: the files that docs/extend.md lists are enough."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT, copy_of_project, kedro_in
from tests.documents.additions import add, blocks, section

NAME, SECTION = "toy", "Add a model"


def listed() -> set[str]:
    """Return the files that the page numbers, each by the first path of its line."""
    names = re.findall(r"^\d+\. `([^`]+)`", section(SECTION), flags=re.MULTILINE)
    return {name.replace("NAME", NAME) for name in names}


def commands() -> list[list[str]]:
    """Return the commands by which the page runs and tunes the model."""
    (block,) = [block for block in blocks(SECTION) if not block.title]
    return [shlex.split(line) for line in block.text.splitlines()]


def changed(folder: Path) -> set[str]:
    """Return the files of the copy that the project does not have, or has otherwise."""
    files = [path for top in ("src", "conf") for path in (folder / top).rglob("*")]
    names = {path.relative_to(folder) for path in files if path.is_file()}
    return {
        name.as_posix()
        for name in names
        if not (ROOT / name).is_file() or (ROOT / name).read_bytes() != (folder / name).read_bytes()
    }


@pytest.mark.slow
def test_the_files_that_the_page_lists_are_enough(tmp_path: Path) -> None:
    folder = copy_of_project(tmp_path / "project")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", folder / "src", ignore=ignored, dirs_exist_ok=True)
    assert len(listed()) == 4
    assert add(SECTION, folder) == changed(folder) == listed()

    assert len(commands()) == 2
    for program, *arguments in commands():
        assert program == "kedro"
        finished = kedro_in(folder, *arguments, code=folder / "src")
        assert finished.code == 0, finished.err
    cell = f"demo/{NAME}/standard"
    model = json.loads((folder / f"data/06_models/{cell}/models/42/config.json").read_text())
    assert model["options"]["max_len"] == 7
    metrics = json.loads((folder / f"data/07_model_output/{cell}/metrics.json").read_text())
    assert metrics["splits"]["test"]["metrics"]["NDCG@20"]["value"] > 0
