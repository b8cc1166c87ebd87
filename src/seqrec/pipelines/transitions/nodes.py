"""Count which item follows which."""

import ibis.expr.types as ir

from seqrec.parameters.sections import TransitionOptions
from seqrec.preparation.transitions import count_transitions


def build_transition_graph(sequences: ir.Table, options: TransitionOptions) -> ir.Table:
    """Count the item pairs of the training part.

    Args:
        sequences: every user's interactions, oldest first.
        options: how far apart a pair may be.

    Returns:
        transition_graph.
    """
    return count_transitions(sequences, options)
