"""A log becomes a data set wholly, or the project stays as it was."""

import errno
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.repo import Repo

from seqrec.add_dataset import addition as add_dataset
from seqrec.add_dataset.addition import (
    Addition,
    accepted,
    add,
    check_place,
    configured,
    parameter_block,
    with_dataset,
)
from seqrec.errors import SeqrecError
from seqrec.parameters.sections import ColumnMapping, RawFileOptions, RawOptions, check_section

LOG = "who,what,when\nann,tea,2024-01-31\nbob,cake,2024-02-01\n"
COLUMNS = ColumnMapping(user="who", item="what", timestamp="when")
OPTIONS = RawFileOptions(name="shop.csv", reader="table", columns=COLUMNS)
GLOBALS = """\
# what exists
datasets:
  - demo # ours
  # raw logs
  - beauty # theirs

# models
models:
  - bsarec
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small project under DVC."""
    folder = tmp_path / "project"
    for name in ("conf/base/parameters/datasets", "data/01_raw"):
        (folder / name).mkdir(parents=True)
    (folder / "conf/base/globals.yml").write_text(GLOBALS)
    (folder / "conf/base/parameters/training.yml").write_text("training: {patience: 3}\n")
    (folder / "conf/base/parameters/datasets/beauty.yml").write_text(
        "beauty: {raw: {files: [{name: Beauty.txt, reader: sequence_lines}]}}\n"
    )
    Repo.init(str(folder), no_scm=True).close()
    return folder


@pytest.fixture
def addition(root: Path, tmp_path: Path) -> Addition:
    file = tmp_path / "shop.csv"
    file.write_text(LOG)
    return Addition(root, "shop", file, OPTIONS, parameter_block("shop", OPTIONS))


def content(root: Path) -> dict[str, bytes]:
    """Return every file of the project but DVC's own."""
    files = [path for path in root.rglob("*") if ".dvc" not in path.relative_to(root).parts]
    named = {path.relative_to(root).as_posix(): path for path in files}
    return {name: path.read_bytes() if path.is_file() else b"" for name, path in named.items()}


@pytest.mark.parametrize(
    "options",
    [
        OPTIONS,
        RawFileOptions(name="Beauty.txt", reader="sequence_lines"),
        RawFileOptions(
            name="a b, c.zip",
            reader="table",
            member="in: it.csv",
            separator="\t",
            columns=ColumnMapping(user="Ä: 1", item="null", timestamp=None, rating="5"),
        ),
    ],
)
@pytest.mark.parametrize("name", ["shop", "2024", "null"])
def test_the_block_says_what_is_read(name: str, options: RawFileOptions) -> None:
    block = yaml.safe_load(parameter_block(name, options))
    assert list(block) == [name]
    raw: Any = check_section("raw", block[name]["raw"])
    assert raw.files == (options,)
    assert block[name]["filtering"] == {"user_core": 5, "item_core": 5}


def test_the_text_of_a_block() -> None:
    assert parameter_block("shop", OPTIONS) == (
        "# A log of our own: shop.csv, added by `seqrec add-dataset`.\n"
        "shop:\n"
        "  raw:\n"
        "    files:\n"
        "      - name: shop.csv\n"
        "        reader: table\n"
        "        columns: {user: who, item: what, timestamp: when}\n"
        "    note: in DVC; `dvc pull data/01_raw/shop.dvc` fetches it\n"
        "  filtering: {user_core: 5, item_core: 5}\n"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "datasets:\n  - a # x\n\nmodels: [b]\n",
            "datasets:\n  - a # x\n  - shop\n\nmodels: [b]\n",
        ),
        ("datasets:\n- a\n# end", "datasets:\n- a\n- shop\n# end"),
        ("datasets:\n  - a", "datasets:\n  - a\n  - shop\n"),
        ("datasets: [a, b] # c\n", "datasets: [a, b, shop] # c\n"),
        ("datasets:\n  - shop\n", "datasets:\n  - shop\n"),
    ],
)
def test_a_name_more_in_the_list_and_every_other_byte_stays(before: str, after: str) -> None:
    assert with_dataset(before, "shop", Path("globals.yml")) == after


