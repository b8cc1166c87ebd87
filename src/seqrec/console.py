"""What a run tells its user at the end: the metrics, and where everything lies."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table


def metrics_table(metrics: Mapping[str, Any], split: str = "test") -> Table:
    """Return the metrics of one split as a table: a row a metric, a column a cutoff.

    Args:
        metrics: the content of metrics.json.
        split: ``test`` or ``valid``.
    """
    measured = metrics["splits"][split]
    header, *rows = metric_rows(measured)
    table = Table(title=title_of(metrics, split), caption=caption_of(measured), box=SIMPLE_HEAD)
    for column in header:
        table.add_column(column)
    for row in rows:
        table.add_row(*row)
    return table


def metric_rows(measured: Mapping[str, Any]) -> list[list[str]]:
    """Return the header and a row a metric, a column a cutoff, as texts.

    Args:
        measured: one split of metrics.json.
    """
    values = measured["metrics"]
    cutoffs = sorted({int(name.partition("@")[2]) for name in values if "@" in name})
    rows = [["metric", *(f"@{cutoff}" for cutoff in cutoffs)]]
    for metric in dict.fromkeys(name.partition("@")[0] for name in values):
        cells = [_cell(values.get(f"{metric}@{cutoff}")) for cutoff in cutoffs]
        if any(cells):
            rows.append([metric, *cells])
    covered = [_share(measured.get(f"coverage@{cutoff}")) for cutoff in cutoffs]
    if any(covered):  # none of a cutoff beyond the catalog
        rows.append(["coverage", *covered])
    return rows


def output_lines(paths: Mapping[str, Path], root: Path) -> list[str]:
    """Return one line a folder: the folder, then the names of the tables in it.

    Args:
        paths: where each output lies.
        root: folders are shown relative to it.
    """
    folders: dict[Path, list[str]] = {}
    for path in sorted(paths.values()):
        folders.setdefault(path.parent, []).append(path.name)
    shown = {_relative(folder, root): names for folder, names in folders.items()}
    width = max(map(len, shown), default=0)
    return [f"{folder:<{width}}  {', '.join(names)}" for folder, names in shown.items()]


def title_of(metrics: Mapping[str, Any], split: str) -> str:
    """Say which model reached the metrics of a split, and on what."""
    seeds = metrics.get("seeds", [])  # unknown of a checkpoint
    of_seeds = f", seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}" if seeds else ""
    return (
        f"{metrics['model']} on {metrics['dataset']}, {split} split"
        f" (protocol {metrics['protocol']}{of_seeds})"
    )


def caption_of(split: Mapping[str, Any]) -> str:
    """Say what the metrics are a mean of, and which targets no model could find, or few can."""
    remarks = {
        "cold_targets": "never seen in training",
        "repeat_targets": "already in their user's history",
        "targets_without_history": "more left out for lack of a history",
    }
    counted = [f"{split[key]:,} {text}" for key, text in remarks.items() if split.get(key)]
    return "; ".join([f"mean ± standard error over {split['targets']:,} targets", *counted])


def _cell(measured: Mapping[str, float | None] | None) -> str:
    if measured is None:
        return ""
    error = measured["standard_error"]
    return f"{measured['value']:.4f}" + ("" if error is None else f" ±{error:.4f}")


def _share(measured: float | None) -> str:
    return "" if measured is None else f"{measured:.4f}"


def _relative(folder: Path, root: Path) -> str:
    return str(folder.relative_to(root) if folder.is_relative_to(root) else folder)
