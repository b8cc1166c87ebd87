"""seqrec: from a raw interaction log to an evaluated sequential recommender.

What a notebook needs stands here by its name, and is imported when it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seqrec.errors import SeqrecError
    from seqrec.notebook.log import Log, read_log
    from seqrec.notebook.model import Model, load
    from seqrec.notebook.prepared import Data, prepare
    from seqrec.notebook.train import train

__version__ = "0.2.0"
__all__ = ["Data", "Log", "Model", "SeqrecError", "load", "prepare", "read_log", "train"]

_PLACES = {
    "SeqrecError": "seqrec.errors",
    "Log": "seqrec.notebook.log",
    "read_log": "seqrec.notebook.log",
    "Data": "seqrec.notebook.prepared",
    "prepare": "seqrec.notebook.prepared",
    "train": "seqrec.notebook.train",
    "Model": "seqrec.notebook.model",
    "load": "seqrec.notebook.model",
}

if not TYPE_CHECKING:  # a type checker would take every name for one of ours

    def __getattr__(name: str) -> object:
        """Import what is asked for by its name."""
        if name not in _PLACES:
            raise AttributeError(f"module 'seqrec' has no attribute '{name}'")
        return getattr(import_module(_PLACES[name]), name)

    def __dir__() -> list[str]:
        """Return what is here, imported or not."""
        return sorted({*globals(), *__all__})
