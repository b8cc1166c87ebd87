"""``seqrec evaluate-checkpoint``: from any folder, to files written wholly or not at all."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from seqrec.__main__ import main
from tests.authors import GOLDEN
from tests.conftest import Finished, Kedro

Run = Callable[..., Finished]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Golden weights and a few users in a folder of no project."""
    with np.load(GOLDEN / "BSARec_1.npz") as arrays:
        named = {k.removeprefix("param/"): v for k, v in arrays.items() if k.startswith("param/")}
        (tmp_path / "config.json").write_text(str(arrays["config"]))
    torch.save({name: torch.from_numpy(value) for name, value in named.items()}, tmp_path / "w.pt")
    users = np.random.default_rng(1).integers(1, 31, (20, 9))
    lines = [" ".join(map(str, [user, *items])) for user, items in enumerate(users, 1)]
    (tmp_path / "Toy.txt").write_text("\n".join(lines) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command, some of its options replaced: ``run("--model", "bsrec")``."""

    def command(*arguments: str) -> Finished:
        options = {
            "--model": "bsarec",
            "--weights": "w.pt",
            "--config": "config.json",
            "--sequences": "Toy.txt",
            "--device": "cpu",
        } | dict(zip(arguments[::2], arguments[1::2], strict=True))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["evaluate-checkpoint", *(word for option in options.items() for word in option)])
        printed = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Finished(ended.value.code, *printed)

    return command


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_both_splits_are_printed_and_written(run: Run, folder: Path) -> None:
    finished = run("--output", "out/metrics.json", "--ranks", "out/ranks.parquet")
    assert (finished.code, finished.err) == (0, "")
    assert "bsarec on Toy, valid split (protocol authors)" in finished.out
    assert "bsarec on Toy, test split (protocol authors)" in finished.out
    metrics = json.loads((folder / "out/metrics.json").read_text())
    ranks = pq.read_table(folder / "out/ranks.parquet")
    of_test = [row["rank"] for row in ranks.to_pylist() if row["split"] == "test"]
    share = sum(rank <= 10 for rank in of_test) / len(of_test)
    assert len(of_test) == 20
    assert metrics["splits"]["test"]["metrics"]["HR@10"]["value"] == pytest.approx(share)
    assert f"{share:.4f}" in finished.out
    assert sorted(os.listdir(folder / "out")) == ["metrics.json", "ranks.parquet"]


def test_the_choices_reach_the_evaluation(run: Run, folder: Path) -> None:
    finished = run(
        *("--protocol", "standard", "--seen-items", "keep", "--cutoffs", "3,7"),
        *("--dataset", "Other", "--output", "metrics.json"),
    )
    printed = " ".join(finished.out.split())
    assert "bsarec on Other, test split (protocol standard)" in printed
    assert "metric @3 @7" in printed
    assert json.loads((folder / "metrics.json").read_text())["seen_items"] == "keep"


def spoil(folder: Path) -> None:
    """Write the wrong inputs that the cases below name."""
    (folder / "broken.json").write_text("{alpha: 1}")
    (folder / "list.json").write_text("[1]")
    config = json.loads((folder / "config.json").read_text())
    (folder / "poor.json").write_text(json.dumps({**config, "c": None} | {"item_size": 20}))
    del config["alpha"]
    (folder / "lacking.json").write_text(json.dumps(config))
    (folder / "bad.txt").write_text("1 1 2 3\n2 4 five 6\n")
    (folder / "beyond.txt").write_text("1 1 2 3\n2 4 31 6\n")
    (folder / "empty.txt").write_text("")
    (folder / "garbage.safetensors").write_bytes(b"garbage")
    (folder / "garbage.npz").write_bytes(b"garbage")
    torch.save({"w": Hostile()}, folder / "hostile.pt")
    (folder / "kept.json").write_text("{}")


class Hostile:
    """Unpickling this would create a file in the working folder."""

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return open, ("executed", "w")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--model bsrec", "unknown model 'bsrec'; did you mean 'bsarec'?"),
        ("--weights absent.pt", "no weights at absent.pt"),
        ("--config absent.json", "no config at absent.json"),
        ("--sequences absent.txt", "no sequences at absent.txt"),
        ("--config broken.json", "broken.json is no JSON"),
        ("--config list.json", "list.json is no JSON object"),
        ("--config lacking.json", "the authors' config lacks 'alpha'"),
        ("--config poor.json", "parameter model_options.c: "),
        ("--sequences bad.txt", "bad.txt, line 2: 'five' is no item number"),
        ("--sequences beyond.txt", "beyond.txt, line 2: '31' is not among the model's items"),
        ("--sequences empty.txt", "empty.txt is empty"),
        ("--weights garbage.safetensors", "garbage.safetensors is not a plain file of tensors"),
        ("--weights garbage.npz", "garbage.npz is not a plain file of tensors"),
        ("--weights hostile.pt", "(it needs io.open, and loading it would run code)"),
        ("--weights .", "no weights at ."),
        ("--protocol author", "unknown protocol 'author'; did you mean 'authors'?"),
        ("--seen-items keep", "seen_items=keep is a choice of protocol=standard"),
        ("--seen-items none", "parameter seen_items: input should be 'exclude' or 'keep'"),
        ("--cutoffs 5,x", "parameter cutoffs.1: input should be a valid integer"),
        ("--cutoffs ,", "parameter cutoffs: "),
        ("--device gpu", "unknown device 'gpu'"),
        ("--output kept.json/metrics.json", "is no folder; choose another place"),
        ("--output .", "cannot write .: it is no plain file"),
        ("--output /dev/null", "cannot write /dev/null: it is no plain file"),
        ("--output w.pt", "w.pt is named twice"),
        ("--ranks metrics.json", "metrics.json is named twice"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    run: Run, folder: Path, arguments: str, message: str
) -> None:
    spoil(folder)
    before = files(folder)
    words = arguments.split()
    finished = run("--output", "metrics.json", *words) if "--output" not in words else run(*words)
    assert finished.code == 1
    (line,) = finished.err.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert finished.out == ""
    assert files(folder) == before


def test_no_output_is_better_than_half(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "ranks.parquet").write_text("old")
    rename = os.replace

    def replace(source: Any, target: Any) -> None:
        if Path(target).name == "metrics.json":
            raise PermissionError(13, "Permission denied", str(target))
        rename(source, target)

    monkeypatch.setattr(os, "replace", replace)
    finished = run("--output", "metrics.json", "--ranks", "ranks.parquet")
    assert finished.code == 1
    assert finished.err == "error: cannot write metrics.json: Permission denied; " + (
        "free or choose another place\n"
    )
    assert (folder / "ranks.parquet").read_text() == "old"
    assert files(folder) == ["Toy.txt", "config.json", "ranks.parquet", "w.pt"]


def test_it_is_a_command_of_the_project_too(kedro: Kedro) -> None:
    finished = kedro("evaluate-checkpoint", "--help")
    assert finished.code == 0
    assert "--weights" in finished.out


def test_it_starts_without_torch_and_without_a_project(folder: Path) -> None:
    program = (
        "import sys; from seqrec.__main__ import main\n"
        "try: main(['evaluate-checkpoint', '--help'])\n"
        "finally: print([name for name in ('torch', 'kedro', 'pyarrow') if name in sys.modules])"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert finished.stdout.splitlines()[-1] == "[]"
