"""SASRec with cross entropy over all items: the same network, a much stronger baseline.

Losses that compare a target with few sampled items let SASRec look weaker than it is (Klenitskiy
and Vasilev, RecSys 2023, arXiv 2309.07602).
"""

from typing import ClassVar

from seqrec.models.parts.next_items import NextItemsTransformer


class SASRecCE(NextItemsTransformer):
    """The causal transformer with cross entropy over all items."""

    usually_best_in: ClassVar[int] = 75
    authors_losses: ClassVar[tuple[str, ...]] = ("cross_entropy", "bce")
