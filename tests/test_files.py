"""Saving happens wholly or not at all."""

import errno
import os
from pathlib import Path

import pytest

from seqrec.errors import SeqrecError
from seqrec.files import is_disk_full, replacing, spill_folder


def full_disk() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_takes_its_place_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "new" / "table"
    with replacing(target) as temporary:
        temporary.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert listing(target.parent) == ["table"]


def test_a_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "model"
    target.mkdir()
    (target / "old").touch()
    with replacing(target) as temporary:
        temporary.mkdir()
        (temporary / "new").touch()
    assert listing(target) == ["new"]
    assert listing(tmp_path) == ["model"]


def test_nothing_is_left_of_what_failed_and_the_old_file_stays(tmp_path: Path) -> None:
    target = tmp_path / "table"
    target.write_text("old")

    def write_half() -> None:
        with replacing(target) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert target.read_text() == "old"
    assert listing(tmp_path) == ["table"]


def test_the_old_folder_comes_back_if_the_new_one_cannot_be_put_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "model"
    target.mkdir()
    (target / "old").touch()
    rename = os.replace

    def replace(source: Path, destination: Path) -> None:
        if Path(source).name == ".model.saving":
            raise full_disk()
        rename(source, destination)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(SeqrecError), replacing(target) as temporary:
        temporary.mkdir()
    assert listing(target) == ["old"]
    assert listing(tmp_path) == ["model"]


def test_what_a_killed_run_left_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / ".model.saving").mkdir()
    (tmp_path / ".model.saving" / "half").touch()
    with replacing(tmp_path / "model") as temporary:
        temporary.write_text("whole")
    assert listing(tmp_path) == ["model"]


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    message = "no space left .* saving .*table; nothing of it was"
    with pytest.raises(SeqrecError, match=message), replacing(tmp_path / "table"):
        raise full_disk()


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (full_disk(), True),
        (OSError(errno.EFBIG, "File too large"), True),
        (RuntimeError('IO Error: Could not write file "x": No space left on device'), True),
        (RuntimeError("(sqlite3.OperationalError) database or disk is full"), True),
        (OSError(errno.ENOENT, "No such file or directory"), False),
        (ValueError("no"), False),
    ],
)
def test_which_errors_mean_a_full_disk(error: Exception, full: bool) -> None:
    assert is_disk_full(error) is full


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(SeqrecError, match=r"cannot write .*table: .*; free or choose another place"),
        replacing(tmp_path / "file" / "table"),
    ):
        pass  # never reached: a file is no folder
    assert listing(tmp_path) == ["file"]


def test_a_file_does_not_take_the_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "table").mkdir()
    (tmp_path / "table" / "thesis.tex").touch()
    message = "cannot write .*table: Is a directory; free or choose another"
    with pytest.raises(SeqrecError, match=message), replacing(tmp_path / "table") as temporary:
        temporary.write_text("whole")
    assert listing(tmp_path) == ["table"]
    assert listing(tmp_path / "table") == ["thesis.tex"]


@pytest.mark.parametrize("target", [".", "..", "../here", "/", ""])
def test_the_folder_a_command_runs_in_is_not_replaced(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    message = "holds the folder that the command runs in"
    with pytest.raises(SeqrecError, match=message), replacing(Path(target)) as temporary:
        temporary.mkdir()
    assert listing(tmp_path) == ["here"]


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
