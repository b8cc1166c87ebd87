"""Time, memory and spilling of the data pipelines on a synthetic log, beside plain pandas.

    python -m benchmarks.data --rows 20000000 --vs --repeat 2 --memory-limit 4GB --json FILE

Ours is the command a user types, start-up included:
``kedro run --pipelines ingestion,filtering,sequences,transitions``, in an empty copy of the
project. Each form is a process of its own; it names its stages on stderr, and what it takes is
read from outside. With ``--vs`` the forms run in turn (A B A B), and the ratio is that of the
medians of their times: at most 0.6 is the goal for 20 million rows. ``--ids-first`` adds the
form of pandas that numbers the ids first. The log stays where ``--folder`` says; all else goes.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import ValidationError

from benchmarks.asking import MOST_THREADS, check_target, reason, status_of, whole
from benchmarks.observed import Observation, observe
from seqrec.errors import SeqrecError
from seqrec.parameters.sections import EngineOptions

ROOT = Path(__file__).parents[1]
OURS, PLAIN, IDS_FIRST = "seqrec", "pandas", "pandas, ids first"
PIPELINES = ("ingestion", "filtering", "sequences", "transitions")
FEWEST, MOST = 1_000, 1_000_000_000
"""Rows: of fewer, no user has enough interactions to be kept."""
NODES = ("read_raw_log", "keep_core_interactions", "order_and_split", "build_transition_graph")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark as the command line says; return the exit status."""
    options = parse(arguments)
    return status_of(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Run the forms, print what they take and write the figures where they are wanted."""
    check_target(options.json)
    with kept_or_temporary(options.folder) as folder:
        runs = measure(find_log(folder, options.rows), folder, options)
    ratios = compare(runs)
    for name, (seconds, cpu_seconds) in ratios.items():
        print(f"\n{OURS} takes {seconds:.2f} of the time of {name} (CPU time: {cpu_seconds:.2f})")
    if options.json:
        setting = {"rows": options.rows, "memory_limit": options.memory_limit}
        options.json.write_text(json.dumps({**setting, "ratios": ratios, "runs": runs}, indent=1))


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=whole(FEWEST, MOST), default=2_000_000)
    parser.add_argument("--vs", action="store_true", help="run plain pandas in turn")
    parser.add_argument(
        "--ids-first", action="store_true", help="also run pandas with ids numbered first"
    )
    parser.add_argument("--repeat", type=whole(), default=1)
    parser.add_argument(
        "--memory-limit", type=memory_limit, default="4GB", help="engine.memory_limit"
    )
    parser.add_argument(
        "--threads", type=whole(most=MOST_THREADS), help="engine.threads; default: all cores"
    )
    parser.add_argument("--folder", type=Path, help="where the log stays, and the runs happen")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args(arguments)


def memory_limit(text: str) -> str:
    """Return a limit that the parameter ``engine.memory_limit`` would take, for argparse."""
    try:
        return EngineOptions(memory_limit=text).memory_limit
    except ValidationError:
        raise argparse.ArgumentTypeError(
            f"should be a size such as 4GB or 512MB (got {text!r})"
        ) from None


@contextmanager
def kept_or_temporary(folder: Path | None) -> Iterator[Path]:
    """Give the folder, made if need be, or one that goes afterwards.

    Raises:
        SeqrecError: the folder cannot be made.
    """
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SeqrecError(f"--folder {folder}: {error.strerror}; name another") from None
        yield folder.resolve()
        return
    with TemporaryDirectory(prefix="benchmark-") as temporary:
        yield Path(temporary)


def find_log(folder: Path, rows: int) -> Path:
    """Return the log in the folder; it is written if it is not there."""
    log = folder / f"log_{rows}.csv"
    if not log.exists():
        print(f"writing {log} …", flush=True)
        # in a process of its own, so that this one stays small: a child's peak starts there
        writer = [sys.executable, "-m", "benchmarks.synthetic_log", str(log), str(rows)]
        written = subprocess.run(
            writer, env=source_path(ROOT), stderr=subprocess.PIPE, text=True, check=False
        )
        if written.returncode:
            raise SeqrecError(f"writing {log}: {reason(written.returncode, written.stderr)}")
    return log


def measure(log: Path, folder: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Run the forms in turn and return what each run took."""
    forms: dict[str, Callable[[Path], Observation]] = {
        OURS: lambda work: run_ours(log, work, options.memory_limit, options.threads)
    }
    if options.vs:
        forms[PLAIN] = lambda work: run_plain(log, work)
    if options.ids_first:
        forms[IDS_FIRST] = lambda work: run_plain(log, work, "--ids-first")
    runs = []
    for _ in range(options.repeat):
        for name, form in forms.items():
            with TemporaryDirectory(prefix="run-", dir=folder) as work:
                observation = form(Path(work))
            print(table(name, options.rows, observation), flush=True)
            runs.append({"form": name, **observation.as_values()})
    return runs


def copy_project(work: Path) -> None:
    """Copy the project without data, code and private configuration into an empty folder."""
    shutil.copytree(ROOT / "conf", work / "conf", ignore=shutil.ignore_patterns("local"))
    for empty in ("conf/local", "src", "data"):
        (work / empty).mkdir()
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(ROOT / name, work)


def run_ours(log: Path, work: Path, memory_limit: str, threads: int | None = None) -> Observation:
    """Run the data pipelines by their command, in an empty copy of the project."""
    copy_project(work)
    parameters = {"dataset": "synthetic", "raw.file": log, "engine.memory_limit": memory_limit}
    if threads:
        parameters["engine.threads"] = threads
    joined = ",".join(f"{name}={value}" for name, value in parameters.items())
    command = ["-m", "kedro", "run", "--pipelines", ",".join(PIPELINES), "--params", joined]
    stages = dict(zip(NODES, PIPELINES, strict=True))

    def stage_of(line: str) -> str | None:
        return stages.get(line.split()[-1]) if line.strip() else None

    environment = source_path(ROOT / "src")
    return observe([sys.executable, *command], work, stage_of, environment, work / "data/tmp/spill")


def run_plain(log: Path, work: Path, *flags: str) -> Observation:
    """Run a pandas form."""
    command = [sys.executable, "-m", "benchmarks.plain.data_pipeline", str(log), str(work), *flags]

    def stage_of(line: str) -> str | None:
        return line.removeprefix("stage ").strip() if line.startswith("stage ") else None

    return observe(command, work, stage_of, source_path(ROOT))


def source_path(folder: Path) -> dict[str, str]:
    """Return the environment with a folder first among those Python imports from."""
    others = os.environ.get("PYTHONPATH")
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder), *([others] if others else [])]),
    }


def compare(runs: list[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """Return for each other form the ratio of our median seconds to its, wall and CPU."""

    def middle(form: str, key: str) -> float:
        return float(median(run[key] for run in runs if run["form"] == form))

    keys = ("seconds", "cpu_seconds")
    others = sorted({run["form"] for run in runs} - {OURS})
    return {
        other: (
            middle(OURS, keys[0]) / middle(other, keys[0]),
            middle(OURS, keys[1]) / middle(other, keys[1]),
        )
        for other in others
    }


def table(form: str, rows: int, observation: Observation) -> str:
    """Return what a run took as text, a line a stage."""
    lines = [
        f"\n{form}, {rows:,} rows; other processes kept {observation.cores_of_others:.1f} "
        f"of {os.cpu_count()} cores busy",
        f"{'stage':<12}{'seconds':>9}{'CPU s':>9}{'peak MB':>9}{'spilled MB':>12}",
    ]
    for name, stage in {**observation.stages, "all": observation.whole}.items():
        lines.append(
            f"{name:<12}{stage.seconds:>9.1f}{stage.cpu_seconds:>9.1f}"
            f"{stage.peak_mb:>9.0f}{stage.spilled_mb:>12.0f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
