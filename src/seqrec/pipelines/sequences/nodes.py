"""Put every user's interactions in order and split them."""

import logging
from typing import Any

import ibis.expr.types as ir

from seqrec.parameters.sections import SplittingOptions
from seqrec.preparation.sequences import build_sequences, with_titles

logger = logging.getLogger(__name__)


def order_and_split(
    core_interactions: ir.Table,
    filter_report: dict[str, Any],
    titles: ir.Table,
    options: SplittingOptions,
) -> tuple[ir.Table, ir.Table, ir.Table]:
    """Number users and items, order every user's interactions and split them.

    Args:
        core_interactions: the filtered log.
        filter_report: says which unit the timestamps have.
        titles: of the log's items; empty where it comes without.
        options: which interactions are for training, validation and test.

    Returns:
        sequences, users and items.
    """
    built = build_sequences(core_interactions, options, filter_report["timestamp_unit"])
    items = with_titles(built.items, titles.to_pyarrow())
    if "title" in items.columns:
        known, all_items = (
            count.to_pyarrow().as_py() for count in (items.title.count(), items.count())
        )
        logger.info("%s of %s items have a title", f"{known:,}", f"{all_items:,}")
    return built.sequences, built.users, items
