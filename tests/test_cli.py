"""``kedro run`` on bad input: one line that names the thing, the place and the remedy."""

import errno
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kedro.io import DatasetError

from seqrec.cli import errors_in_one_line, explanation
from seqrec.errors import SeqrecError
from seqrec.machine import stopping
from seqrec.machine.stopping import stopping_on_signals
from tests.conftest import Kedro


def files_in(project: Path) -> list[str]:
    return sorted(
        path.relative_to(project).as_posix()
        for path in (project / "data").rglob("*")
        if path.is_file()
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("--pipeline ingest", "unknown pipeline 'ingest'; did you mean 'ingestion'?"),
        ("--pipelines ingestion,filter", "unknown pipeline 'filter'; did you mean 'filtering'?"),
        ("--pipeline export --pipelines export", "give either --pipeline or --pipelines, not both"),
        ("--params model=bsrec", "unknown model 'bsrec'; did you mean 'bsarec'?"),
        (
            "--params dataset=movielens-10k",
            "unknown data set 'movielens-10k'; did you mean 'movielens-100k'?"
            " (a log of your own: name its file, raw.file=PATH)",
        ),
        (
            "--params training.max_epoch=3",
            "unknown parameter 'training.max_epoch'; did you mean 'training.max_epochs'?",
        ),
        (
            "--params model_options.alhpa=0.3 --pipeline training",
            "unknown parameter 'model_options.alhpa'; did you mean 'model_options.alpha'?",
        ),
        (
            "--params training.max_epochs=many",
            "parameter training.max_epochs: input should be a valid integer,"
            " unable to parse string as an integer (got 'many')",
        ),
        (
            "--params raw.file=shop.csv",
            "raw.file is a log of your own, and would take the place of data set 'demo';"
            " name yours, dataset=NAME",
        ),
        (
            "--params dataset=[a]",
            "parameter dataset: should be one name, dataset=NAME (got ['a'])",
        ),
        ("--params dataset=", "parameter dataset: no name is given; write dataset=NAME"),
        ("--nodes read", "Pipeline does not contain nodes named ['read']."),
    ],
)
def test_a_wrong_name_ends_before_any_work(
    kedro: Kedro, project: Path, arguments: str, line: str
) -> None:
    finished = kedro("run", *arguments.split())
    assert finished.err.splitlines() == [f"error: {line}"]
    assert (finished.code, finished.out) == (1, "")
    assert files_in(project) == []


def test_an_environment_that_does_not_exist(kedro: Kedro, project: Path) -> None:
    finished = kedro("run", "--env", "tset")
    assert finished.code == 1
    assert finished.err.startswith("error: Given configuration path either does not exist")


def test_broken_yaml_is_named(kedro: Kedro, project: Path) -> None:
    (project / "conf/base/parameters/data.yml").write_text("filtering: {user_core: 5\n")
    finished = kedro("run")
    assert finished.code == 1
    assert finished.err.startswith("error: Invalid YAML or JSON file")
    assert "parameters/data.yml" in finished.err
    assert len(finished.err.splitlines()) == 1


def test_a_missing_raw_file(kedro: Kedro, project: Path) -> None:
    finished = kedro("run", "--pipeline", "ingestion", "--params", "dataset=movielens-1m")
    assert finished.code == 1
    (line,) = finished.err.splitlines()
    assert "movielens-1m" in line
    assert "data/01_raw/movielens-1m" in line
    assert "kedro run --pipeline download --params dataset=movielens-1m" in line
    assert files_in(project) == []


def test_a_missing_table_names_the_pipeline_to_run(kedro: Kedro, project: Path) -> None:
    finished = kedro("run", "--pipeline", "sequences")
    assert finished.code == 1
    (line,) = finished.err.splitlines()
    assert "core_interactions.parquet does not exist; run `kedro run --pipeline filtering`" in line


def test_a_damaged_table_names_the_pipeline_to_run(kedro: Kedro, project: Path) -> None:
    damaged = project / "data/05_model_input/demo/sequences.parquet"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"PAR1")
    finished = kedro("run", "--pipeline", "transitions")
    assert finished.code == 1
    (line,) = finished.err.splitlines()
    assert "sequences.parquet is damaged" in line
    assert "run `kedro run --pipeline sequences`" in line


@pytest.mark.parametrize("pipeline", ["ingestion", "filtering"])
def test_a_spill_directory_that_cannot_be_written_to(
    kedro: Kedro, project: Path, pipeline: str
) -> None:
    assert kedro("run", "--pipeline", "ingestion").code == 0
    (project / "file").touch()
    spill = "engine.spill_directory=file/spill"
    finished = kedro("run", "--pipeline", pipeline, "--params", spill)
    assert finished.code == 1
    (line,) = finished.err.splitlines()
    assert line.startswith("error: engine.spill_directory=")
    assert "file/spill: cannot write there" in line


@pytest.mark.parametrize("table", ["interactions.parquet", "ingestion_report.json"])
def test_a_full_disk_while_saving(
    kedro: Kedro, project: Path, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    rename = os.replace

    def replace(source: Any, target: Any) -> None:
        if Path(target).name == table:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        rename(source, target)

    monkeypatch.setattr(os, "replace", replace)
    finished = kedro("run", "--pipeline", "ingestion")
    assert finished.code == 1
    (line,) = finished.err.splitlines()
    assert line.startswith("error: ")
    assert "no space left" in line.lower()
    assert table in line
    assert not any(table in name for name in files_in(project))


def test_an_error_of_the_program_itself_keeps_its_traceback() -> None:
    assert explanation(ZeroDivisionError("division by zero")) is None


def test_the_line_is_the_users_however_deep_kedro_wraps_it() -> None:
    wrapped = DatasetError("Failed while saving data to dataset\nlong text")
    wrapped.__cause__ = SeqrecError("the line")
    outer = DatasetError("model: Failed")
    outer.__context__ = wrapped
    assert explanation(outer) == "the line"


def test_kedro_lists_the_pipelines(kedro: Kedro) -> None:
    finished = kedro("registry", "list")
    assert finished.code == 0
    assert "- ingestion\n" in finished.out


@pytest.fixture
def heeding_ctrl_c() -> Iterator[None]:
    """Python's own handling: a shell lets what runs in its background ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeding_ctrl_c")
def test_an_engine_that_was_interrupted_ends_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "leave_at_once", lambda number: None)  # this process goes on

    def interrupted(number: signal.Signals) -> None:
        with errors_in_one_line(), stopping_on_signals():
            try:
                signal.raise_signal(number)
            except KeyboardInterrupt:  # as DuckDB does
                raise RuntimeError("Query interrupted") from None

    for number, named, code in ((signal.SIGINT, "Ctrl-C", 130), (signal.SIGTERM, "SIGTERM", 143)):
        with pytest.raises(SystemExit) as ended:
            interrupted(number)
        assert ended.value.code == code
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"error: stopped by {named}")
