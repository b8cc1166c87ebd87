"""Parquet files as Ibis tables."""

from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from kedro.io import DatasetError

from seqrec.datasets.parquet_table import ParquetTableDataset

TABLE = pa.table({"item": [3, 1, 2], "name": ["c", "a", None]})


@pytest.fixture
def dataset(tmp_path: Path) -> ParquetTableDataset:
    return ParquetTableDataset(
        filepath=str(tmp_path / "folder" / "table.parquet"),
        made_by="filtering",
        connection={"backend": "duckdb", "memory_limit": "256MB", "threads": None},
    )


def rows(dataset: ParquetTableDataset) -> list[dict[str, object]]:
    found: list[dict[str, object]] = dataset.load().to_pyarrow().to_pylist()
    return found


def test_an_ibis_table_an_arrow_table_and_a_file_are_saved_alike(
    dataset: ParquetTableDataset, tmp_path: Path
) -> None:
    dataset.save(ibis.memtable(TABLE).order_by("item"))
    assert rows(dataset) == sorted(TABLE.to_pylist(), key=lambda row: row["item"])
    dataset.save(TABLE)
    assert rows(dataset) == TABLE.to_pylist()
    finished = tmp_path / "finished.parquet"
    pq.write_table(TABLE.slice(1), finished)
    dataset.save(finished)
    assert rows(dataset) == TABLE.slice(1).to_pylist()
    assert not finished.exists()
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["table.parquet"]


def test_the_same_table_has_the_same_bytes(dataset: ParquetTableDataset, tmp_path: Path) -> None:
    numbers = ibis.range(300_000).unnest().name("n").as_table()
    saved = []
    for _ in range(2):
        dataset.save(numbers.mutate(rest=numbers.n % 7).order_by(["rest", "n"]))
        saved.append((tmp_path / "folder" / "table.parquet").read_bytes())
    assert saved[0] == saved[1]


def test_a_missing_file_names_the_pipeline_that_makes_it(dataset: ParquetTableDataset) -> None:
    with pytest.raises(DatasetError, match="does not exist; run `kedro run --pipeline filtering`"):
        dataset.load()


@pytest.mark.parametrize(
    "content", [b"", b"PAR1 and no more", b"PAR1" + b"\xff" * 99 + b"\x20\0\0\0PAR1"]
)
def test_a_damaged_file_names_the_pipeline_that_makes_it(
    dataset: ParquetTableDataset, tmp_path: Path, content: bytes
) -> None:
    dataset.save(TABLE)
    (tmp_path / "folder" / "table.parquet").write_bytes(content)
    line = "table.parquet is damaged or no Parquet file; run `kedro run --pipeline filtering` with"
    with pytest.raises(DatasetError, match=line):
        dataset.load()


def test_a_finished_file_that_cannot_be_moved_is_not_left_behind(
    dataset: ParquetTableDataset, tmp_path: Path
) -> None:
    finished = tmp_path / "finished.parquet"
    pq.write_table(TABLE, finished)
    (tmp_path / "folder").touch()
    with pytest.raises(DatasetError):
        dataset.save(finished)
    assert not finished.exists()


def test_the_old_file_stays_when_saving_fails(dataset: ParquetTableDataset, tmp_path: Path) -> None:
    dataset.save(TABLE)
    broken = ibis.memtable({"text": ["not a number"]}).select(ibis._.text.cast("int64"))
    with pytest.raises(DatasetError):
        dataset.save(broken)
    assert rows(dataset) == TABLE.to_pylist()
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["table.parquet"]


def test_the_preview_shows_the_first_rows(dataset: ParquetTableDataset) -> None:
    assert dataset.preview() == {}
    dataset.save(TABLE)
    assert dataset.preview(nrows=2) == {
        "index": [0, 1],
        "columns": ["item", "name"],
        "data": [[3, "c"], [1, "a"]],
    }
    dataset.save(TABLE.slice(0, 0))
    assert dataset.preview() == {"index": [], "columns": ["item", "name"], "data": []}


def test_a_folder_of_parts_is_a_table_in_their_order(
    dataset: ParquetTableDataset, tmp_path: Path
) -> None:
    """As Spark writes it; a file takes its place, but no other folder's."""
    folder = Path(dataset._filepath)
    folder.mkdir(parents=True)
    for part in range(12):
        values = pa.table({"n": [2 * part, 2 * part + 1]})
        pq.write_table(values, folder / f"part-{part:05d}-x.parquet")
    (folder / "_SUCCESS").touch()
    assert dataset.load().to_pyarrow()["n"].to_pylist() == list(range(24))
    assert len(dataset.preview(3)["data"]) == 3

    dataset.save(pa.table({"n": [7]}))
    assert folder.is_file()
    assert rows(dataset) == [{"n": 7}]

    folder.unlink()
    folder.mkdir()
    (folder / "letters.txt").touch()
    with pytest.raises(DatasetError, match="Is a directory, and no table; move it away"):
        dataset.save(pa.table({"n": [7]}))
    assert (folder / "letters.txt").is_file()


def test_the_spill_directory_is_made(tmp_path: Path) -> None:
    spill = tmp_path / "deep" / "spill"
    dataset = ParquetTableDataset(
        filepath=str(tmp_path / "table.parquet"),
        connection={"backend": "duckdb", "temp_directory": str(spill)},
    )
    dataset.save(TABLE)
    dataset.load()
    assert spill.is_dir()
