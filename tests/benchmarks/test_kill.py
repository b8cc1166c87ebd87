"""What the script that kills runs compares."""

from pathlib import Path

from benchmarks.kill import differing, digests


def test_every_file_counts_but_those_with_times(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name in ("ranks.parquet", ".ranks.parquet.saving", "progress.csv"):
        (tmp_path / "data" / name).touch()
    assert sorted(digests(tmp_path, ())) == ["data/.ranks.parquet.saving", "data/ranks.parquet"]
    assert differing({"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}) == ["b", "c"]
