"""Write the sequences in the form in which they are published."""

import ibis.expr.types as ir

from seqrec.preparation.sequence_lines import to_sequence_lines


def write_sequence_lines(sequences: ir.Table) -> str:
    """Return the sequences as text, ``user item item …`` a line.

    Args:
        sequences: every user's interactions, oldest first.

    Returns:
        sequence_lines.
    """
    return to_sequence_lines(sequences)
