"""JSON, CSV and text files and figures."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pyarrow as pa
import pytest
from kedro.io import DatasetError

from seqrec.cli import explanation
from seqrec.datasets.csv_table import AtomicCSVDataset
from seqrec.datasets.figure import AtomicPlotlyDataset
from seqrec.datasets.text_files import AtomicJSONDataset, AtomicTextDataset
from seqrec.errors import SeqrecError

TABLE = pd.DataFrame({"model": ["bsarec", "é, b"], "value": [1 / 3, None], "seeds": [2, 1]})


def figure(y: tuple[float, ...] = (1.0, 0.5)) -> go.Figure:
    return go.Figure(go.Scatter(x=[1, 2], y=list(y), name="bsarec"))


def test_json_keeps_the_order_of_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "report.json"
    dataset = AtomicJSONDataset(filepath=str(path))
    assert dataset.preview() == "{}"
    dataset.save({"b": 1, "a": [1.5, None]})
    assert dataset.load() == {"b": 1, "a": [1.5, None]}
    assert path.read_text().startswith('{\n  "b": 1')
    assert dataset.preview() == path.read_text()


def test_json_that_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    dataset = AtomicJSONDataset(filepath=str(tmp_path / "report.json"))
    dataset.save({"a": 1})
    with pytest.raises(DatasetError):
        dataset.save({"a": object()})
    assert dataset.load() == {"a": 1}
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("content", "message"), [(None, "does not exist"), (b'{"a', "damaged"), (b"\xff", "damaged")]
)
def test_json_missing_or_damaged_is_one_line(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "report.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises((SeqrecError, DatasetError), match=message) as caught:
        AtomicJSONDataset(filepath=str(path), made_by="filtering").load()
    assert "kedro run --pipeline filtering" in (explanation(caught.value) or "")


def test_text_is_saved_byte_by_byte(tmp_path: Path) -> None:
    dataset = AtomicTextDataset(filepath=str(tmp_path / "lines.txt"))
    dataset.save("1 2 3\n2 é\n")
    assert (tmp_path / "lines.txt").read_bytes() == "1 2 3\n2 é\n".encode()
    assert dataset.load() == "1 2 3\n2 é\n"


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (AtomicJSONDataset, lambda: {"b": 1, "a": [0.1]}),
        (AtomicCSVDataset, lambda: TABLE.copy()),
        (AtomicPlotlyDataset, figure),
        (AtomicTextDataset, lambda: "1 2\n"),
    ],
)
def test_the_same_content_has_the_same_bytes(
    tmp_path: Path, kind: Any, content: Callable[[], Any]
) -> None:
    paths = [tmp_path / "one" / "file", tmp_path / "two" / "file"]
    for path in paths:
        dataset = kind(filepath=str(path))
        dataset.save(content())
        dataset.save(content())  # over the first, too
        assert [other.name for other in path.parent.iterdir()] == ["file"]
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    assert first


def test_csv_keeps_numbers_and_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    dataset = AtomicCSVDataset(filepath=str(path))
    dataset.save(TABLE)
    assert path.read_text() == ('model,value,seeds\nbsarec,0.3333333333333333,2\n"é, b",,1\n')
    pd.testing.assert_frame_equal(dataset.load(), TABLE)


def test_an_arrow_table_is_saved_as_a_data_frame_is(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    dataset = AtomicCSVDataset(filepath=str(path))
    dataset.save(TABLE)
    before = path.read_bytes()
    dataset.save(pa.Table.from_pandas(TABLE))
    assert path.read_bytes() == before


def test_a_table_without_rows_keeps_its_columns(tmp_path: Path) -> None:
    dataset = AtomicCSVDataset(filepath=str(tmp_path / "table.csv"))
    dataset.save(TABLE[:0])
    assert dataset.load().columns.tolist() == ["model", "value", "seeds"]


class Cut(pd.DataFrame):
    """A table whose saving ends in the middle."""

    def to_csv(self, path: Path, **options: Any) -> None:  # type: ignore[override]
        path.write_text("model,val")
        raise RuntimeError("cut off")


class CutFigure:
    def to_json(self) -> str:
        raise RuntimeError("cut off")


@pytest.mark.parametrize(
    ("kind", "whole", "broken"),
    [
        (AtomicCSVDataset, TABLE, Cut(TABLE)),
        (AtomicPlotlyDataset, figure(), CutFigure()),
    ],
)
def test_what_cannot_be_saved_leaves_the_old_file(
    tmp_path: Path, kind: Any, whole: Any, broken: Any
) -> None:
    path = tmp_path / "file"
    dataset = kind(filepath=str(path))
    dataset.save(whole)
    before = path.read_bytes()
    with pytest.raises(DatasetError, match="cut off"):
        dataset.save(broken)
    assert path.read_bytes() == before
    assert [other.name for other in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"", "damaged or no CSV"),
        (b"a,b\n1,2,3\n1\n1,2,3,4\n", "damaged or no CSV"),
        (b"\xff\xfe\x00", "damaged or no CSV"),
    ],
)
def test_csv_missing_or_damaged_is_one_line(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "progress.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DatasetError, match=message) as caught:
        AtomicCSVDataset(filepath=str(path), made_by="training").load()
    line = explanation(caught.value) or ""
    assert "kedro run --pipeline training" in line
    assert "\n" not in line


def test_csv_previews_its_first_rows(tmp_path: Path) -> None:
    dataset = AtomicCSVDataset(filepath=str(tmp_path / "table.csv"))
    assert dataset.preview() == {}
    dataset.save(TABLE)
    assert dataset.preview(nrows=1) == {
        "index": [0],
        "columns": ["model", "value", "seeds"],
        "data": [["bsarec", 1 / 3, 2]],
    }


def test_a_figure_is_loaded_and_previewed_as_it_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "plot.json"
    dataset = AtomicPlotlyDataset(filepath=str(path))
    assert dataset.preview() == {}
    dataset.save(figure())
    assert dataset.load() == figure()
    assert dataset.preview() == json.loads(path.read_text())
