"""What a run says."""

from pathlib import Path

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node
from kedro_datasets.json import JSONDataset

from seqrec.hooks.run_report import ReportHooks


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (None, []),
        ("{", []),
        ('{"file": "new.csv"}', []),
        ('{"file": "old.csv"}', ["old.csv before and is made from new.csv now"]),
    ],
    ids=["nothing", "a broken report", "the same log", "another log"],
)
def test_another_log_under_the_same_name_is_said(
    before: str | None, said: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    report = JSONDataset(filepath=(tmp_path / "report.json").as_posix())
    if before is not None:
        (tmp_path / "report.json").write_text(before)
    catalog = DataCatalog({"params:dataset": MemoryDataset("shop"), "ingestion_report": report})
    reading = node(
        lambda dataset: {"file": "new.csv"}, "params:dataset", "ingestion_report", name="read"
    )
    hooks = ReportHooks()
    hooks.before_pipeline_run(Pipeline([reading]))
    hooks.before_node_run(reading, catalog)
    inputs = {"params:dataset": "shop"}
    hooks.after_node_run(reading, inputs, reading.run(inputs))
    lines = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(lines) == len(said)
    assert all(part in line and "'shop'" in line for part, line in zip(said, lines, strict=True))
