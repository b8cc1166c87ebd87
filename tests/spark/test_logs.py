"""Logs through the data pipelines on Spark: the tables, reports and lines that DuckDB gives.

Those of ``../shared`` are no part of the repository.
"""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.dataset as pads
import pytest

from tests.conftest import Kedro

pytestmark = pytest.mark.usefixtures("cluster")

DATA = "ingestion,filtering,sequences,transitions"
ORDER = {
    "interactions": ["source_row", "user_id", "item_id"],
    "rejected_rows": ["source_file", "line_number", "reason"],
    "titles": ["item_id"],
    "core_interactions": ["source_row", "user_id", "item_id"],
    "sequences": ["user_index", "position"],
    "users": ["user_index"],
    "items": ["item_index"],
    "transition_graph": ["source_item", "target_item"],
}


PUBLISHED = {"amazon-2014-beauty": "Beauty.txt", "yelp-2019": "Yelp.txt"}


def made(project: Path, dataset: str) -> dict[str, Any]:
    """Every table and report of a data set, the tables sorted."""
    found: dict[str, Any] = {}
    for path in sorted((project / "data").glob(f"*/{dataset}/**/*")):
        if path.suffix == ".parquet" and path.stem in ORDER:
            table = pads.dataset(path, format="parquet").to_table()
            found[path.stem] = table.to_pandas().sort_values(ORDER[path.stem], ignore_index=True)
        elif path.suffix == ".json":
            found[path.stem] = json.loads(path.read_text())
    return found


def assert_equal(spark: dict[str, Any], duckdb: dict[str, Any]) -> None:
    assert spark.keys() == duckdb.keys() == {*ORDER, "ingestion_report", "filter_report"}
    for name, value in duckdb.items():
        if isinstance(value, pd.DataFrame):
            pd.testing.assert_frame_equal(spark[name], value, obj=name)
        else:
            assert spark[name] == value, name


def both(kedro: Kedro, project: Path, dataset: str, parameters: str) -> bytes:
    """Run a data set on Spark and on DuckDB, and compare; return the sequence lines of Spark."""
    run = ("run", "--pipelines", DATA, "--params", f"dataset={dataset},{parameters}")
    finished = kedro(*run, "--env", "spark")
    assert finished.code == 0, finished.err
    spark = made(project, dataset)
    assert not list((project / "data/tmp/spill").iterdir())
    # other pipelines read what Spark wrote
    told = ("--params", f"dataset={dataset},{parameters}", "--env", "test")
    assert kedro("run", "--pipelines", "export", *told).code == 0
    lines = (project / f"data/05_model_input/{dataset}/sequence_lines.txt").read_bytes()
    # a file takes the place of a folder of parts
    finished = kedro(*run, "--env", "test")
    assert finished.code == 0, finished.err
    assert_equal(spark, made(project, dataset))
    return lines


def test_the_demo(kedro: Kedro, project: Path) -> None:
    both(kedro, project, "demo", "filtering.consecutive_repeats=drop,transitions.time_span=2")


def test_a_log_of_several_files_with_all_filters(kedro: Kedro, project: Path) -> None:
    """Rows are counted through the files; a large one is read in slices."""
    folder = project / "logs"
    folder.mkdir()
    random = np.random.default_rng(5)
    for file, rows in (("a.csv", 9_000), ("b.csv.gz", 500), ("c.csv", 500)):
        people, things = random.integers(0, 300, rows), random.integers(0, 80, rows)
        table = pd.DataFrame({"user_id": people, "item_id": things, "rating": people % 5})
        table["timestamp"] = 1_600_000_000 + random.integers(0, 10**6, rows)
        table["note"] = "x" * (9_000 if file == "a.csv" else 1)  # beyond one slice
        text = table.to_csv(index=False) + "broken,row\n"
        data = text.encode()
        (folder / file).write_bytes(gzip.compress(data) if file.endswith(".gz") else data)
    filters = "filtering.repeats=last,filtering.min_rating=1,filtering.start=1600000100"
    split = "splitting.strategy=temporal,splitting.test_share=0.2"
    columns = "raw.columns.rating=rating"
    both(kedro, project, "own", f"raw.file={folder},{columns},{filters},{split}")


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("user_id,item_id,timestamp\na,x,1\nb,y,soon\n", ""),
        ("user,item_id,timestamp\na,x,1\n", ""),
        ("user_id,item_id,timestamp\na,x,1\na,y,2\nb,x,1\n", ""),
        ("user_id,item_id,timestamp\n", ""),
        ("user_id,item_id,timestamp\na,x,1\n", ",raw.reader=json_lines"),
    ],
)
def test_a_log_of_no_use_is_the_same_line(
    kedro: Kedro, project: Path, text: str, parameters: str
) -> None:
    (project / "log.csv").write_text(text)
    run = ("run", "--pipelines", "ingestion,filtering", "--params")
    lines = {}
    for environment in ("spark", "test"):
        told = f"dataset=own,raw.file=log.csv{parameters}"
        finished = kedro(*run, told, "--env", environment)
        assert finished.code == 1
        (lines[environment],) = [
            line for line in finished.err.splitlines() if line.startswith("error: ")
        ]
    assert lines["spark"] == lines["test"]
    left = [path for path in (project / "data").rglob("*.parquet") if ".saving" in str(path)]
    assert not left
    assert not list((project / "data/tmp/spill").iterdir())


@pytest.mark.parametrize(
    ("dataset", "folder"),
    [
        ("amazon-2014-beauty", "amazon-2014-beauty"),
        ("amazon-2018-all-beauty", "amazon-2018-small"),
        ("amazon-2018-fashion", "amazon-2018-small"),
        ("amazon-2018-gift-cards", "amazon-2018-small"),
        ("hetrec2011-lastfm-2k", "hetrec2011-lastfm-2k"),
        ("movielens-100k", "movielens-100k"),
        ("movielens-latest-small", "movielens-latest-small"),
        ("yelp-2019", "yelp-2019"),
    ],
)
def test_real_logs(
    kedro: Kedro, project: Path, dataset: str, folder: str, shared_folder: Path
) -> None:
    lines = both(kedro, project, dataset, f"raw_dir={shared_folder}/datasets/raw/{folder}")
    if dataset in PUBLISHED:
        published = shared_folder / "datasets/sequences" / PUBLISHED[dataset]
        assert lines == published.read_bytes()
