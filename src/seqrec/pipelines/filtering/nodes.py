"""Keep the interactions that the k-core and the other filters leave."""

from typing import Any

import ibis.expr.types as ir

from seqrec.configuration import FilteringOptions
from seqrec.filtering import filter_interactions


def keep_core_interactions(
    interactions: ir.Table, ingestion_report: dict[str, Any], options: FilteringOptions
) -> tuple[ir.Table, dict[str, Any]]:
    """Filter the log.

    Args:
        interactions: the log in file order.
        ingestion_report: says which unit the timestamps have.
        options: which interactions stay.

    Returns:
        core_interactions, and the report of every pass.
    """
    return filter_interactions(interactions, options, ingestion_report["timestamp_unit"])
