"""The rows of a log that could not be read, with the file and the line where they stand."""

from collections.abc import Iterator

import pyarrow as pa

from seqrec.preparation.raw_files import RawFile
from seqrec.readers import REJECTED
from seqrec.readers.parts.pieces import Piece

REJECTED_ROWS = pa.schema([("source_file", pa.string()), *REJECTED])
"""Columns of the table of rejected rows."""


class RejectedRows:
    """Gathers the rejected rows of pieces."""

    def __init__(self, raw_file: RawFile) -> None:
        self.name = raw_file.path.name
        self.tables: list[pa.Table] = []

    def kept_from(self, pieces: Iterator[Piece]) -> Iterator[pa.Table]:
        """Yield the interactions of pieces, and keep the rejected rows."""
        for piece in pieces:
            if count := len(piece.rejected):
                file = pa.repeat(piece.file or self.name, count)
                self.tables.append(piece.rejected.add_column(0, "source_file", file))
            yield piece.interactions

    def table(self) -> pa.Table:
        """Return the rejected rows so far."""
        return pa.concat_tables([REJECTED_ROWS.empty_table(), *self.tables]).combine_chunks()
