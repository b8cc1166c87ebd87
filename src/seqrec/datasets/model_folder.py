"""A trained model as a folder: weights, configuration and items."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import AbstractDataset

from seqrec.datasets.atomic import replacing
from seqrec.datasets.remedies import check_made

if TYPE_CHECKING:
    from seqrec.model_folder import TrainedModel


class ModelFolderDataset(AbstractDataset["TrainedModel", "TrainedModel"]):
    """Loads and saves a model folder; the old folder stays until the new one is whole.

    Example in catalog.yml::

        model:
          type: seqrec.datasets.model_folder.ModelFolderDataset
          filepath: data/06_models/demo/bsarec/model
          made_by: training
    """

    def __init__(
        self, *, filepath: str, made_by: str = "", metadata: dict[str, Any] | None = None
    ) -> None:
        """Point at a folder; ``made_by`` is the pipeline named when it is missing."""
        self._path = Path(filepath)
        self._made_by = made_by
        self.metadata = metadata

    def load(self) -> TrainedModel:
        """Return the trained model.

        Raises:
            SeqrecError: there is no such folder, or it is not a model's.
        """
        # torch comes with it: only where a model is really used.
        from seqrec.model_folder import load_model

        check_made(self._path, self._made_by)
        return load_model(self._path)

    def save(self, data: TrainedModel) -> None:
        """Write the folder beside the old one, then put it in its place."""
        from seqrec.model_folder import save_model

        with replacing(self._path) as temporary:
            temporary.mkdir()
            save_model(temporary, data)

    def _exists(self) -> bool:
        return self._path.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._path)}
