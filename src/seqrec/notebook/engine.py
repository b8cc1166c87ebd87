"""A data engine for one piece of work: DuckDB in memory, nothing of it left behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from seqrec.errors import SeqrecError
from seqrec.files import is_disk_full, spill_folder
from seqrec.parameters.sections import EngineOptions

if TYPE_CHECKING:
    from pathlib import Path


@contextmanager
def data_engine(options: EngineOptions | None = None) -> Iterator[Any]:
    """Lend an Ibis connection to a DuckDB of its own.

    Args:
        options: its memory and threads; where it spills, which is a temporary folder of the
            system unless another is named.

    Raises:
        SeqrecError: the work needs more memory or more room on the disk.
    """
    import ibis

    options = options or EngineOptions()
    threads = {} if options.threads is None else {"threads": options.threads}
    with TemporaryDirectory(prefix="seqrec-", dir=_spill(options)) as spill:
        engine = ibis.duckdb.connect(
            memory_limit=options.memory_limit, temp_directory=spill, **threads
        )
        try:
            yield engine
        except Exception as error:
            if line := _explained(error):
                raise SeqrecError(line) from None
            raise
        # not closed: Ibis still drops what it cached, and its views, whenever that is collected
        for (name,) in engine.con.sql("SELECT table_name FROM duckdb_tables()").fetchall():
            engine.drop_table(name, force=True)


def _spill(options: EngineOptions) -> Path | None:
    named = "spill_directory" in options.model_fields_set
    return spill_folder(options.spill_directory) if named else None


def _explained(error: Exception) -> str | None:
    line = str(error).partition("\n")[0]
    if is_disk_full(error):
        return f"no space left on the disk: {line}; free some, or name another spill_directory"
    if type(error).__name__ == "OutOfMemoryException":
        return f"the data engine needs more memory, raise memory_limit: {line}"
    return None
