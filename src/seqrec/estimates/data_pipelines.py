"""What the data pipelines take for a raw log of a given size, told by two small ones."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pyarrow.csv

from seqrec.errors import SeqrecError
from seqrec.estimates.made_log import SHORTEST, made_rows
from seqrec.machine.memory import forget_highest, highest_resident
from seqrec.notebook.engine import data_engine
from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.parameters.sections import (
    EngineOptions,
    FilteringOptions,
    IngestionOptions,
    SplittingOptions,
    TransitionOptions,
)
from seqrec.preparation.filtering import filter_interactions
from seqrec.preparation.ingestion import read_log
from seqrec.preparation.raw_files import RawFile
from seqrec.preparation.sequences import build_sequences
from seqrec.preparation.transitions import count_transitions

FEW, MORE = 100_000, 500_000
"""Rows of the two logs."""
UNITS = {"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}


class DataCost(NamedTuple):
    """Seconds, and bytes of main memory at the peak."""

    seconds: float
    memory: float


def expect_data(
    users: int, items: int, interactions: int, sections: dict[str, Any]
) -> DataCost | None:
    """Prepare two small logs, and return what one of the given size takes.

    What the packages of a run take is counted; torch is none of them.

    Args:
        users: of the raw log.
        items: likewise.
        interactions: its rows.
        sections: the parameters of the data pipelines: filtering, splitting, transitions, engine.

    Returns:
        None where the filters would leave nothing of a made-up log.
    """
    import seqrec.settings  # noqa: F401 Kedro comes with it, as with a run

    few, more = (min(interactions, rows) for rows in (FEW, MORE))
    costs = []
    for rows in (few, more):
        people, things = (max(2, count * rows // interactions) for count in (users, items))
        try:
            costs.append(_prepared(min(people, rows // SHORTEST), things, rows, sections))
        except SeqrecError:
            return None
    if interactions <= more:
        return costs[1]
    slopes = [(b - a) / (more - few) for a, b in zip(*costs, strict=True)]
    beyond = interactions - more
    engine: EngineOptions = sections["engine"]
    base, limit = costs[0].memory, _bytes(engine.memory_limit)
    return DataCost(
        costs[1].seconds + max(0.0, slopes[0]) * beyond,
        min(costs[1].memory + max(0.0, slopes[1]) * beyond, base + limit),
    )


def _bytes(text: str) -> float:
    number = text.rstrip("KMGTiB ")
    return float(number) * UNITS[text[len(number) :].strip().replace("i", "")]


def _prepared(users: int, items: int, rows: int, sections: dict[str, Any]) -> DataCost:
    """Prepare a log of so many rows, and return what it took."""
    engine: EngineOptions = sections["engine"]
    with TemporaryDirectory(prefix="seqrec-") as folder:
        place = Path(folder)
        pyarrow.csv.write_csv(made_rows(users, items, rows), place / "log.csv")
        options = RawFileOptions.model_validate(
            {
                "name": "log.csv",
                "reader": "table",
                "columns": {"user": "user_id", "item": "item_id", "timestamp": "timestamp"},
            }
        )
        forget_highest()  # of making the log
        started = time.perf_counter()
        log = read_log(RawFile(place / "log.csv", options), IngestionOptions(), place / "read")
        with data_engine(engine) as con:
            _prepare(con, log.interactions, place, sections)
        seconds = time.perf_counter() - started
    return DataCost(seconds, float(highest_resident()))


def _prepare(con: Any, interactions: Path, place: Path, sections: dict[str, Any]) -> None:
    """Filter, order and split, and count transitions, every table by way of its file."""
    filtering: FilteringOptions = sections["filtering"]
    splitting: SplittingOptions = sections["splitting"]
    transitions: TransitionOptions = sections["transitions"]
    core, _ = filter_interactions(con.read_parquet(interactions), filtering, "s")
    con.to_parquet(core, place / "core.parquet")
    built = build_sequences(con.read_parquet(place / "core.parquet"), splitting, "s")
    for name in ("sequences", "users", "items"):
        con.to_parquet(getattr(built, name), place / f"{name}.parquet")
    graph = count_transitions(con.read_parquet(place / "sequences.parquet"), transitions)
    con.to_parquet(graph, place / "graph.parquet")
