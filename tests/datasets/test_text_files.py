"""JSON and text files."""

from pathlib import Path

import pytest
from kedro.io import DatasetError

from seqrec.cli import explanation
from seqrec.datasets.text_files import AtomicJSONDataset, AtomicTextDataset
from seqrec.errors import SeqrecError


def test_json_keeps_the_order_of_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "report.json"
    dataset = AtomicJSONDataset(filepath=str(path))
    assert dataset.preview() == "{}"
    dataset.save({"b": 1, "a": [1.5, None]})
    assert dataset.load() == {"b": 1, "a": [1.5, None]}
    assert path.read_text().startswith('{\n  "b": 1')
    assert dataset.preview() == path.read_text()


def test_json_that_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    dataset = AtomicJSONDataset(filepath=str(tmp_path / "report.json"))
    dataset.save({"a": 1})
    with pytest.raises(DatasetError):
        dataset.save({"a": object()})
    assert dataset.load() == {"a": 1}
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("content", "said"), [(None, "does not exist"), (b'{"a', "damaged"), (b"\xff", "damaged")]
)
def test_json_missing_or_damaged_is_one_line(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "report.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises((SeqrecError, DatasetError), match=said) as caught:
        AtomicJSONDataset(filepath=str(path), made_by="filtering").load()
    assert "kedro run --pipeline filtering" in (explanation(caught.value) or "")


def test_text_is_saved_byte_by_byte(tmp_path: Path) -> None:
    dataset = AtomicTextDataset(filepath=str(tmp_path / "lines.txt"))
    dataset.save("1 2 3\n2 é\n")
    assert (tmp_path / "lines.txt").read_bytes() == "1 2 3\n2 é\n".encode()
    assert dataset.load() == "1 2 3\n2 é\n"
