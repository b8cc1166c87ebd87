"""What tests of several packages share."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings

# Imported before any test: Kedro's log goes to the stderr of the moment of its import.
from kedro.framework.project import LOGGING  # noqa: F401

from tests import third_party

third_party.hasten()

# How long an example takes says more about the machine than about the code.
settings.register_profile("any", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any")

ROOT = Path(__file__).parents[1]


class Finished(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


Kedro = Callable[..., Finished]


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """The real data beside the repository; tests that need it are skipped where it is absent."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs real data, which the repository may not hold: no folder ../shared")
    return folder


def copy_of_project(folder: Path) -> Path:
    """Copy the project without data and code, and return the copy."""
    shutil.copytree(ROOT / "conf", folder / "conf", ignore=shutil.ignore_patterns("local"))
    for empty in ("conf/local", "src", "data"):
        (folder / empty).mkdir()
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def kedro_in(folder: Path, *arguments: str, code: Path = ROOT / "src") -> Finished:
    """Run a kedro command in a process of its own, with the project's code or a copy of it."""
    ended = subprocess.run(
        [sys.executable, "-m", "kedro", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(code)},
        capture_output=True,
        text=True,
        check=False,
    )
    return Finished(ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project without data, as the working folder; its code is the repository's."""
    folder = copy_of_project(tmp_path / "project")
    monkeypatch.chdir(folder)
    # Kedro adds the project's src to both; the test's end takes it away again.
    monkeypatch.setattr(sys, "path", [str(ROOT / "src"), *sys.path])
    monkeypatch.setenv(
        "PYTHONPATH", f"{ROOT / 'src'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    )
    return folder


@pytest.fixture
def kedro(project: Path, capsys: pytest.CaptureFixture[str]) -> Kedro:
    """Run a kedro command in the project, in this process: ``kedro("run", "--pipeline", …)``."""
    from kedro.framework.cli.cli import KedroCLI

    def command(*arguments: str) -> Finished:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            KedroCLI(project).main(args=list(arguments), prog_name="kedro")
        printed = capsys.readouterr()
        code = ended.value.code
        return Finished(code if isinstance(code, int) else int(bool(code)), *printed)

    return command
