"""Saving happens wholly or not at all."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqrec.add_dataset.plan import plan
from seqrec.errors import SeqrecError
from seqrec.export.export_folder import check_place
from seqrec.files import is_disk_full, replacing, spill_folder
from seqrec.interop.command import _check_outputs
from seqrec.interop.weights import load_state_dict
from seqrec.models.folder import content_of, load_model
from seqrec.notebook.model import Model
from seqrec.preparation.raw_files import parts_of
from seqrec.recommendation.input_files import lying_ready


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


NOBODY: Any = None


@pytest.mark.parametrize(
    ("reach", "line"),
    [
        (check_place, "cannot write PATH: Permission denied; choose another place"),
        (lambda path: _check_outputs([path], []), "cannot write PATH: Permission denied; choose"),
        (lambda path: Model.save(NOBODY, path), "cannot write PATH: Permission denied; choose"),
        (load_model, "cannot read PATH: Permission denied; let it be read, or name another"),
        (content_of, "cannot read PATH: Permission denied; let"),
        (load_state_dict, "cannot read PATH: Permission denied; let"),
        (parts_of, "cannot read PATH: Permission denied; let"),
        (lambda path: lying_ready(str(path)).__enter__(), "cannot read PATH: Permission denied"),
        (lambda path: plan("mine", path, {}, {}, True), "cannot read PATH: Permission denied; let"),
    ],
)
def test_a_folder_that_one_may_not_enter_is_a_line(
    reach: Callable[[Path], Any], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told by the system when a path below is looked at; root, who may, is told so here too."""
    closed, stat = tmp_path / "closed", Path.stat

    def refused(path: Path, **more: Any) -> os.stat_result:
        if closed in path.parents:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return stat(path, **more)

    monkeypatch.setattr(Path, "stat", refused)
    path = closed / "in" / "x"
    with pytest.raises(SeqrecError) as error:
        reach(path)
    assert str(error.value).startswith(line.replace("PATH", str(path)))
