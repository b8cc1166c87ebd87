"""seqrec: from a raw interaction log to an evaluated sequential recommender."""

__version__ = "0.1.0"
