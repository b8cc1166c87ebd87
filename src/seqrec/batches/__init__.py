"""What a model is shown: histories, packed or padded, gathered from two flat arrays."""

from seqrec.batches.examples import Batch, Batches, Examples, evaluation_examples, training_examples
from seqrec.batches.sequences import SPLITS, Integers, Sequences, Split, distinct, ranges

__all__ = [
    "SPLITS",
    "Batch",
    "Batches",
    "Examples",
    "Integers",
    "Sequences",
    "Split",
    "distinct",
    "evaluation_examples",
    "ranges",
    "training_examples",
]