def test_a_name_that_yaml_would_take_for_a_number() -> None:
    text = with_dataset("datasets:\n  - a\n", "2024", Path("globals.yml"))
    assert yaml.safe_load(text) == {"datasets": ["a", "2024"]}


@pytest.mark.parametrize("text", ["", "models: [a]\n", "datasets:\n", "datasets: []\n"])
def test_no_list_to_add_to(text: str) -> None:
    with pytest.raises(SeqrecError, match=r"globals.yml: no list 'datasets'"):
        with_dataset(text, "shop", Path("globals.yml"))


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
    assert configured(addition.root, "shop") == RawOptions(
        files=(OPTIONS,), note="in DVC; `dvc pull data/01_raw/shop.dvc` fetches it"
    )


def test_a_link(addition: Addition) -> None:
    addition = Addition(**{**vars(addition), "link": True})
    add(addition)
    assert addition.target.read_text() == LOG
    # DVC has put its own copy in the place of the link: the user's file is the user's
    addition.file.write_text("changed")
    assert addition.target.read_text() == LOG


def test_a_file_that_lies_in_its_place(addition: Addition) -> None:
    addition.folder.mkdir()
    shutil.move(addition.file, addition.target)
    addition = Addition(**{**vars(addition), "file": addition.target})
    check_place(addition)
    add(addition)
    assert addition.target.read_text() == LOG
    assert addition.pointer.is_file()


def test_a_configured_data_set_keeps_its_block(addition: Addition) -> None:
    before = content(addition.root)
    known = Addition(addition.root, "beauty", addition.file, OPTIONS, block=None)
    add(known)
    after = content(addition.root)
    assert set(after) - set(before) == {
        f"data/01_raw/{name}" for name in ("beauty", "beauty.dvc", "beauty/shop.csv")
    }
    assert {name: after[name] for name in before} == before


def raises(error: Exception) -> Any:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("shutil.copyfile", OSError(errno.ENOSPC, "No space left on device")),
        ("os.link", OSError(errno.EXDEV, "Invalid cross-device link")),
        ("with_dataset", SeqrecError("no list")),
        ("dvc_add", SeqrecError("DVC refuses")),
        ("dvc_add", OSError(errno.ENOSPC, "No space left on device")),
        ("dvc_add", KeyboardInterrupt()),
    ],
)
@pytest.mark.parametrize("folder_there", [False, True])
def test_nothing_is_left_of_a_failure(
    addition: Addition,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    error: Exception,
    folder_there: bool,
) -> None:
    if folder_there:
        addition.folder.mkdir()
    before = content(addition.root)
    addition = Addition(**{**vars(addition), "link": place == "os.link"})
    monkeypatch.setattr(f"{add_dataset.__name__}.{place}", raises(error))
    expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else SeqrecError
    with pytest.raises(expected):
        add(addition)
    assert content(addition.root) == before
    assert addition.file.read_text() == LOG


def test_nothing_is_left_where_dvc_refuses(addition: Addition) -> None:
    # a stage that makes all of data/01_raw
    (addition.root / "dvc.yaml").write_text("stages: {fetch: {cmd: fetch, outs: [data/01_raw/]}}\n")
    before = content(addition.root)
    with pytest.raises(SeqrecError, match=r"dvc add .*overlap") as caught:
        add(addition)
    assert "\n" not in str(caught.value)
    assert content(addition.root) == before


