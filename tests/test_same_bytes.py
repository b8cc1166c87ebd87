"""The saved tables have the same bytes at every run, whatever the number of threads."""

import hashlib
from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seqrec.parameters.sections import FilteringOptions, SplittingOptions, TransitionOptions
from seqrec.preparation.filtering import filter_interactions
from seqrec.preparation.sequences import build_sequences
from seqrec.preparation.transitions import count_transitions

ROWS = 300_000
"""More than two row groups of a Parquet file, so that two threads do share the work."""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "user_id": [f"u{n}" for n in (20_000 * rng.random(ROWS) ** 2).astype(int)],
            "item_id": [f"i{n}" for n in (5_000 * rng.random(ROWS) ** 2).astype(int)],
            "timestamp": rng.integers(0, 300, ROWS),
            "source_row": np.arange(1, ROWS + 1),
            "rating": pa.nulls(ROWS, pa.float64()),
        }
    )
    path = tmp_path_factory.mktemp("log") / "interactions.parquet"
    pq.write_table(table, path)
    return path


def digests(log: Path, folder: Path, threads: int) -> dict[str, str]:
    """Write every table of the data pipelines and return the digests of the files."""
    engine = ibis.duckdb.connect(threads=threads)
    core, _ = filter_interactions(engine.read_parquet(log), FilteringOptions(), "s")
    built = build_sequences(core, SplittingOptions())
    graph = count_transitions(built.sequences, TransitionOptions(time_span=2))
    sums = {}
    for name, table in {"core": core, **built._asdict(), "graph": graph}.items():
        engine.to_parquet(table, folder / name)
        sums[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    return sums


def test_same_bytes_with_one_and_two_threads(log: Path, tmp_path: Path) -> None:
    first = digests(log, tmp_path, threads=2)
    assert digests(log, tmp_path, threads=2) == first
    assert digests(log, tmp_path, threads=1) == first
