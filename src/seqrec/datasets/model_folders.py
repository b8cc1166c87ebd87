"""The trained models of a cell: a folder for each seed, with weights, configuration and items."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import AbstractDataset

from seqrec.datasets.remedies import check_made, run_again
from seqrec.errors import SeqrecError
from seqrec.files import replacing

if TYPE_CHECKING:
    from seqrec.models.folder import TrainedModel

Models = dict[str, "TrainedModel"]


class ModelFoldersDataset(AbstractDataset[Models, Models]):
    """Loads and saves models by their seeds; the old folder stays until the new one is whole.

    Example in catalog.yml::

        models:
          type: seqrec.datasets.model_folders.ModelFoldersDataset
          filepath: data/06_models/demo/bsarec/standard/models
          made_by: training
    """

    def __init__(
        self, *, filepath: str, made_by: str = "", metadata: dict[str, Any] | None = None
    ) -> None:
        """Point at a folder; ``made_by`` is the pipeline named when it is missing."""
        self._path = Path(filepath)
        self._made_by = made_by
        self.metadata = metadata

    def load(self) -> Models:
        """Return the trained models by their seeds, in the order of these.

        Raises:
            SeqrecError: there is no such folder, or something else than models in it.
        """
        # torch comes with it: only where a model is really used.
        from seqrec.models.folder import load_model

        check_made(self._path, self._made_by)
        folders = [folder for folder in self._path.iterdir() if folder.name.isdigit()]
        if not folders:
            raise SeqrecError(f"no model in {self._path}{run_again(self._made_by)}")
        ordered = sorted(folders, key=lambda folder: int(folder.name))
        return {folder.name: load_model(folder) for folder in ordered}

    def save(self, data: Models) -> None:
        """Write the folder beside the old one, put it in its place, and set the checkpoints aside.

        They lie beside the folder, and are those of runs that were cut off until the models that
        came of them are saved.
        """
        from seqrec.models.folder import save_model
        from seqrec.training.checkpoint import checkpoint_of, set_aside

        with replacing(self._path) as temporary:
            for seed, model in data.items():
                save_model(temporary / seed, model)
        for seed in data:
            set_aside(checkpoint_of(self._path, seed))

    def _exists(self) -> bool:
        return self._path.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._path)}
