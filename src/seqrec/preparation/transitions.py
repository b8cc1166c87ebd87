"""The item-to-item transition graph of the training part.

How often an item is followed by another within a span: the graph of MQSA-TED (WSDM 2024,
arXiv 2311.01056), which is counted over each user's last ``max_len`` training items.
"""

import ibis
import ibis.expr.types as ir

from seqrec.parameters.sections import TransitionOptions


def count_transitions(sequences: ir.Table, options: TransitionOptions) -> ir.Table:
    """Count how often one item comes at most ``time_span`` steps after another.

    Counted are the pairs (x_t, x_{t+k}) for k = 1 … ``time_span`` of one user's training
    interactions, an item followed by itself included; with ``last_items``, of each user's
    last so many training interactions.

    Args:
        sequences: user_index, position, item_index and split.
        options: the section ``transitions`` of the parameters.

    Returns:
        source_item (int32), target_item (int32), count (int64), sorted by the two items; no
        row where nothing was counted.
    """
    train = sequences.filter(sequences.split == "train")
    window = ibis.window(group_by="user_index", order_by="position")
    spans = range(1, options.time_span + 1)
    following = {f"after_{k}": train.item_index.lead(k).over(window) for k in spans}
    followed = train.mutate(**following)
    if options.last_items is not None:
        followed = _last_items(followed, train, options.last_items)
    if options.time_span > 1:
        followed = followed.select("item_index", *following).cache()
    pairs = ibis.union(*(_pairs(followed, name) for name in following))
    counted = pairs.group_by("source_item", "target_item").aggregate(count=pairs.count())
    return counted.order_by("source_item", "target_item")


def _last_items(followed: ir.Table, train: ir.Table, last_items: int) -> ir.Table:
    """Keep each user's last interactions as sources; what follows them is later still."""
    lengths = train.group_by("user_index").aggregate(length=train.position.max() + 1)
    placed = followed.inner_join(lengths, "user_index")
    return placed.filter(placed.position >= placed.length - last_items)


def _pairs(followed: ir.Table, name: str) -> ir.Table:
    pairs = followed.select(source_item=followed.item_index, target_item=followed[name])
    return pairs.filter(pairs.target_item.notnull())
