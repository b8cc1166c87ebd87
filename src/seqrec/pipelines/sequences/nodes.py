"""Put every user's interactions in order and split them."""

from typing import Any

import ibis.expr.types as ir

from seqrec.parameters.sections import SplittingOptions
from seqrec.preparation.sequences import build_sequences


def order_and_split(
    core_interactions: ir.Table, filter_report: dict[str, Any], options: SplittingOptions
) -> tuple[ir.Table, ir.Table, ir.Table]:
    """Number users and items, order every user's interactions and split them.

    Args:
        core_interactions: the filtered log.
        filter_report: says which unit the timestamps have.
        options: which interactions are for training, validation and test.

    Returns:
        sequences, users and items.
    """
    built = build_sequences(core_interactions, options, filter_report["timestamp_unit"])
    return built.sequences, built.users, built.items
