"""A disk that is really full, for each kind of file that the project writes."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pyarrow as pa
import pytest
import torch
from kedro.io import DatasetError

from seqrec.cli import explanation
from seqrec.datasets.csv_table import AtomicCSVDataset
from seqrec.datasets.export_folders import ExportFoldersDataset
from seqrec.datasets.figure import AtomicPlotlyDataset
from seqrec.datasets.model_folders import ModelFoldersDataset
from seqrec.datasets.parquet_table import ParquetTableDataset
from seqrec.datasets.printed_table import PrintedTableDataset
from seqrec.datasets.text_files import AtomicJSONDataset, AtomicTextDataset
from seqrec.errors import SeqrecError
from seqrec.export.export_folder import Export
from seqrec.notebook.engine import data_engine
from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.parameters.sections import EngineOptions, IngestionOptions
from seqrec.preparation.ingestion import read_log
from seqrec.preparation.raw_files import RawFile
from seqrec.recommendation.output_files import write as write_lists
from seqrec.recommendation.recommendations import Recommendations
from seqrec.reporting.pages import PrintedTable
from seqrec.training.checkpoint import _write as write_checkpoint
from tests.counted import split_off
from tests.logs import circles
from tests.trainings import trained_on

LINES = [f"{number:x}" for number in np.random.default_rng(0).integers(0, 2**60, 30_000)]
TEXT = "\n".join(LINES)
ENGINE = {"backend": "duckdb", "database": ":memory:"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB, where one may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def models(path: Path) -> None:
    items = 20_000
    trained = trained_on(split_off([1, 2, 3], [2, 3, 1], num_items=items), "popularity").trained
    ModelFoldersDataset(filepath=str(path)).save({"42": trained})


def exported(path: Path) -> None:
    trained = trained_on(circles(8, 6, 3_000), "sasrec").trained
    ExportFoldersDataset(filepath=str(path)).save({"42": Export(trained)})


def lists(path: Path) -> None:
    table = pa.table({"user_id": LINES, "item_id": LINES})
    write_lists(Recommendations(table, table, {}, {}), "csv", path)


def ingested(path: Path) -> None:
    log = path.parent.with_name("log.csv")
    rows = [f"{line},{line[::-1]},{number}" for number, line in enumerate(LINES)]
    log.write_text("user_id,item_id,timestamp\n" + "\n".join(rows))
    options = RawFileOptions(name="log.csv", reader="table")
    read_log(RawFile(log, options), IngestionOptions(), path.parent)


SAVED: dict[str, Callable[[Path], None]] = {
    "arrow.parquet": lambda path: ParquetTableDataset(filepath=str(path), connection=ENGINE).save(
        pa.table({"a": LINES})
    ),
    "ibis.parquet": lambda path: ParquetTableDataset(filepath=str(path), connection=ENGINE).save(
        ibis.memtable({"a": LINES})
    ),
    "a.json": lambda path: AtomicJSONDataset(filepath=str(path)).save({"a": LINES}),
    "a.csv": lambda path: AtomicCSVDataset(filepath=str(path)).save(pd.DataFrame({"a": LINES})),
    "a.txt": lambda path: AtomicTextDataset(filepath=str(path)).save(TEXT),
    "plot.json": lambda path: AtomicPlotlyDataset(filepath=str(path)).save(
        go.Figure(go.Scatter(x=LINES))
    ),
    "models": models,
    "exported": exported,
    "lists.csv": lists,
    "interactions.parquet": ingested,
    "printed.csv": lambda path: PrintedTableDataset(filepath=str(path)).save(
        PrintedTable(pd.DataFrame({"a": LINES}), "short", "short")
    ),
    "state.safetensors": lambda path: write_checkpoint(path, {"w": torch.rand(50_000)}, {"a": "b"}),
}


@pytest.mark.parametrize("name", SAVED)
def test_a_full_disk_is_one_line_and_nothing_half_written_is_left(
    name: str, small_disk: Path
) -> None:
    path = small_disk / name
    with pytest.raises((SeqrecError, DatasetError)) as caught:
        SAVED[name](path)
    line = explanation(caught.value)
    assert line is not None
    assert "\n" not in line
    assert "space" in line
    assert path.stem in line
    assert list(small_disk.iterdir()) == []


def test_a_full_disk_under_what_spills(small_disk: Path) -> None:
    engine = EngineOptions(memory_limit="30MB", spill_directory=str(small_disk / "spill"))
    with pytest.raises(SeqrecError) as caught, data_engine(engine) as connection:
        connection.raw_sql(
            "CREATE TABLE sorted AS SELECT hash(range) AS a FROM range(20000000) ORDER BY a"
        )
    line = str(caught.value)
    assert "\n" not in line
    assert "no space left on the disk" in line
    assert list((small_disk / "spill").iterdir()) == []
