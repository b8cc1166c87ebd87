"""A log becomes a data set wholly, or the project stays as it was."""

import errno
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo

from seqrec.add_dataset import addition as module
from seqrec.add_dataset.addition import Addition, add, check_new, check_place
from seqrec.add_dataset.data_sets import configured, parameter_block
from seqrec.add_dataset.dvc import dvc_add
from seqrec.errors import SeqrecError
from tests.add_dataset.project import GLOBALS, OPTIONS, small_project

LOG = "who,what,when\nann,tea,2024-01-31\nbob,cake,2024-02-01\n"


@pytest.fixture
def addition(tmp_path: Path) -> Addition:
    file = tmp_path / "shop.csv"
    file.write_text(LOG)
    root = small_project(tmp_path)
    return Addition(root, "shop", file, OPTIONS, parameter_block("shop", OPTIONS))


def content(root: Path) -> dict[str, bytes]:
    """Return every file of the project but DVC's own."""
    files = [path for path in root.rglob("*") if ".dvc" not in path.relative_to(root).parts]
    named = {path.relative_to(root).as_posix(): path for path in files}
    return {name: path.read_bytes() if path.is_file() else b"" for name, path in named.items()}


def test_all_of_it(addition: Addition) -> None:
    check_place(addition)
    add(addition)
    assert addition.target.read_text() == addition.file.read_text() == LOG
    assert addition.block_file.read_text() == addition.block
    listed = (addition.root / "conf/base/globals.yml").read_text()
    assert listed == GLOBALS.replace("# theirs\n", "# theirs\n  - shop\n")
    with Repo(str(addition.root)) as repo:
        assert [stage.path for stage in repo.index.stages] == [str(addition.pointer)]
        assert repo.status() == {}
    raw = configured(addition.root, "shop")
    assert raw is not None
    assert raw.files == (OPTIONS,)


def test_a_link_leaves_the_users_file_to_the_user(addition: Addition) -> None:
    add(replace(addition, link=True))
    assert addition.target.read_text() == LOG
    addition.file.write_text("changed")  # DVC has put its own copy in the place of the link
    assert addition.target.read_text() == LOG


@pytest.mark.parametrize("fails", [False, True])
def test_a_file_that_lies_in_its_place(addition: Addition, fails: bool) -> None:
    addition.folder.mkdir()
    shutil.move(addition.file, addition.target)
    addition = replace(addition, file=addition.target)
    check_place(addition)
    if fails:
        (addition.root / "conf/base/globals.yml").write_text("")
        with pytest.raises(SeqrecError, match="no list 'datasets'"):
            add(addition)
    else:
        add(addition)
    assert addition.target.read_text() == LOG
    assert addition.pointer.is_file() is not fails


def test_a_configured_data_set_keeps_its_block(addition: Addition) -> None:
    before = content(addition.root)
    add(replace(addition, name="beauty", block=None))
    after = content(addition.root)
    assert set(after) - set(before) == {
        f"data/01_raw/{name}" for name in ("beauty", "beauty.dvc", "beauty/shop.csv")
    }
    assert {name: after[name] for name in before} == before


def raises(error: BaseException) -> Any:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise error

    return fail


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("place", "error", "message"),
    [
        ("shutil.copyfile", FULL, "no space left on the disk while saving .*shop.csv"),
        ("os.link", OSError(errno.EXDEV, "Invalid link"), r"linked .*\(Invalid link\); leave out"),
        ("with_dataset", SeqrecError("no list"), "no list"),
        ("dvc_add", KeyboardInterrupt("ctrl-C"), "ctrl-C"),
        ("dvc.Repo.add", FULL, "dvc add .*No space left on device; nothing was kept"),
        (
            "dvc.Repo.add",
            sqlite3.OperationalError("database or disk is full"),
            "dvc add .*: database or disk is full; nothing was kept",
        ),
    ],
)
@pytest.mark.parametrize("folder_there", [False, True])
def test_nothing_is_left_of_a_failure(
    addition: Addition,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    error: BaseException,
    message: str,
    folder_there: bool,
) -> None:
    if folder_there:
        addition.folder.mkdir()
    before = content(addition.root)
    room = module.__name__.removesuffix(".addition" if place.startswith("dvc.") else "")
    monkeypatch.setattr(f"{room}.{place}", raises(error))
    expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else SeqrecError
    with pytest.raises(expected, match=message):
        add(replace(addition, link=place == "os.link"))
    assert content(addition.root) == before
    assert addition.file.read_text() == LOG


def test_nothing_is_left_of_what_was_interrupted_behind_dvc(
    addition: Addition, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(addition.root)

    def add_and_stop(root: Path, folder: Path) -> None:
        dvc_add(root, folder)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "dvc_add", add_and_stop)
    with pytest.raises(KeyboardInterrupt):
        add(addition)
    assert content(addition.root) == before


def test_nothing_is_left_where_dvc_refuses(addition: Addition) -> None:
    # a stage that makes all of data/01_raw
    (addition.root / "dvc.yaml").write_text("stages: {fetch: {cmd: fetch, outs: [data/01_raw/]}}\n")
    before = content(addition.root)
    with pytest.raises(SeqrecError, match=r"dvc add .*overlap") as caught:
        add(addition)
    assert "\n" not in str(caught.value)
    assert content(addition.root) == before


def test_what_dvc_would_pass_over_is_not_added(addition: Addition) -> None:
    # git sees data/01_raw/shop.dvc with these lines, DVC's reading of them leaves it out
    from git import Repo as Git

    Git.init(addition.root).close()
    (addition.root / ".dvc/config").write_text("")  # no more "no_scm"
    (addition.root / ".gitignore").write_text("data/**\n!data/*/\n!*.dvc\n")
    before = content(addition.root)
    with pytest.raises(SeqrecError, match=r"would pass over it; mend .gitignore"):
        add(addition)
    assert content(addition.root) == before


def test_a_project_without_git_or_dvc(addition: Addition) -> None:
    (addition.root / ".dvc/config").write_text("")
    with pytest.raises(SeqrecError, match="not a git repository; run `git init`"):
        check_place(addition)
    shutil.rmtree(addition.root / ".dvc")
    with pytest.raises(SeqrecError, match=r"is not under DVC; run .*`dvc init`"):
        check_place(addition)


def test_a_place_that_is_taken(addition: Addition) -> None:
    addition.folder.mkdir()
    (addition.folder / "other.csv").touch()
    with pytest.raises(SeqrecError, match=r"holds other.csv already"):
        check_place(addition)
    addition.pointer.touch()
    with pytest.raises(SeqrecError) as caught:
        check_new(addition.root, addition.name)
    assert str(caught.value) == (
        f"{addition.pointer} is there already; for newer rows write them into "
        f"{addition.folder / 'other.csv'} and run `kedro run --params dataset=shop` again, or "
        "choose another name"
    )
    (addition.folder / "other.csv").unlink()
    with pytest.raises(SeqrecError, match=r"shop.dvc is there already; `dvc pull`"):
        check_new(addition.root, addition.name)


def test_a_disk_too_small(addition: Addition, monkeypatch: pytest.MonkeyPatch) -> None:
    twice = 2 * len(LOG)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, twice))
    check_place(addition)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, twice - 1))
    with pytest.raises(SeqrecError, match="no space left on the disk"):
        check_place(addition)


@pytest.mark.parametrize("name", ["a/b", "..", ""])
def test_a_name_that_is_none_is_left_to_its_own_check(name: str, addition: Addition) -> None:
    check_new(addition.root, name)
