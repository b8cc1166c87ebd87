"""Training: from the sequences table to a model that knows what it was trained on."""

from seqrec.training.loop import Checkpointing, Fitted, fit
from seqrec.training.run import TrainingResult, train

__all__ = ["Checkpointing", "Fitted", "TrainingResult", "fit", "train"]
