"""The tables of docs/performance.md: ``python -m benchmarks.gpu.page FOLDER`` prints Markdown."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.asking import status_of
from benchmarks.gpu.summary import Report, reports

MODEL_COLUMNS = {
    "step, ms": "step_ms",
    "examples a second": "examples_per_second",
    "validation, s": "validation_s",
    "epoch, s": "epoch_s",
    "estimated": "epoch_estimated_s",
    "training, MiB": "training_mib",
    "evaluation, MiB": "evaluation_mib",
    "first step, s": "first_step_s",
}
"""Head → figure."""
ITEM_COLUMNS = {
    "step, ms": "step_wall_ms",
    "loss, ms": "loss_wall_ms",
    "Adam, ms": "optimizer_wall_ms",
    "peak, MiB": "peak_mib",
}
KERNELS = 8


def page(folder: Path) -> str:
    """Return the tables of a run."""
    by_section = {report["section"]: report for report in reports(folder)}
    parts = [heading(next(iter(by_section.values())))] if by_section else []
    if "models" in by_section:
        parts += models_tables(by_section["models"])
    if "items" in by_section:
        parts.append(items_table(by_section["items"]))
    if "profiles" in by_section:
        parts += [profile_table(name, figures) for name, figures in passed(by_section["profiles"])]
    return "\n\n".join(parts)


def heading(report: Report) -> str:
    """Say on what was measured."""
    facts = report["machine"]
    device = facts.get("gpu") or f"no GPU, a rehearsal on {facts['cpu']}"
    return f"{device}, torch {facts['torch']}, commit {facts['commit'] or 'unknown'}, " + (
        f"{facts['date']}; sequences made up in the shape of Beauty, protocol `authors`."
    )


def passed(report: Report) -> list[tuple[str, dict[str, Any]]]:
    """Return names and figures of what was measured."""
    return [
        (result["name"], result["figures"])
        for result in report["results"]
        if result["status"] == "passed"
    ]


def models_tables(report: Report) -> list[str]:
    """Return a table for each way of computing, a row a model."""
    tables: dict[str, list[list[str]]] = {}
    for _, figures in passed(report):
        compiled = "compiled" if figures["compiled"] else "eager"
        if figures["compile"] == "on" and not figures["compiled"]:
            compiled = "eager, where compiling was asked for"
        rows = tables.setdefault(f"{figures['precision']}, {compiled}", [])
        rows.append([figures["model"], *(number(figures[key]) for key in MODEL_COLUMNS.values())])
    return [f"{way}:\n\n{table(['', *MODEL_COLUMNS], rows)}" for way, rows in tables.items()]


def items_table(report: Report) -> str:
    """Return a row a loss and number of items."""
    rows = [
        [f"{figures['items']:,}", figures["loss"], *(number(figures[key]) for key in columns)]
        for columns in [list(ITEM_COLUMNS.values())]
        for _, figures in passed(report)
    ]
    return f"Softmax, BSARec:\n\n{table(['items', 'loss', *ITEM_COLUMNS], rows)}"


def profile_table(name: str, figures: dict[str, Any]) -> str:
    """Return the longest kernels of a step."""
    rows = [
        [
            f"`{kernel['name'][:60].replace('|', ' ')}`",
            number(kernel["count"]),
            number(kernel["ms"]),
        ]
        for kernel in figures["kernels"][:KERNELS]
    ]
    heads = ["kernel", "launches a step", "ms a step"]
    return f"{name}, bound by {figures['bound']}:\n\n{table(heads, rows)}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return Markdown."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def number(value: float | None) -> str:
    """Return three digits; a dash for what was not measured."""
    if value is None:
        return "–"
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


if __name__ == "__main__":
    sys.exit(status_of(lambda: print(page(Path(sys.argv[1])))))
