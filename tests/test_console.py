"""What a run tells its user at the end."""

from pathlib import Path

from rich.console import Console

from seqrec.console import metric_rows, metrics_table, output_lines

METRICS = {
    "dataset": "demo",
    "model": "bsarec",
    "protocol": "standard",
    "seeds": [7],
    "splits": {
        "test": {
            "metrics": {
                f"{metric}@{cutoff}": {"value": 0.25, "standard_error": 0.01}
                for metric in ("HR", "NDCG")
                for cutoff in (10, 5)
            },
            "targets": 1234,
            "cold_targets": 5,
            "repeat_targets": 7,
            "targets_without_history": 0,
            "coverage@5": 0.5,
            "coverage@10": 0.75,
        }
    },
}


def shown(width: int = 80) -> str:
    console = Console(width=width, record=True, quiet=False)
    with console.capture() as captured:
        console.print(metrics_table(METRICS))
    return captured.get()


def test_the_table_has_a_row_a_metric_and_a_column_a_cutoff() -> None:
    lines = [line.split() for line in shown().splitlines()]
    assert ["metric", "@5", "@10"] in lines
    assert ["HR", "0.2500", "±0.0100", "0.2500", "±0.0100"] in lines
    assert ["NDCG", "0.2500", "±0.0100", "0.2500", "±0.0100"] in lines
    assert ["coverage", "0.5000", "0.7500"] in lines
    assert not any(line[:1] == ["MRR"] for line in lines)


def test_any_metric_has_a_row() -> None:
    measured = {"NEW@5": {"value": 0.5, "standard_error": None}}
    metrics = {**METRICS, "splits": {"test": {"metrics": measured, "targets": 1}}}
    table = metrics_table(metrics)
    assert [list(column.cells) for column in table.columns] == [["NEW"], ["0.5000"]]


def test_cutoffs_beyond_the_catalog_have_no_coverage() -> None:
    split = dict(METRICS["splits"]["test"])  # type: ignore[index]
    assert metric_rows({**split, "coverage@5": 0.5, "coverage@10": None})[-1] == [
        *("coverage", "0.5000", "")
    ]
    del split["coverage@10"]
    assert metric_rows(split)[-1] == ["coverage", "0.5000", ""]
    del split["coverage@5"]
    assert [row[0] for row in metric_rows(split)] == ["metric", "HR", "NDCG"]


def test_the_table_says_what_was_measured() -> None:
    text = " ".join(shown(120).split())
    assert "bsarec on demo, test split (protocol standard, seed 7)" in text
    assert "1,234 targets; 5 never seen in training; 7 already in their user's history" in text
    assert "left out" not in text


def test_outputs_are_listed_by_folder() -> None:
    root = Path("/project")
    paths = {
        "users": root / "data/b/users.parquet",
        "items": root / "data/b/items.parquet",
        "model": root / "data/a_longer/model",
        "elsewhere": Path("/other/file"),
    }
    assert output_lines(paths, root) == [
        "/other         file",
        "data/a_longer  model",
        "data/b         items.parquet, users.parquet",
    ]
