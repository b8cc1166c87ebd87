"""A release: one version everywhere, bounds that were tested, a wheel with all that it needs."""

import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from zipfile import ZipFile

import click
import pytest
import yaml
from click.testing import CliRunner
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from seqrec import __version__
from seqrec.commands import EXTRAS, cli
from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FOR_DEVELOPERS = ("dev", "docs")
"""Extras of tools, of which old versions help nobody."""


def requirements(*groups: str) -> list[Requirement]:
    """What the project names itself: the core, and what the extras add to it."""
    lines = [*PROJECT["dependencies"]]
    for group in groups:
        lines += PROJECT["optional-dependencies"][group]
    found = map(Requirement, lines)
    return [needed for needed in found if needed.name != PROJECT["name"]]  # takes extras in


def pins(file: str) -> dict[str, str]:
    """The versions that a constraints file gives, by package."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    found = [line.partition("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, _, version in found}


USERS = sorted({*PROJECT["optional-dependencies"]} - {*FOR_DEVELOPERS})


def test_the_version_is_the_same_everywhere() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    section = re.search(r"^## (?!Unreleased)(.+)$", changelog, flags=re.MULTILINE)
    assert section is not None
    assert citation["version"] == __version__
    assert section[1] == f"{__version__} ({citation['date-released']})"


@pytest.mark.parametrize("requirement", requirements(*PROJECT["optional-dependencies"]), ids=str)
def test_what_was_tested_together_is_allowed(requirement: Requirement) -> None:
    assert requirement.specifier.contains(pins("constraints.txt")[name_of(requirement)])


@pytest.mark.parametrize("requirement", requirements(*USERS), ids=str)
def test_a_lower_bound_is_the_oldest_version_of_the_tests(requirement: Requirement) -> None:
    (bound,) = [part.version for part in requirement.specifier if part.operator == ">="]
    oldest = pins("constraints-oldest.txt")[name_of(requirement)]
    assert f"{oldest}.0".startswith(f"{bound}.")
    assert requirement.specifier.contains(oldest)


def test_the_oldest_versions_are_of_what_the_project_names() -> None:
    assert {*pins("constraints-oldest.txt")} == {*map(name_of, requirements(*USERS))}


def test_what_was_tested_together_is_for_every_python_that_the_project_is_for() -> None:
    """Debian 12 has Python 3.11.2, and a package for 3.11.5 and newer ends its set-up."""
    lowest, tested = PROJECT["requires-python"].removeprefix(">="), pins("constraints.txt")
    here = [found for found in distributions() if canonicalize_name(found.name) in tested]
    assert len(here) > 100
    needed = {found.name: found.metadata.json.get("requires_python") for found in here}
    allowed = {
        name: SpecifierSet(str(python or "")).contains(lowest) for name, python in needed.items()
    }
    assert [name for name in allowed if not allowed[name]] == []


def test_developers_have_every_extra_but_spark() -> None:
    lines = map(Requirement, PROJECT["optional-dependencies"]["dev"])
    (own,) = [line for line in lines if line.name == PROJECT["name"]]
    assert own.extras == {*USERS, "docs"} - {"spark"}  # of 600 MB: make spark


def name_of(requirement: Requirement) -> str:
    return canonicalize_name(requirement.name)


@pytest.mark.parametrize("name", EXTRAS)
@pytest.mark.parametrize("rest", [[], ["run"], ["run", "--port", "4141"], ["--help"]], ids=str)
def test_a_command_of_an_extra_says_how_to_get_it(name: str, rest: list[str]) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    finished = CliRunner().invoke(command, rest)
    assert (finished.exit_code, finished.stdout) == (1, "")
    assert finished.stderr == (
        f"error: kedro {name} needs {EXTRAS[name]}, which is not installed; "
        f"pip install 'seqrec[{name}]'\n"
    )
    (package,) = PROJECT["optional-dependencies"][name]
    assert Requirement(package).name == EXTRAS[name]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """The wheel, built without an environment of its own."""
    pytest.importorskip("setuptools", minversion="77")
    folder = tmp_path_factory.mktemp("wheel")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", folder / "src", ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    program = "from setuptools import build_meta; build_meta.build_wheel('dist')"
    subprocess.run(
        [sys.executable, "-c", program], cwd=folder, check=True, capture_output=True, text=True
    )
    (path,) = folder.glob("dist/*.whl")
    return ZipFile(path)


def test_the_wheel_has_the_package_and_nothing_else(wheel: ZipFile) -> None:
    facts = f"seqrec-{__version__}.dist-info"
    files = (path for path in (ROOT / "src/seqrec").rglob("*") if path.is_file())
    package = {path.relative_to(ROOT / "src").as_posix() for path in files if path.suffix != ".pyc"}
    assert {"seqrec/py.typed", "seqrec/service/page/page.js"} < package
    names = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", "top_level.txt")
    assert set(wheel.namelist()) == package | {f"{facts}/{name}" for name in names}


def test_the_wheel_says_what_it_needs(wheel: ZipFile) -> None:
    facts = f"seqrec-{__version__}.dist-info"
    written = wheel.read(f"{facts}/METADATA").decode()
    assert f"\nVersion: {__version__}\n" in written
    assert "\nRequires-Python: >=3.11\n" in written
    for extra in PROJECT["optional-dependencies"]:
        assert f"\nProvides-Extra: {extra}\n" in written
    assert wheel.read(f"{facts}/entry_points.txt").decode().split() == [
        "[console_scripts]",
        "seqrec",
        "=",
        "seqrec.commands:cli",
    ]
