"""The run on a GPU, rehearsed on a CPU, and what is made of its results."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.gpu import golden, page, profiles, section, summary
from benchmarks.gpu.profiles import Kernel
from benchmarks.gpu.section import SIZES, Failed, Figures, NotHere, Options, Section, within
from seqrec.models import MODELS
from tests import authors
from tests.bare import bare_python
from tests.conftest import ROOT

CPU = torch.device("cpu")
SECTIONS = ("checks", "compiled", "models", "profiles", "items", "several")


def options(folder: Path, seconds: float = 60.0, part: tuple[int, int] = (1, 1)) -> Options:
    return Options(folder, CPU, SIZES["small"], seconds, part)


def results(folder: Path, name: str = "some") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())
    return found


@pytest.mark.slow
def test_the_whole_run_with_four_packages(tmp_path: Path) -> None:
    """Every section does all its tasks, and a page comes of them."""
    python, out = bare_python(tmp_path / "bare"), tmp_path / "out"
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    finished = subprocess.run(
        ["bash", "benchmarks/on_gpu.sh", str(out)],
        cwd=ROOT,
        env=environment
        | {"DEVICE": "cpu", "SIZE": "small", "PYTHON": str(python), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.endswith("all is well\n")
    assert finished.stdout == (out / "summary.txt").read_text()
    done = {name: results(out, name)["results"] for name in SECTIONS}
    assert {task["status"] for tasks in done.values() for task in tasks} == {"passed", "not here"}
    written = (out / "page.md").read_text()
    for model in MODELS:
        assert f"compiled agrees: {model}" in [task["name"] for task in done["compiled"]]
        assert f"| {model} | " in written
    assert "bsarec, eager, bound by " in written


def test_a_result_is_on_disk_before_the_next_begins(tmp_path: Path) -> None:
    def second() -> Figures:
        first = results(tmp_path)
        assert [task["name"] for task in first["results"]] == ["first"]
        assert not first["finished"]
        raise Failed("off by 2, allowed 1", {"off": 2})

    def third() -> Figures:
        raise NotHere("no such thing")

    def fourth() -> Figures:
        raise RuntimeError("line one\nline two")

    tasks = [("first", lambda: {"value": 1}), ("second", second), ("third", third), ("4th", fourth)]
    Section("some", options(tmp_path)).run(tasks)
    found = results(tmp_path)
    assert found["finished"]
    assert [task["status"] for task in found["results"]] == [
        "passed",
        "failed",
        "not here",
        "failed",
    ]
    assert found["results"][1]["figures"] == {"off": 2}
    assert found["results"][3]["why"] == "RuntimeError: line one"


def test_what_the_time_is_not_enough_for_is_named(tmp_path: Path) -> None:
    Section("some", options(tmp_path, seconds=-1.0)).run([("first", dict)])
    (task,) = results(tmp_path)["results"]
    assert (task["name"], task["status"]) == ("first", "not reached")


def test_parts_share_the_tasks(tmp_path: Path) -> None:
    tasks: list[section.Task] = [(str(number), dict) for number in range(5)]
    for part in (1, 2):
        Section("some", options(tmp_path, part=(part, 2))).run(tasks)
    names = [
        [task["name"] for task in results(tmp_path, f"some-{part}")["results"]] for part in (1, 2)
    ]
    assert names == [["0", "2", "4"], ["1", "3"]]
    (joined,) = summary.reports(tmp_path)
    assert len(joined["results"]) == 5


def test_differences_have_limits() -> None:
    assert within({"loss": 1.0}, {"loss": 1.0}) == {"loss": {"difference": 1.0, "allowed": 1.0}}
    for wrong in (1.1, float("nan")):
        with pytest.raises(Failed, match=r"loss off by .*, allowed 1"):
            within({"loss": wrong}, {"loss": 1.0})


def test_golden_numbers_of_another_model_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = authors.golden("GRU4Rec_1")
    arrays["param/item_embeddings.weight"] = arrays["param/item_embeddings.weight"] + 0.01
    monkeypatch.setattr(golden, "golden", lambda case: arrays)
    with pytest.raises(Failed, match="scores off by"):
        golden.compare("gru4rec", "GRU4Rec_1", CPU)


def a_report(name: str, *tasks: tuple[str, str], finished: bool = True) -> dict[str, Any]:
    listed = [{"name": task, "status": status, "why": "because"} for task, status in tasks]
    return {"section": name, "results": listed, "finished": finished}


@pytest.mark.parametrize(
    ("report", "well", "line"),
    [
        (a_report("checks", ("a", "passed"), ("b", "not here")), True, "not here: b: because"),
        (a_report("checks", ("a", "failed")), False, "failed: a: because"),
        (a_report("checks", ("a", "not reached")), False, "not reached: a: because"),
        (a_report("models", ("a", "not reached")), True, "not reached: a: because"),
        (a_report("models", finished=False), False, "cut off before its end"),
        (a_report("other"), False, "models: left no results"),
    ],
)
def test_a_run_is_well_or_says_what_is_not(
    report: dict[str, Any],
    well: bool,
    line: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "some.json").write_text(json.dumps(report))
    wanted = report["section"] if report["section"] != "other" else "models"
    assert summary.main(str(tmp_path), wanted) == (0 if well else 1)
    assert line in capsys.readouterr().out


def test_without_results_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert summary.main(str(tmp_path), "checks") == 1
    assert capsys.readouterr().err.startswith(f"error: no results in {tmp_path}; name the folder")


def test_what_bounds_a_step() -> None:
    """A step of 10 ms: five steps of 20 kernels in all, or of 20 long ones."""
    short = [Kernel("ampere_sgemm_32x32", 50, 5_000.0), Kernel("elementwise", 50, 10_000.0)]
    found = profiles.summary(short, 0.010)
    assert found["launches"] == 20
    assert (found["busy_ms"], found["products_ms"]) == (3.0, 1.0)
    assert found["bound"].startswith("launches (20 kernels, busy 3.00 of 10.00 ms")
    assert profiles.bound(10.0, 9.0, 2.0, 20).startswith("memory")
    assert profiles.bound(10.0, 9.0, 8.0, 20).startswith("arithmetic")


def test_the_page_has_a_table_for_each_way(tmp_path: Path) -> None:
    figures = {
        "model": "bsarec",
        "precision": "tf32",
        "compile": "on",
        "compiled": True,
        **dict.fromkeys(page.MODEL_COLUMNS.values(), 2.0),
        "epoch_s": None,
        "examples_per_second": 131_413.0,
    }
    report = {
        "section": "models",
        "finished": True,
        "machine": {"gpu": "NVIDIA H", "torch": "2.13", "commit": "abc", "date": "2026-01-01"},
        "results": [
            {"name": "bsarec", "status": "passed", "figures": figures},
            {"name": "other", "status": "failed", "why": "no"},
        ],
    }
    (tmp_path / "models.json").write_text(json.dumps(report))
    lines = page.page(tmp_path).splitlines()
    assert lines[0].startswith("NVIDIA H, torch 2.13, commit abc, 2026-01-01;")
    assert "tf32, compiled:" in lines
    assert "| bsarec | 2 | 131,413 | 2 | – | 2 | 2 | 2 | 2 |" in lines
    assert len([line for line in lines if line.startswith("| ")]) == 3
