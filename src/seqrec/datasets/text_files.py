"""JSON and text files, saved wholly or not at all."""

import json
from pathlib import Path
from typing import Any

from kedro_datasets._typing import JSONPreview
from kedro_datasets.json import JSONDataset
from kedro_datasets.text import TextDataset

from seqrec.datasets.atomic import replacing


class AtomicJSONDataset(JSONDataset):
    """A JSON file; keys keep their order, so that the same content has the same bytes."""

    def save(self, data: Any) -> None:
        """Write the file beside the old one, then put it in its place."""
        text = json.dumps(data, **self._save_args)
        with replacing(Path(self._filepath)) as temporary:
            temporary.write_text(f"{text}\n", encoding="utf-8")

    def preview(self) -> JSONPreview:
        """Return the content, for Kedro-Viz."""
        path = Path(self._filepath)
        return JSONPreview(path.read_text(encoding="utf-8") if path.is_file() else "{}")


class AtomicTextDataset(TextDataset):
    """A text file."""

    def save(self, data: str) -> None:
        """Write the file beside the old one, then put it in its place."""
        with replacing(Path(self._filepath)) as temporary:
            temporary.write_text(data, encoding="utf-8", newline="\n")
