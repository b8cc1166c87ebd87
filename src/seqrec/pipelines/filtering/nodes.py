"""Keep the interactions that the k-core and the other filters leave."""

import logging
from typing import Any

import ibis.expr.types as ir

from seqrec.parameters.sections import FilteringOptions
from seqrec.preparation.filtering import MANY_TIES, filter_interactions
from seqrec.preparation.order import SECOND

logger = logging.getLogger(__name__)


def keep_core_interactions(
    interactions: ir.Table, ingestion_report: dict[str, Any], options: FilteringOptions
) -> tuple[ir.Table, dict[str, Any]]:
    """Filter the log.

    Args:
        interactions: the log in file order.
        ingestion_report: says which unit the timestamps have.
        options: which interactions stay.

    Returns:
        core_interactions, and the report of every pass, with the options.
    """
    core, report = filter_interactions(
        interactions,
        options,
        ingestion_report["timestamp_unit"],
        ingestion_report.get("timestamps_written_in"),
    )
    last = report["steps"][-1]
    logger.info(
        "%s interactions of %s users with %s items stay",
        *(f"{last[key]:,}" for key in ("interactions", "users", "items")),
    )
    if not set(SECOND) & set(core.columns):  # neighbours of one instant have an order then
        _tell_ties(report.get("ties"))
    return core, report


def _tell_ties(ties: dict[str, int] | None) -> None:
    """Say it where many of a user's neighbours in time share their timestamp, and which way."""
    if ties and (again := ties.get("same_item")):
        logger.warning(
            "%s interactions are there again, with the same user, item and timestamp: "
            "filtering.consecutive_repeats=drop drops an item right after itself, "
            "filtering.repeats=first all but the first",
            f"{again:,}",
        )
    if ties and ties["same_timestamp"] > MANY_TIES * ties["neighbours"]:
        logger.warning(
            "%s of %s neighbours in users' histories share their timestamp: these stay in the "
            "order of the file; raw.columns.order=COLUMN names a second column for it",
            f"{ties['same_timestamp']:,}",
            f"{ties['neighbours']:,}",
        )
