"""The two pandas forms give the tables of the project, and the benchmark runs."""

import json
import re
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from benchmarks import data
from benchmarks.plain import data_pipeline
from benchmarks.synthetic_log import write_log
from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.readers.table import read_table
from tests.conftest import ROOT, Kedro

TABLES = ("sequences", "users", "items", "standard/transition_graph")
ROWS = 40_000


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "log.csv"
    write_log(path, ROWS)
    return path


def test_the_log_has_the_rows_asked_for_and_the_same_bytes_each_time(
    log: Path, tmp_path: Path
) -> None:
    batches = list(read_table(log, RawFileOptions(name=log.name, reader="table")))
    assert sum(len(batch.interactions) for batch in batches) == ROWS
    assert not any(len(batch.rejected) for batch in batches)
    write_log(tmp_path / "again.csv", ROWS)
    assert (tmp_path / "again.csv").read_bytes() == log.read_bytes()


@pytest.mark.parametrize("ids_first", [False, True])
def test_pandas_gives_the_tables_of_the_project(
    kedro: Kedro, project: Path, log: Path, tmp_path: Path, ids_first: bool
) -> None:
    pipelines = ",".join(data.PIPELINES)
    parameters = f"dataset=synthetic,raw.file={log}"
    finished = kedro("run", "--pipelines", pipelines, "--env", "test", "--params", parameters)
    assert finished.code == 0, finished.err
    data_pipeline.run(log, tmp_path, ids_first)
    for name in TABLES:
        ours = pq.read_table(project / f"data/05_model_input/synthetic/{name}.parquet")
        plain = pq.read_table(tmp_path / f"{Path(name).name}.parquet")
        assert len(ours) > 100
        pd.testing.assert_frame_equal(ours.to_pandas(), plain.to_pandas())


@pytest.mark.slow
def test_the_benchmark_prints_and_writes_what_every_stage_takes(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "benchmarks.data", "--rows", "20000", "--vs"]
    finished = subprocess.run(
        [*command, "--folder", str(tmp_path / "kept"), "--json", str(report)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    assert "seqrec takes" in finished.stdout
    found = json.loads(report.read_text())
    ours, plain = found["runs"]
    assert list(ours["stages"]) == ["start-up", *data.PIPELINES] == list(plain["stages"])
    assert ours["peak_mb"] > 50
    assert ours["seconds"] == pytest.approx(
        sum(stage["seconds"] for stage in ours["stages"].values())
    )
    # nothing but the log is left
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["log_20000.csv"]


def test_ratios_are_those_of_the_medians() -> None:
    runs = [
        {"form": form, "seconds": seconds, "cpu_seconds": 2.0 * seconds}
        for form, times in {data.OURS: (1.0, 2.0, 9.0), data.PLAIN: (4.0, 4.0, 1.0)}.items()
        for seconds in times
    ]
    assert data.compare(runs) == {data.PLAIN: (0.5, 0.5)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rows", "999"], "--rows: should be a whole number from 1,000 to"),
        (["--memory-limit", "foo"], "--memory-limit: should be a size such as 4GB"),
        (["--repeat", "0"], "--repeat: should be a whole number from 1 to"),
        (["--threads", "0"], "--threads: should be a whole number from 1 to"),
    ],
)
def test_wrong_numbers_are_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        data.main(arguments)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "name"), [("--json", "nowhere/figures.json"), ("--json", ""), ("--folder", "file")]
)
def test_wrong_places_are_one_line(
    option: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert data.main([option, str(tmp_path / name)]) == 1
    assert re.fullmatch(rf"error: {option} /.*\n", capsys.readouterr().err)


def test_a_form_that_fails_says_why(tmp_path: Path) -> None:
    options = Namespace(rows=1, vs=False, ids_first=False, repeat=1, memory_limit="x", threads=None)
    with pytest.raises(SeqrecError, match=r"failed: .*engine\.memory_limit: should be a size"):
        data.measure(tmp_path / "log.csv", tmp_path, options)
