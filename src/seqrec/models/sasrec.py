"""SASRec: self-attentive sequential recommendation (ICDM 2018, arXiv 1808.09781).

A causal transformer over the items of a history: every position may look back at all earlier
ones, and its state is compared with the item that comes next. The paper's loss compares the
target with one sampled item, binary cross entropy; ``sasrec_ce`` compares it with all items.
"""

from typing import ClassVar

from seqrec.models.parts.next_items import NextItemsTransformer


class SASRec(NextItemsTransformer):
    """The causal transformer with the paper's loss."""

    usually_best_in: ClassVar[int] = 93
    authors_losses: ClassVar[tuple[str, ...]] = ("bce", "cross_entropy")
