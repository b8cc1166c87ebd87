"""The folder for what does not fit into memory."""

from pathlib import Path

import pytest

from seqrec.errors import SeqrecError
from seqrec.spill import spill_folder


def test_the_folder_is_made(tmp_path: Path) -> None:
    assert spill_folder(str(tmp_path / "deep" / "spill")).is_dir()
    assert list((tmp_path / "deep" / "spill").iterdir()) == []


def test_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SeqrecError) as error:
        spill_folder(f"{tmp_path}/file/spill")
    assert str(error.value) == (
        f"engine.spill_directory={tmp_path}/file/spill: cannot write there, Not a directory; "
        "name another folder"
    )
