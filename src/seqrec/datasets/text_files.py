"""JSON and text files, saved wholly or not at all."""

import json
from pathlib import Path
from typing import Any

from kedro_datasets._typing import JSONPreview
from kedro_datasets.json import JSONDataset
from kedro_datasets.text import TextDataset

from seqrec.datasets.remedies import check_made, run_again
from seqrec.errors import SeqrecError
from seqrec.files import replacing


class AtomicJSONDataset(JSONDataset):
    """A JSON file; keys keep their order, so that the same content has the same bytes."""

    def __init__(self, *, made_by: str = "", **options: Any) -> None:
        """Point at a file; ``made_by`` is the pipeline named when it is missing or damaged."""
        super().__init__(**options)
        self._made_by = made_by

    def load(self) -> Any:
        """Return the content.

        Raises:
            SeqrecError: there is no such file, or it is no JSON.
        """
        path = Path(self._filepath)
        check_made(path, self._made_by)
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            raise SeqrecError(f"{path} is damaged or no JSON{run_again(self._made_by)}") from None

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

    def __init__(self, *, made_by: str = "", **options: Any) -> None:
        """Point at a file; ``made_by`` is the pipeline named when it is missing."""
        super().__init__(**options)
        self._made_by = made_by

    def load(self) -> str:
        """Return the content.

        Raises:
            SeqrecError: there is no such file.
        """
        check_made(Path(self._filepath), self._made_by)
        return Path(self._filepath).read_text(encoding="utf-8")

    def save(self, data: str) -> None:
        """Write the file beside the old one, then put it in its place."""
        with replacing(Path(self._filepath)) as temporary:
            temporary.write_text(data, encoding="utf-8", newline="\n")
