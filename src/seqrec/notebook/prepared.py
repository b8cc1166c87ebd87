"""A log made ready: filtered, in order, numbered and split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seqrec.errors import SeqrecError
from seqrec.notebook.engine import data_engine
from seqrec.notebook.log import Log, SpeaksArrow, read_log
from seqrec.notebook.options import by_section
from seqrec.notebook.tabular import html_table
from seqrec.parameters.section_checks import check_section
from seqrec.parameters.sections import SECTIONS
from seqrec.preparation.filtering import filter_interactions
from seqrec.preparation.sequences import build_sequences

PREPARED_BY = ("filtering", "splitting", "engine")
STEP = ("name", "interactions", "users", "items", "dropped")


@dataclass(frozen=True, repr=False)
class Data:
    """What models learn from and are measured on."""

    name: str
    sequences: pa.Table
    """user_index, position, item_index, timestamp, split; oldest first."""
    users: pa.Table
    """user_index (from 1), user_id."""
    items: pa.Table
    """item_index (from 1), item_id."""
    report: dict[str, Any]
    """What each filter dropped."""

    def history(self, user: str) -> list[str]:
        """Return a user's whole history, as item ids, oldest first.

        Raises:
            SeqrecError: there is no such user.
        """
        place = pc.index(self.users["user_id"], str(user)).as_py()
        if place < 0:
            raise SeqrecError(
                f"no user '{user}' among those that are left; the table users has their ids"
            )
        history: list[str] = self.histories()["history"][place].as_py()
        return history

    def histories(self) -> pa.Table:
        """Return all whole histories: user_id, history (item ids, oldest first)."""
        places = pc.subtract(self.sequences["item_index"], 1)
        ids = self.items["item_id"].combine_chunks().take(places.combine_chunks())
        lengths = np.bincount(self.sequences["user_index"].to_numpy())[1:]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        lists = pa.ListArray.from_arrays(offsets, ids)
        return pa.table({"user_id": self.users["user_id"], "history": lists})

    def __repr__(self) -> str:
        splits = pc.value_counts(self.sequences["split"]).to_pylist()
        counts = {part["values"]: part["counts"] for part in splits}
        parts = ", ".join(f"{counts[split]:,} {split}" for split in ("train", "valid", "test"))
        return (
            f"Data {self.name}: {len(self.sequences):,} interactions of {len(self.users):,} users "
            f"with {len(self.items):,} items ({parts})"
        )

    def _repr_html_(self) -> str:
        rows = [[_shown(step[key]) for key in STEP] for step in self.report["steps"]]
        return html_table(["what is left", *STEP[1:]], rows, repr(self))


def prepare(log: Log | SpeaksArrow | str | Path, **options: Any) -> Data:
    """Filter a log, put each user's interactions in order, and split them.

    Args:
        log: as ``read_log`` returns it, or a table or file with the columns user_id, item_id and
            timestamp.
        options: those of the sections ``filtering`` (``user_core``, ``item_core``,
            ``min_rating``, ``start``, ``end``, ``repeats``, …), ``splitting`` (``strategy``,
            ``valid_share``, ``test_share``) and ``engine`` (``memory_limit``, ``threads``,
            ``spill_directory``), by their names there.

    Returns:
        The tables that a training takes; counts and filters are in its report.

    Raises:
        SeqrecError: an unknown option, with the nearest one there is, or nothing is left.
    """
    sections = _sections(options)
    if not isinstance(log, Log):
        log = read_log(log)
    _check_ratings(log, sections["filtering"].min_rating)
    with data_engine(sections["engine"]) as engine:
        interactions = engine.create_table("interactions", log.interactions)
        core, report = filter_interactions(
            interactions,
            sections["filtering"],
            log.timestamp_unit,
            log.report["timestamps_written_in"],
        )
        built = build_sequences(core.cache(), sections["splitting"], log.timestamp_unit)
        sequences, users, items = (table.to_pyarrow() for table in built)
    return Data(log.name, sequences, users, items, report)


def check_prepared(data: object, function: str) -> None:
    """Raise a SeqrecError for anything that ``prepare`` did not return."""
    if not isinstance(data, Data):
        raise SeqrecError(
            f"{function} takes what prepare returns, not {type(data).__name__}; "
            f"write {function}(prepare(log), …)"
        )


def _check_ratings(log: Log, least: float | None) -> None:
    """Raise where a threshold is given, and the log has no rating at all."""
    if least is not None and log.interactions["rating"].null_count == len(log.interactions):
        raise SeqrecError(
            f"option min_rating={least:g}: no rating was read from this log; name their column, "
            "read_log(…, rating=COLUMN), or leave min_rating out"
        )


def _sections(options: dict[str, Any]) -> dict[str, Any]:
    names = {section: SECTIONS[section].model_fields for section in PREPARED_BY}
    given = by_section("prepare", names, options)
    return {section: check_section(section, given[section]) for section in PREPARED_BY}


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
