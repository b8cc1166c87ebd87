"""A cell: which model learns from which data set, under which protocol."""

from __future__ import annotations

from dataclasses import dataclass

from seqrec.errors import SeqrecError


@dataclass(frozen=True, order=True)
class Cell:
    """What one run is about, and one place of the results; seeds are inside."""

    dataset: str
    model: str
    protocol: str

    @classmethod
    def from_id(cls, name: str) -> Cell:
        """Return the cell of ``dataset/model/protocol``.

        Raises:
            SeqrecError: the name has not these three parts.
        """
        parts = name.split("/")
        if len(parts) != 3 or not all(parts):
            raise SeqrecError(f"'{name}' names no cell of the results; DATASET/MODEL/PROTOCOL does")
        return cls(*parts)

    @property
    def id(self) -> str:
        """``dataset/model/protocol``: the cell's folder below its layer's."""
        return f"{self.dataset}/{self.model}/{self.protocol}"
