"""The data pipelines on the demo log, as a user runs them."""

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.conftest import Kedro

DATA = "ingestion,filtering,sequences,transitions,export"


def digests(project: Path) -> dict[str, str]:
    return {
        path.relative_to(project).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted((project / "data").rglob("*"))
        if path.is_file()
    }


def test_from_the_raw_log_to_sequences_twice_with_the_same_bytes(
    kedro: Kedro, project: Path
) -> None:
    finished = kedro("run", "--pipelines", DATA, "--env", "test")
    assert finished.code == 0, finished.err
    assert "data/05_model_input/demo" in finished.out
    first = digests(project)
    sequences = pq.read_table(project / "data/05_model_input/demo/sequences.parquet")
    assert set(sequences["split"].to_pylist()) == {"train", "valid", "test"}
    report = json.loads((project / "data/02_intermediate/demo/ingestion_report.json").read_text())
    assert report["rows_rejected"] > 0
    lines = (project / "data/05_model_input/demo/sequence_lines.txt").read_text().splitlines()
    users = pq.read_table(project / "data/05_model_input/demo/users.parquet")
    assert len(lines) == users.num_rows
    # Nothing is left on the way.
    assert not [name for name in first if "/tmp/" in name or "/." in name]
    assert list((project / "data/tmp/spill").iterdir()) == []

    assert kedro("run", "--pipelines", DATA, "--env", "test").code == 0
    assert digests(project) == first


def test_a_log_of_ones_own_in_one_command(kedro: Kedro, project: Path) -> None:
    rows = [f"{user},{item},{user + item}" for user in range(6) for item in range(6)]
    (project / "shop.csv").write_text("\n".join(["customer,sku,day", *rows]) + "\n")
    parameters = (
        "dataset=shop,raw.file=shop.csv,"
        "raw.columns.user=customer,raw.columns.item=sku,raw.columns.timestamp=day"
    )
    finished = kedro("run", "--pipelines", DATA, "--env", "test", "--params", parameters)
    assert finished.code == 0, finished.err
    sequences = pq.read_table(project / "data/05_model_input/shop/sequences.parquet")
    assert sequences.num_rows == 36


def test_titles_of_ones_own_go_with_the_items(
    kedro: Kedro, project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    rows = [f"{user},{item},{user + item}" for user in range(6) for item in range(6)]
    (project / "shop.csv").write_text("\n".join(["user_id,item_id,timestamp", *rows]) + "\n")
    titles = "".join(f"{item},Thing {item}\n" for item in range(1, 9))
    (project / "products.csv").write_text(f"sku,name\n{titles}")
    of_log = "dataset=shop,raw.file=shop.csv,raw.titles.file=products.csv,raw.titles.item=sku"
    run = ("run", "--pipelines", DATA, "--env", "test", "--params")
    finished = kedro(*run, f"{of_log},raw.titles.title=name")
    assert finished.code == 0, finished.err
    assert "5 of 6 items have a title" in caplog.messages
    items = pq.read_table(project / "data/05_model_input/shop/items.parquet").to_pydict()
    expected = [None if item == "0" else f"Thing {item}" for item in items["item_id"]]
    assert items["title"] == expected

    finished = kedro(*run, f"{of_log},raw.titles.title=nme")
    (line,) = [line for line in finished.err.splitlines() if line.startswith("error: ")]
    assert line == (
        f"error: unknown column 'nme' in the header of {project / 'products.csv'}; "
        "did you mean 'name'?"
    )


@pytest.mark.parametrize("program", ["kedro run", "seqrec"])
def test_a_run_from_a_subfolder_is_a_run_of_the_project(project: Path, program: str) -> None:
    sub = project / "sub"
    sub.mkdir()
    (sub / "shop.csv").write_text("user_id,item_id,timestamp\na,x,1\na,y,2\nb,x,1\n")
    arguments = ["--pipeline", "ingestion", "--params", "dataset=shop,raw.file=shop.csv"]
    finished = subprocess.run(
        [sys.executable, "-m", *program.split(), *arguments],
        cwd=sub,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "1/1 read_raw_log" in finished.stderr
    assert "  data/02_intermediate/shop  ingestion_report.json, interactions" in finished.stdout
    assert [path.name for path in sub.iterdir()] == ["shop.csv"]
    assert (project / "data/02_intermediate/shop/interactions.parquet").is_file()
    assert (project / "data/tmp/spill").is_dir()


def test_rows_in_order_of_time_and_a_data_set_named_by_digits(kedro: Kedro, project: Path) -> None:
    (project / "shop.csv").write_text("user_id,item_id,timestamp\na,x,9\na,y,2\nb,x,1\n")
    parameters = "dataset=2019,raw.file=shop.csv,raw.columns.timestamp=null"
    finished = kedro("run", "--pipeline", "ingestion", "--env", "test", "--params", parameters)
    assert finished.code == 0, finished.err
    folder = project / "data/02_intermediate/2019"
    assert json.loads((folder / "ingestion_report.json").read_text())["timestamp_unit"] == "order"


def test_a_run_that_fails_half_way_keeps_what_was_whole(kedro: Kedro, project: Path) -> None:
    assert kedro("run", "--pipelines", DATA, "--env", "test").code == 0
    before = digests(project)
    finished = kedro(
        "run", "--pipelines", DATA, "--env", "test", "--params", "filtering.user_core=100000"
    )
    assert finished.code == 1
    (line,) = finished.err.splitlines()
    assert line.startswith("error: ")
    assert digests(project) == before


@pytest.mark.parametrize("pipeline", ["ingestion", "filtering"])
def test_a_pipeline_can_run_on_its_own(kedro: Kedro, project: Path, pipeline: str) -> None:
    assert kedro("run", "--pipeline", "ingestion", "--env", "test").code == 0
    finished = kedro("run", "--pipeline", pipeline, "--env", "test")
    assert finished.code == 0, finished.err
    assert "deprecated" not in finished.err
