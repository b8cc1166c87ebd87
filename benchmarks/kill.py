"""kill -9 at random moments: what runs next ends with the same bytes as if nothing had happened.

``python -m benchmarks.kill [--of run tuning reporting dvc] --times 20``. Works on copies of the
project in a temporary folder; the whole process group is killed, as when a machine goes down.

run         ``kedro run`` with two seeds
tuning      a search of three trials
reporting   the book of the results of a run
dvc         ``dvc repro`` of the demo with two models
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import yaml

from tests.conftest import ROOT, copy_of_project

KEDRO = (sys.executable, "-m", "kedro", "run", "--env", "test", "--params")
SMALL = "training.max_epochs=2,training.batch_size=512,model_options.dim=16"
DATA = "ingestion,filtering,sequences,transitions"
TIMED = ("progress.csv", "checkpoint-models-", "training_history", "tuning.sqlite")
"""What holds times: two runs of the same differ in it."""
SCRATCH = ("data/tmp/",)
"""Locks and caches, whose files say nothing."""


class Work(NamedTuple):
    """What is killed, and what has to be there before."""

    command: tuple[str, ...]
    before: tuple[tuple[str, ...], ...] = ()
    timed: tuple[str, ...] = ()
    """What else holds times, where trainings are run again."""


WORKS = {
    "run": Work((*KEDRO, "seeds=7;8,training.max_epochs=3")),
    "tuning": Work(
        (*KEDRO, f"{SMALL},tuning.trials=3", "--pipeline", "tuning"),
        ((*KEDRO, SMALL, "--pipelines", DATA),),
    ),
    "reporting": Work((*KEDRO, SMALL, "--pipeline", "reporting"), ((*KEDRO, SMALL),)),
    "dvc": Work((sys.executable, "-m", "dvc", "repro"), timed=("cost",)),
}


def start(folder: Path, command: tuple[str, ...]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "DVC_NO_ANALYTICS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def finish(folder: Path, command: tuple[str, ...]) -> float:
    began = time.monotonic()
    process = start(folder, command)
    said = process.communicate()[1]
    if process.returncode:
        print(said.decode()[-2000:], file=sys.stderr)
        raise SystemExit(f"{' '.join(command[1:])} in {folder} ended with {process.returncode}")
    return time.monotonic() - began


def prepared(folder: Path, work: Work) -> Path:
    """Return a copy of the project that is ready for the work."""
    copy_of_project(folder)
    if "dvc" in work.command:
        for name in ("src", "dvc.yaml", ".dvc", ".dvcignore", ".gitignore"):
            source = ROOT / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("cache", "tmp", "__pycache__")
                shutil.copytree(source, folder / name, dirs_exist_ok=True, ignore=ignored)
            else:
                shutil.copy(source, folder / name)
        lists = folder / "conf/base/globals.yml"
        values = yaml.safe_load(lists.read_text()) | {"models": ["bsarec", "markov"]}
        lists.write_text(yaml.safe_dump(values, sort_keys=False))
        model = folder / "conf/base/parameters/models/bsarec.yml"
        model.write_text(model.read_text().replace("max_epochs: 40", "max_epochs: 2"))
        subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    for command in work.before:
        finish(folder, command)
    return folder


def digests(folder: Path, timed: tuple[str, ...]) -> dict[str, str]:
    """Return a digest of every file, hidden ones too: nothing half written may be left."""
    names = {
        path: path.relative_to(folder).as_posix()
        for path in sorted((folder / "data").rglob("*"))
        if path.is_file() and not path.name.startswith((*TIMED, *timed))
    }
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path, name in names.items()
        if not name.startswith(SCRATCH)
    }


def killed(folder: Path, command: tuple[str, ...], after: float) -> bool:
    """Begin the work and kill it; tell whether it was still going on."""
    process = start(folder, command)
    try:
        process.wait(after)
        return False
    except subprocess.TimeoutExpired:
        return True
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def differing(first: dict[str, str], second: dict[str, str]) -> list[str]:
    return sorted(name for name in first | second if first.get(name) != second.get(name))


def try_to_break(name: str, times: int, seed: int, temporary: Path) -> int:
    """Kill one kind of work again and again; return how often the end was another one."""
    work, moments, wrong, hit = WORKS[name], random.Random(f"{name} {seed}"), 0, 0
    ready = prepared(temporary / f"{name}-ready", work)
    whole = shutil.copytree(ready, temporary / name, symlinks=True)
    seconds = finish(whole, work.command)
    expected = digests(whole, work.timed)
    print(f"{name}: takes {seconds:.1f} s, then {len(expected)} files are there", flush=True)
    for number in range(times):
        folder = shutil.copytree(ready, temporary / f"{name}-{number}", symlinks=True)
        after = moments.uniform(0, seconds)
        hit += killed(folder, work.command, after)
        finish(folder, work.command)
        others = differing(expected, digests(folder, work.timed))
        wrong += bool(others)
        print(f"killed after {after:5.2f} s: {', '.join(others) or 'the same bytes'}", flush=True)
        shutil.rmtree(folder)
    print(f"{name}: {hit} of {times} were at work when killed; {wrong} ended otherwise", flush=True)
    return wrong


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--of", nargs="+", choices=WORKS, default=list(WORKS))
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        wrong = [
            try_to_break(name, options.times, options.seed, Path(temporary)) for name in options.of
        ]
    return int(any(wrong))


if __name__ == "__main__":
    raise SystemExit(main())
