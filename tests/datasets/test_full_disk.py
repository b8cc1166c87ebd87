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
from seqrec.datasets.model_folders import ModelFoldersDataset
from seqrec.datasets.parquet_table import ParquetTableDataset
from seqrec.datasets.tables_and_figures import AtomicCSVDataset, AtomicPlotlyDataset
from seqrec.datasets.text_files import AtomicJSONDataset, AtomicTextDataset
from seqrec.errors import SeqrecError
from seqrec.training.checkpoint import _write as write_checkpoint
from tests.counted import split_off
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
    subprocess.run(["umount", str(folder)], check=True)


def models(path: Path) -> None:
    items = 20_000
    trained = trained_on(split_off([1, 2, 3], [2, 3, 1], num_items=items), "popularity").trained
    ModelFoldersDataset(filepath=str(path)).save({"42": trained})


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
    "state.safetensors": lambda path: write_checkpoint(path, {"w": torch.rand(50_000)}, {"a": "b"}),
}


@pytest.mark.parametrize("name", SAVED)
def test_a_full_disk_is_one_line_and_nothing_half_written_is_left(
    name: str, small_disk: Path
) -> None:
    with pytest.raises((SeqrecError, DatasetError)) as caught:
        SAVED[name](small_disk / name)
    line = explanation(caught.value)
    assert line is not None
    assert "\n" not in line
    assert "space" in line
    assert name in line
    assert list(small_disk.iterdir()) == []
