"""Training: from the sequences table to a model that knows what it was trained on."""

from seqrec.training.data import TrainingData
from seqrec.training.fitted import Fitted
from seqrec.training.loop import Checkpointing, fit
from seqrec.training.run import TrainingResult, train
from seqrec.training.settings import Settings

__all__ = [
    "Checkpointing",
    "Fitted",
    "Settings",
    "TrainingData",
    "TrainingResult",
    "fit",
    "train",
]
