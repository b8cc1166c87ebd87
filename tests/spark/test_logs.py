"""Logs through the data pipelines on Spark: the tables, reports and lines that DuckDB gives.

Those of ``../shared`` are no part of the repository.
"""

import json
from pathlib import Path
from typing import Any

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


def both(kedro: Kedro, project: Path, dataset: str, parameters: str) -> None:
    """Run a data set on Spark and on DuckDB, and compare."""
    run = ("run", "--pipelines", DATA, "--params", f"dataset={dataset},{parameters}")
    finished = kedro(*run, "--env", "spark")
    assert finished.code == 0, finished.err
    spark = made(project, dataset)
    assert not list((project / "data/tmp/spill").iterdir())
    # a file takes the place of a folder of parts
    finished = kedro(*run, "--env", "test")
    assert finished.code == 0, finished.err
    assert_equal(spark, made(project, dataset))


def test_the_demo(kedro: Kedro, project: Path) -> None:
    both(kedro, project, "demo", "filtering.consecutive_repeats=drop")


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
    both(kedro, project, dataset, f"raw_dir={shared_folder}/datasets/raw/{folder}")
