"""The exported models of a cell: a folder for each seed, with graph, ids, guide and card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import AbstractDataset

from seqrec.errors import SeqrecError
from seqrec.files import replacing

if TYPE_CHECKING:
    from seqrec.export.export_folder import Export


class ExportFoldersDataset(AbstractDataset[dict[str, "Export"], None]):
    """Saves exports by their seeds, all or none: each is checked before it is put in place.

    Example in catalog.yml::

        exported_models:
          type: seqrec.datasets.export_folders.ExportFoldersDataset
          filepath: data/08_reporting/export/demo/bsarec/standard
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Point at a folder."""
        self._path = Path(filepath)
        self.metadata = metadata

    def load(self) -> None:
        """Refuse: what is exported is for other programs."""
        raise SeqrecError(f"{self._path} is for other programs; its README.md says how to call it")

    def save(self, data: dict[str, Export]) -> None:
        """Write the folder beside the old one, check every list, and put it in its place."""
        from seqrec.export.export_folder import write_files

        with replacing(self._path) as temporary:
            for seed, export in data.items():
                write_files(temporary / seed, export)

    def _exists(self) -> bool:
        return self._path.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._path)}
