"""A model is added in a copy of the project: the files that CONTRIBUTING lists are enough."""

import json
import re
import shutil
from pathlib import Path

from tests.conftest import ROOT, copy_of_project, kedro_in

TOY = '''"""Toy: a history is the sum of its items' vectors."""

from dataclasses import dataclass

from torch import nn

from seqrec.models.parts.bounds import Rate, Size
from seqrec.models.parts.face import SequentialModel
from seqrec.models.parts.search_range import LEARNING_RATE
from seqrec.protocol import Protocol


@dataclass(frozen=True)
class ToyConfig:
    num_items: Size
    max_len: Size = 50
    hidden_dropout: Rate = 0.0
    protocol: Protocol = "standard"


class Toy(SequentialModel):
    Config = ToyConfig
    space = {"training.learning_rate": LEARNING_RATE}

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.item_embedding = nn.Embedding(config.num_items + 1, 8, padding_idx=0)

    def encode(self, histories, users=None):
        return self.item_embedding(histories).sum(dim=1)

    def loss(self, batch, item_loss=None):
        item_loss = item_loss or self.own_loss()
        states = self.encode(batch.histories)
        return {"loss": item_loss(states, self.item_vectors(), batch.targets, batch.seen)}
'''
ADDED = {
    "src/seqrec/models/NAME.py": TOY,
    "conf/base/parameters/models/NAME.yml": "toy:\n  model_options: {max_len: 7}\n",
}
LENGTHENED = {
    "src/seqrec/models/__init__.py": ("MODELS = {\n", '    "toy": "Toy",\n'),
    "conf/base/globals.yml": ("models:\n", "  - toy\n"),
}


def listed() -> list[str]:
    """Return the files that CONTRIBUTING numbers, each by the first path of its line."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("## Add a model\n")[2].partition("\n## ")[0]
    return re.findall(r"^\d+\. `([^`]+)`", section, flags=re.MULTILINE)


def add_toy(folder: Path) -> None:
    for name, text in ADDED.items():
        (folder / name.replace("NAME", "toy")).write_text(text, encoding="utf-8")
    for name, (line, row) in LENGTHENED.items():
        before = (folder / name).read_text(encoding="utf-8")
        assert before.count(f"\n{line}") == 1
        (folder / name).write_text(before.replace(f"\n{line}", f"\n{line}{row}"), encoding="utf-8")


def changed(folder: Path) -> set[str]:
    """Return the files of the copy that the project does not have, or has otherwise."""
    files = [path for top in ("src", "conf") for path in (folder / top).rglob("*")]
    names = {path.relative_to(folder) for path in files if path.is_file()}
    return {
        name.as_posix()
        for name in names
        if not (ROOT / name).is_file() or (ROOT / name).read_bytes() != (folder / name).read_bytes()
    }


def test_the_files_that_contributing_lists_are_enough(tmp_path: Path) -> None:
    assert sorted(listed()) == sorted(ADDED | LENGTHENED)
    folder = copy_of_project(tmp_path / "project")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", folder / "src", ignore=ignored, dirs_exist_ok=True)
    add_toy(folder)
    assert changed(folder) == {name.replace("NAME", "toy") for name in listed()}

    short = "model=toy,training.max_epochs=1"
    for arguments in (
        ("run", "--env", "test", "--params", short),
        ("run", "--env", "test", "--pipeline", "tuning", "--params", f"{short},tuning.trials=2"),
    ):
        finished = kedro_in(folder, *arguments, code=folder / "src")
        assert finished.code == 0, finished.err
    cell = "demo/toy/standard"
    model = json.loads((folder / f"data/06_models/{cell}/models/42/config.json").read_text())
    assert model["options"] == {"max_len": 7}
    metrics = json.loads((folder / f"data/07_model_output/{cell}/metrics.json").read_text())
    assert metrics["splits"]["test"]["metrics"]["NDCG@20"]["value"] > 0