def test_a_disk_that_is_full_for_the_notes_of_dvc(
    addition: Addition, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(addition.root)
    monkeypatch.setattr(Repo, "add", raises(sqlite3.OperationalError("database or disk is full")))
    with pytest.raises(
        SeqrecError, match=r"dvc add .*: database or disk is full; nothing was kept"
    ):
        add(addition)
    assert content(addition.root) == before


def test_the_beginning_of_a_file_does_not_stay_in_the_cache(tmp_path: Path) -> None:
    folder, cache = tmp_path / "shop", tmp_path / "cache"
    folder.mkdir()
    (folder / "shop.csv").write_bytes(b"")  # md5: d41d8cd98f00b204e9800998ecf8427e
    (cache / "d4").mkdir(parents=True)
    for name in ("other", "old.tmp"):
        (cache / "d4" / name).touch()

    def fail_half_way() -> None:
        with add_dataset.nothing_cached_on_failure(cache, folder):
            for name in ("new.tmp", "1d8cd98f00b204e9800998ecf8427e", "new"):
                (cache / "d4" / name).touch()
            raise KeyError

    with pytest.raises(KeyError):
        fail_half_way()
    assert sorted(path.name for path in cache.glob("*/*")) == ["new", "old.tmp", "other"]


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


def test_a_project_without_dvc(addition: Addition) -> None:
    shutil.rmtree(addition.root / ".dvc")
    with pytest.raises(SeqrecError, match=r"is not under DVC; run .*`dvc init`"):
        check_place(addition)


def test_a_project_without_git(addition: Addition) -> None:
    (addition.root / ".dvc/config").write_text("")
    with pytest.raises(SeqrecError, match="not a git repository; run `git init`"):
        check_place(addition)


def test_a_place_that_is_taken(addition: Addition) -> None:
    addition.folder.mkdir()
    (addition.folder / "other.csv").touch()
    with pytest.raises(SeqrecError, match=r"holds other.csv already"):
        check_place(addition)
    addition.pointer.touch()
    with pytest.raises(SeqrecError, match=r"shop.dvc is there already; `dvc pull`"):
        check_place(addition)


def test_a_disk_too_small(addition: Addition, monkeypatch: pytest.MonkeyPatch) -> None:
    twice = 2 * len(LOG)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, twice))
    check_place(addition)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, twice - 1))
    with pytest.raises(SeqrecError, match="no space left on the disk"):
        check_place(addition)


NO_TEXTS = ("null", "2024", "true", "on", "1e3", "1.5", "1_000", "0x1f", "0o17", "2024-01-31", "-")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a/b", "would name a folder"),
        ("", "would name a folder"),
        (".hidden", "would name a folder"),
        ("shop.dvc", "no .dvc at the end"),
        ("bsarec", "names a model or a section"),
        ("training", "names a model or a section"),
        ("filtering", "names a model or a section"),
        ("protocol", "names a model or a section"),
        *((name, f"choose one that is text, such as log_{name}$") for name in NO_TEXTS),
    ],
)
def test_names_that_cannot_be(root: Path, name: str, message: str) -> None:
    with pytest.raises(SeqrecError, match=message):
        configured(root, name)


def test_names_that_are_known_or_new(root: Path) -> None:
    raw = configured(root, "beauty")
    assert raw is not None
    (root / "Beauty.txt").touch()
    assert accepted("beauty", raw, root / "Beauty.txt") == raw.files[0]
    with pytest.raises(SeqrecError, match=r"accepts Beauty.txt, not shop.csv"):
        accepted("beauty", raw, root.parent / "shop.csv")
    for name in ("shop", "shop2024", "2024-shop", "1e3_x", "nullable"):
        assert configured(root, name) is None


def test_a_configured_name_of_digits_is_known(root: Path) -> None:
    (root / "conf/base/parameters/datasets/2024.yml").write_text(
        "2024: {raw: {files: [{name: d.csv, reader: table}]}}\n"
    )
    raw = configured(root, "2024")
    assert raw is not None
    assert raw.files[0].name == "d.csv"


def test_the_demo_is_not_replaced(root: Path) -> None:
    (root / "conf/base/parameters/datasets/demo.yml").write_text(
        "demo: {raw: {files: [{name: d.csv, reader: table}], generator: demo}}\n"
    )
    with pytest.raises(SeqrecError, match="made by the project itself"):
        configured(root, "demo")


def test_a_log_that_the_project_fetches_is_not_added(root: Path) -> None:
    globals_file = root / "conf/base/globals.yml"
    globals_file.write_text(f"{GLOBALS}downloads: [beauty]\n")
    with pytest.raises(SeqrecError, match="take it off the list 'downloads'"):
        configured(root, "beauty")
