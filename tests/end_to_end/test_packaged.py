"""The package without its project: installed, with a configuration, in an empty folder."""

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT, Finished

Run = Callable[..., Finished]
INTERACTIONS = "data/02_intermediate/{}/interactions.parquet"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages, and what `kedro package` makes of the configuration beside it."""
    folder = tmp_path_factory.mktemp("installed")
    shutil.copytree(ROOT / "src/seqrec", folder / "site-packages/seqrec")
    with tarfile.open(folder / "conf-seqrec.tar.gz", "w:gz") as archive:
        archive.add(ROOT / "conf", "conf", filter=without_local_files)
    return folder


def without_local_files(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "/local/" in member.name and member.name.endswith(".yml") else member


@pytest.fixture
def run(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``python -m seqrec`` of the installed package in a folder that holds nothing."""
    monkeypatch.chdir(tmp_path)
    paths = {"PYTHONPATH": str(installed / "site-packages"), "OMP_NUM_THREADS": "1"}

    def command(*arguments: str) -> Finished:
        done = subprocess.run(
            [sys.executable, "-m", "seqrec", *arguments],
            capture_output=True,
            text=True,
            env={**os.environ, **paths},
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    return command


def test_from_the_packed_configuration_to_metrics(
    run: Run, installed: Path, tmp_path: Path
) -> None:
    finished = run("run", "--conf-source", f"{installed}/conf-seqrec.tar.gz", "--env", "test")
    assert finished.code == 0, finished.err
    assert "bsarec on demo, test split (protocol standard, seed 42)" in finished.out
    assert "INFO" not in finished.out + finished.err
    messages = [line.partition("  ")[2] for line in finished.err.splitlines()]
    assert messages[:2] == ["1/7 read_raw_log", "generated data/01_raw/demo/demo.csv"]
    assert messages[-1] == "7/7 describe_cell"
    assert (tmp_path / "data/07_model_output/demo/bsarec/standard/metrics.json").is_file()
    assert os.listdir(tmp_path) == ["data"]


def test_a_log_beside_the_folder_of_the_configuration(
    run: Run, installed: Path, tmp_path: Path
) -> None:
    conf = shutil.copytree(ROOT / "conf", tmp_path / "conf")
    (tmp_path / "shop.csv").write_text("customer,sku,day\n1,a,20200101\n1,b,20200102\n")
    columns = "raw.columns.user=customer,raw.columns.item=sku,raw.columns.timestamp=day"
    options = ("--pipelines", "ingestion", "--params", f"dataset=shop,raw.file=shop.csv,{columns}")
    # With the words that a shell, and that a caller of main() would give.
    assert run("run", *options).code == 0
    assert (tmp_path / INTERACTIONS.format("shop")).is_file()
    shutil.rmtree(tmp_path / "data")
    conf.rename(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/logging.yml").unlink()
    finished = run(*options, "--conf-source", "elsewhere")
    assert finished.code == 0, finished.err
    assert [line.partition("  ")[2] for line in finished.err.splitlines()] == [
        "1/1 read_raw_log",
        "2 interactions in shop.csv, 0 rows rejected",
        "timestamps read as YYYYMMDD (guessed), 2020-01-01 00:00:00 to 2020-01-02 00:00:00",
    ]
    assert (tmp_path / INTERACTIONS.format("shop")).is_file()


def test_what_has_neither_project_nor_configuration(run: Run, tmp_path: Path) -> None:
    (tmp_path / "broken.tar.gz").touch()
    for arguments, line in [
        ("", f"no project in {tmp_path} or above it, and no folder conf; change into the folder"),
        ("--conf-source broken.tar.gz", f"--conf-source {tmp_path}/broken.tar.gz cannot be read"),
        ("add-dataset hosts /etc/hosts", f"no project in {tmp_path} or above it; change into"),
    ]:
        finished = run(*arguments.split())
        assert (finished.code, finished.out) == (1, "")
        assert finished.err.startswith(f"error: {line}")
        assert len(finished.err.splitlines()) == 1
