"""What came of a run: ``python -m benchmarks.gpu.summary FOLDER SECTION …``.

The exit status is 1 if anything failed, a check was not reached, or a section left nothing or was
cut off; measurements that were not reached are named.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seqrec.errors import SeqrecError

Report = dict[str, Any]
CHECKS = ("checks", "compiled")
"""Sections whose tasks must all be done."""


def reports(folder: Path) -> list[Report]:
    """Return what the sections of a run left, the parts of a section as one.

    Raises:
        SeqrecError: there is nothing.
    """
    joined: dict[str, Report] = {}
    for file in sorted(folder.glob("*.json")):
        report = json.loads(file.read_text(encoding="utf-8"))
        whole = joined.setdefault(report["section"], {**report, "results": [], "finished": True})
        whole["results"] += report["results"]
        whole["finished"] = whole["finished"] and report["finished"]
    if not joined:
        raise SeqrecError(f"no results in {folder}; name the folder that on_gpu.sh wrote to")
    return list(joined.values())


def lines_of(report: Report) -> tuple[list[str], bool]:
    """Return a line a section and a line a task that has not passed; and whether all is well."""
    name, results = report["section"], report["results"]
    counts = Counter(result["status"] for result in results)
    totals = ", ".join(f"{count} {status}" for status, count in counts.items()) or "nothing done"
    lines = [f"{name}: {totals}"]
    for result in results:
        if result["status"] != "passed":
            lines.append(f"  {result['status']}: {result['name']}: {result['why']}")
    if not report["finished"]:
        lines.append("  cut off before its end")
    late = counts["not reached"] if name in CHECKS else 0
    return lines, bool(report["finished"] and not counts["failed"] and not late)


def summary(folder: Path, sections: Sequence[str]) -> tuple[str, bool]:
    """Return the summary of a run, and whether all is well."""
    by_section = {report["section"]: report for report in reports(folder)}
    lines, well = [], True
    for section in sections:
        if section in by_section:
            parts, fine = lines_of(by_section[section])
        else:
            parts, fine = [f"{section}: left no results, see {section}*.log"], False
        lines += parts
        well = well and fine
    lines.append("all is well" if well else "not all is well")
    return "\n".join(lines), well


def main(folder: str, *sections: str) -> int:
    """Print the summary; return the exit status."""
    try:
        text, well = summary(Path(folder), sections)
    except SeqrecError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(text)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
