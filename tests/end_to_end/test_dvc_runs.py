"""DVC over the pipelines, in a repository of its own with a remote beside it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COPIED = (
    "conf",
    "src",
    "dvc.yaml",
    "pyproject.toml",
    ".dvc",
    ".dvcignore",
    ".gitignore",
    ".telemetry",
)
CELL = "demo/bsarec/standard"
MODELS = f"data/06_models/{CELL}/models"
SCORES = f"data/07_model_output/{CELL}/scores.json"
BSAREC = "conf/base/parameters/models/bsarec.yml"
ALPHA = "bsarec.datasets.demo.model_options.alpha"


class Repository:
    """A repository, and commands in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *command: str) -> str:
        """Run a command that must end well, and return what it printed."""
        finished = subprocess.run(
            command, cwd=self.folder, env=self.environment(), capture_output=True, text=True
        )
        assert finished.returncode == 0, f"{command}\n{finished.stdout}\n{finished.stderr}"
        return finished.stdout + finished.stderr

    def environment(self) -> dict[str, str]:
        """The environment with the commands, and the code of the repository itself."""
        commands = Path(sys.executable).parent
        names = dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "somebody")
        mails = dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "a@example.org")
        return {
            **os.environ,
            **names,
            **mails,
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.folder / "src"),
            "DVC_NO_ANALYTICS": "1",
        }

    def repro(self, *arguments: str) -> list[str]:
        """Reproduce, and return the stages that ran."""
        return re.findall(r"Running stage '([^']+)'", self("dvc", "repro", *arguments))

    def read(self, path: str) -> Any:
        """Return the content of a JSON file."""
        return json.loads((self.folder / path).read_text())

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text that stands once in a file."""
        text = (self.folder / path).read_text()
        assert text.count(old) == 1, (path, old)
        (self.folder / path).write_text(text.replace(old, new))

    def commit(self, message: str) -> None:
        """Commit everything."""
        self("git", "add", "--all")
        self("git", "commit", "--quiet", "--message", message)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """The project with two models of the demo, one of them trained for two epochs."""
    folder = tmp_path / "project"
    listed = ("git", "ls-files", "--cached", "--others", "--exclude-standard", *COPIED)
    files = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(lambda name: (ROOT / name).is_file(), files.splitlines()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    names = folder / "conf/base/globals.yml"
    lists = {**yaml.safe_load(names.read_text()), "models": ["bsarec", "markov"]}
    names.write_text(yaml.safe_dump(lists, sort_keys=False))
    made = Repository(folder)
    made.edit(BSAREC, "{max_epochs: 40, patience: 5}", "{max_epochs: 2, patience: 5}")
    made.edit(BSAREC, "max_len: 20, dim: 32,", "max_len: 5, dim: 16,")
    made("git", "init", "--quiet", "--initial-branch", "main")
    made("dvc", "remote", "add", "--default", "shelf", str(tmp_path / "shelf"))
    made.commit("the project")
    return made


DATA = ["download@demo", "ingestion@demo", "filtering@demo", "sequences@demo"]
COUNTS = "transitions@demo-standard"
OF_BSAREC = ["training@demo-bsarec-standard", "evaluation@demo-bsarec-standard"]
OF_MARKOV = ["training@demo-markov-standard", "evaluation@demo-markov-standard"]


def test_what_changed_is_made_again_and_nothing_else(repository: Repository) -> None:
    everything = {*DATA, COUNTS, *OF_BSAREC, *OF_MARKOV, "reporting"}
    assert set(repository.repro()) == everything
    assert repository.repro() == []
    repository.commit("the demo's results")
    before = repository.read(SCORES)["test"]["NDCG@10"]

    # one parameter of one model: its cells, and the book
    repository.edit(BSAREC, "alpha: 0.5", "alpha: 0.6")
    assert set(repository.repro()) == {*OF_BSAREC, "reporting"}
    after = repository.read(SCORES)["test"]["NDCG@10"]
    assert after != before
    (change,) = rows(repository("dvc", "params", "diff"))
    assert change[-3:] == [ALPHA, "0.5", "0.6"]
    changed = {
        row[1]: row[2:4] for row in rows(repository("dvc", "metrics", "diff", "--precision", "15"))
    }
    assert [float(value) for value in changed["test.NDCG@10"]] == pytest.approx([before, after])

    # back again: what was made once comes from the cache, which metrics (they are git's) are not in
    repository("git", "checkout", "--quiet", BSAREC)
    assert repository.repro() == OF_BSAREC[1:]
    assert repository.read(SCORES)["test"]["NDCG@10"] == before


@pytest.mark.slow
def test_experiments_and_what_others_get(repository: Repository, tmp_path: Path) -> None:
    repository.repro()
    repository.commit("the demo's results")
    before = repository.read(SCORES)["test"]["NDCG@10"]

    # an experiment, beside the branch
    repository("dvc", "exp", "run", "--name", "wider", "--set-param", f"{BSAREC}:{ALPHA}=0.6")
    assert repository.read(SCORES)["test"]["NDCG@10"] != before
    assert "wider" in repository("dvc", "exp", "show", "--csv", "--only-changed")
    repository("git", "checkout", "--quiet", ".")
    repository("dvc", "checkout")

    # elsewhere: from the remote instead of anew
    repository("dvc", "push")
    elsewhere = Repository(tmp_path / "clone")
    repository("git", "clone", "--quiet", str(repository.folder), str(elsewhere.folder))
    elsewhere("dvc", "pull")
    assert elsewhere.repro() == []
    assert elsewhere.read(SCORES)["test"]["NDCG@10"] == before

    # in a repository of another project: the model alone, by its name
    repository("git", "tag", "--annotate", "demo-bsarec@v1.0.0", "--message", "the first")
    elsewhere("dvc", "artifacts", "get", str(repository.folder), "demo-bsarec", "--out", "model")
    own, got = (one.folder / path for one, path in ((repository, MODELS), (elsewhere, "model")))
    for name in ("config.json", "items.parquet", "model.safetensors"):
        assert (got / "42" / name).read_bytes() == (own / "42" / name).read_bytes()


@pytest.mark.slow
def test_a_raw_file_that_changes_makes_everything_after_it_anew(repository: Repository) -> None:
    log = repository.folder.parent / "shop.csv"
    lines = [f"u{user},i{(user + step) % 7},{step}" for user in range(12) for step in range(6)]
    log.write_text("customer,sku,day\n" + "\n".join(lines) + "\n")
    repository("seqrec", "add-dataset", "shop", str(log), "--yes")
    stages = [f"{name}@shop" for name in ("ingestion", "filtering", "sequences")]
    last = "training@shop-markov-standard"
    assert repository.repro(last) == [*stages, "transitions@shop-standard", last]
    assert repository.repro(last) == []
    with (repository.folder / "data/01_raw/shop/shop.csv").open("a") as file:
        file.write("u0,i6,6\n")
    assert repository.repro(last) == [*stages, "transitions@shop-standard", last]


@pytest.mark.slow
def test_an_aborted_stage_leaves_nothing_half(repository: Repository) -> None:
    folder = repository.folder / "data/06_models" / CELL
    # not compiled, as long runs are on some CPUs, which takes minutes
    long, short = (
        "{max_epochs: 400, patience: null, compile: 'off'}",
        "{max_epochs: 2, patience: 5}",
    )
    repository.edit(BSAREC, short, long)
    with subprocess.Popen(
        ["dvc", "repro", OF_BSAREC[0]],
        cwd=repository.folder,
        env=repository.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        while not list(folder.glob("checkpoint-*")):
            assert process.poll() is None, "the stage ended before its first checkpoint"
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    assert [path.name for path in folder.iterdir()] == ["checkpoint-models-42.safetensors"]
    repository.edit(BSAREC, long, short)
    assert repository.repro(OF_BSAREC[0]) == OF_BSAREC[:1]
    assert sorted(path.name for path in folder.iterdir()) == [
        "checkpoint-models-42-finished.safetensors",
        *("models", "progress.csv", "training_history.parquet"),
    ]

    # Told to go further, the stage goes on: the seconds of its first epochs still stand.
    before = (folder / "progress.csv").read_text().splitlines()
    repository.edit(BSAREC, short, "{max_epochs: 3, patience: 5}")
    assert repository.repro(OF_BSAREC[0]) == OF_BSAREC[:1]
    after = (folder / "progress.csv").read_text().splitlines()
    assert (after[:-1], len(before)) == (before, 3)


def rows(printed: str) -> list[list[str]]:
    """Return the rows of a table that DVC printed, without its header."""
    return [line.split() for line in printed.strip().splitlines()[1:]]
