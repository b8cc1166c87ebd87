"""kill -9 at random moments of ``kedro run`` with two seeds: the next run ends with the same bytes.

``python -m benchmarks.kill --times 20``. Works on copies of the project in a temporary folder.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.conftest import ROOT, copy_of_project

RUN = ("run", "--env", "test", "--params", "seeds=7;8,training.max_epochs=3")
TIMED = ("progress.csv", "checkpoint-models-")
"""What holds times: two runs of the same differ in it."""


def start(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "kedro", *RUN],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def finish(folder: Path) -> float:
    began = time.monotonic()
    if code := start(folder).wait():
        raise SystemExit(f"{folder}: the run ended with {code}")
    return time.monotonic() - began


def digests(folder: Path) -> dict[str, str]:
    """Return a digest of every file, hidden ones too: nothing half written may be left."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "data").rglob("*"))
        if path.is_file() and not path.name.startswith(TIMED)
    }


def killed(folder: Path, after: float) -> bool:
    """Start a run and kill it; tell whether it was still at work."""
    process = start(folder)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def differing(first: dict[str, str], second: dict[str, str]) -> list[str]:
    return sorted(name for name in first | second if first.get(name) != second.get(name))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    moments, wrong, hit = random.Random(options.seed), 0, 0
    with tempfile.TemporaryDirectory() as temporary:
        whole = copy_of_project(Path(temporary, "whole"))
        seconds = finish(whole)
        expected = digests(whole)
        print(f"a whole run takes {seconds:.1f} s and writes {len(expected)} files")
        for number in range(options.times):
            folder = copy_of_project(Path(temporary, str(number)))
            after = moments.uniform(0, seconds)
            hit += killed(folder, after)
            finish(folder)
            others = differing(expected, digests(folder))
            wrong += bool(others)
            print(f"killed after {after:5.2f} s: {', '.join(others) or 'the same bytes'}")
            shutil.rmtree(folder)
    print(f"{hit} of {options.times} runs were at work when killed; {wrong} ended otherwise")
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())
