"""The exports of a cell are whole, or not there at all."""

from pathlib import Path
from typing import Any

import pytest

from seqrec.datasets.export_folders import ExportFoldersDataset
from seqrec.errors import SeqrecError
from seqrec.export import export_folder


def test_one_wrong_export_leaves_the_earlier_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(folder: Path, content: Any) -> None:
        if content == "wrong":
            raise SeqrecError("1 of 1000 lists differ")
        folder.mkdir(parents=True)
        (folder / "model.onnx").write_text(content)

    monkeypatch.setattr(export_folder, "write_files", write)
    place = tmp_path / "demo"
    dataset: Any = ExportFoldersDataset(filepath=str(place))
    assert not dataset.exists()
    dataset.save({"7": "first", "8": "second"})
    with pytest.raises(Exception, match="1 of 1000 lists differ"):
        dataset.save({"7": "third", "8": "wrong"})
    assert {path.parent.name: path.read_text() for path in place.glob("*/*")} == {
        "7": "first",
        "8": "second",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_they_are_for_other_programs() -> None:
    dataset = ExportFoldersDataset(filepath="data/08_reporting/export/demo/bsarec/standard")
    with pytest.raises(Exception, match=r"is for other programs; its README\.md"):
        dataset.load()
