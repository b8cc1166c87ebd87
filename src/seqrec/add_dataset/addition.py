"""A raw log becomes a data set of the project: its file, its parameters and its place in DVC.

All of it or nothing: whatever fails, the project is as it was. In DVC's cache a list of file names
may stay, some bytes that `dvc gc` clears.
"""

import hashlib
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from seqrec.add_dataset.column_guesses import Role
from seqrec.errors import SeqrecError, unknown_name
from seqrec.files import is_disk_full, replacing
from seqrec.parameters.sections import (
    SCALARS,
    SECTIONS,
    ColumnMapping,
    RawFileOptions,
    RawOptions,
    check_section,
)
from seqrec.parameters.selection import NOT_IN_A_NAME
from seqrec.preparation.ingestion import find_raw_file

GLOBALS = "conf/base/globals.yml"
RAW_FOLDER = "data/01_raw"
NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?|0o[0-7]+)")
"""What YAML 1.2 reads as a number; PyYAML knows the older rules, under which ``1e3`` is a text."""


@dataclass(frozen=True)
class Addition:
    """What is to be added, and where."""

    root: Path
    """The project."""
    name: str
    file: Path
    options: RawFileOptions
    block: str | None
    """The parameters as YAML; None where the data set is configured already."""
    link: bool = False

    @property
    def folder(self) -> Path:
        """The folder of the raw log."""
        return self.root / RAW_FOLDER / self.name

    @property
    def target(self) -> Path:
        """The file in its new place."""
        return self.folder / self.file.name

    @property
    def block_file(self) -> Path:
        """The file of parameters."""
        return self.root / f"conf/base/parameters/datasets/{self.name}.yml"

    @property
    def pointer(self) -> Path:
        """The file by which git knows what DVC keeps."""
        return self.folder.with_name(f"{self.name}.dvc")

    @property
    def in_place(self) -> bool:
        """Whether the file lies where it belongs already."""
        return self.target.exists() and self.target.samefile(self.file)


def configured(root: Path, name: str) -> RawOptions | None:
    """Return the raw log of a data set that is configured, or None for a new name.

    Args:
        root: the project.
        name: of the data set.

    Raises:
        SeqrecError: the name is no plain one or no text, is that of something else, or of a data
            set that the project gets by itself.
    """
    if NOT_IN_A_NAME.search(name) or not name or name.endswith(".dvc"):
        raise SeqrecError(
            f"data set '{name}' would name a folder; use letters, digits, '-', '_' and '.',"
            " and no .dvc at the end"
        )
    block, lists = parameter_blocks(root).get(name), read_yaml(root / GLOBALS)
    if isinstance(block, dict) and "raw" in block:
        raw: Any = check_section("raw", block["raw"])
        _refuse_fetched(name, raw, lists.get("downloads") or [])
        return RawOptions.model_validate(raw.model_dump())
    if block is not None or name in (*(lists.get("models") or []), *SECTIONS, *SCALARS):
        raise SeqrecError(f"'{name}' names a model or a section of parameters; choose another name")
    _refuse_no_text(name)
    return None


def _refuse_no_text(name: str) -> None:
    """Raise where ``--params dataset=NAME``, which is YAML, would not mean this name."""
    try:
        is_text = isinstance(yaml.safe_load(name), str) and not NUMBER.fullmatch(name)
    except yaml.YAMLError:
        is_text = False
    if not is_text:
        raise SeqrecError(
            f"data set '{name}': YAML reads this name as a number, a date, a truth value or nothing"
            f"; choose one that is text, such as log_{name}"
        )


def _refuse_fetched(name: str, raw: RawOptions, downloads: list[str]) -> None:
    """Raise where the project gets the log by itself."""
    if raw.generator:
        raise SeqrecError(f"data set '{name}' is made by the project itself; name yours anew")
    if name in downloads:
        raise SeqrecError(
            f"data set '{name}' is fetched by `dvc repro`; take it off the list 'downloads' in "
            f"{GLOBALS} to add a file of yours, or choose another name"
        )


def parameter_blocks(root: Path) -> dict[str, Any]:
    """Return the top-level blocks of the parameter files, the user's own over the project's."""
    files = [
        path
        for place in ("conf/base", "conf/local")
        for path in sorted((root / place).rglob("*.yml"))
        if any(part.startswith("parameters") for part in path.relative_to(root / place).parts)
    ]
    return {str(name): block for path in files for name, block in read_yaml(path).items()}


def read_yaml(path: Path) -> dict[Any, Any]:
    """Return what a YAML file holds.

    Raises:
        SeqrecError: it cannot be read, or holds no mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise SeqrecError(f"{path} cannot be read ({_one_line(error)}); mend it") from None
    if not isinstance(content or {}, dict):
        raise SeqrecError(f"{path} holds no names with values; mend it")
    return content or {}


def accepted(name: str, raw: RawOptions, file: Path) -> RawFileOptions:
    """Return how a configured data set reads a file.

    Raises:
        SeqrecError: it accepts no file of that name.
    """
    matching = tuple(options for options in raw.files if options.name == file.name)
    if not matching:
        names = " or ".join(dict.fromkeys(options.name for options in raw.files))
        raise SeqrecError(
            f"data set '{name}' is configured and accepts {names}, not {file.name}; "
            "rename the file, or give the data set another name"
        )
    return find_raw_file(name, raw.model_copy(update={"files": matching}), file.parent).options


def columns_of(roles: Mapping[Role, str | None]) -> ColumnMapping:
    """Return the columns by their roles, as the parameters have them."""
    return ColumnMapping.model_validate(dict(roles))


def check_column(name: str, columns: list[str], file: Path) -> str:
    """Return the name of a column.

    Raises:
        SeqrecError: there is none of that name; the message names the nearest one.
    """
    if name not in columns:
        raise unknown_name("column", name, columns, f"in {file}")
    return name


def parameter_block(name: str, options: RawFileOptions) -> str:
    """Return the parameters of a new data set as the text of their file."""
    entry: dict[str, Any] = {"name": options.name, "reader": options.reader}
    if options.member is not None:
        entry["member"] = options.member
    if options.separator is not None:
        entry["separator"] = options.separator
    columns = options.columns and options.columns.model_dump()
    if columns and columns["rating"] is None:
        del columns["rating"]
    first, *others = [f"{key}: {_flow(value)}" for key, value in entry.items()]
    lines = [f"- {first}", *(f"  {line}" for line in others)]
    lines += [f"  columns: {_flow(columns)}"] if columns else []
    text = "\n".join(
        [
            f"# A log of our own: {options.name}, added by `seqrec add-dataset`.",
            f"{_flow(name)}:",
            "  raw:",
            "    files:",
            *(f"      {line}" for line in lines),
            f"    note: in DVC; `dvc pull {RAW_FOLDER}/{name}.dvc` fetches it",
            "  filtering: {user_core: 5, item_core: 5}",
            "",
        ]
    )
    if "${" in text:  # Kedro and DVC would take it for a reference
        raise SeqrecError(f"{options.name}: a name with '${{' cannot stand in YAML; rename it")
    return text


def _flow(value: Any) -> str:
    """Return a value as YAML on one line."""
    # In a list, for a plain value on its own is followed by an end mark.
    text = yaml.safe_dump(
        [value], default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True
    )
    return text.strip()[1:-1]


def check_place(addition: Addition) -> None:
    """Raise where something stands in the way, before anything is asked or written.

    Raises:
        SeqrecError: the place is taken, the disk too full, or the project not under DVC.
    """
    check_dvc(addition.root)
    if addition.pointer.exists():
        raise SeqrecError(
            f"{addition.pointer} is there already; `dvc pull` fetches what it stands for"
        )
    others = sorted(path.name for path in addition.folder.glob("*"))
    if others and not (addition.in_place and others == [addition.file.name]):
        raise SeqrecError(
            f"{addition.folder} holds {others[0]} already; move it away or choose another name"
        )
    # The copy, and that in DVC's cache.
    copies = 1 if addition.in_place or addition.link else 2
    needed = copies * addition.file.stat().st_size
    free = shutil.disk_usage(addition.root).free
    if needed > free:
        raise SeqrecError(
            f"no space left on the disk for {addition.file}: it takes {needed:,} bytes here and in"
            f" DVC's cache, {free:,} are free; free some"
        )


def check_dvc(root: Path) -> None:
    """Raise where the project is not under DVC, or not under git.

    Raises:
        SeqrecError: it is not; the message names the command.
    """
    from dvc.exceptions import DvcException, NotDvcRepoError
    from dvc.repo import Repo

    try:
        Repo(str(root)).close()
    except NotDvcRepoError:
        raise SeqrecError(
            f"{root} is not under DVC; run `git init` if it is not under git, then `dvc init`"
        ) from None
    except DvcException as error:
        raise SeqrecError(f"DVC: {_one_line(error)}; run `git init`") from None
    except sqlite3.Error as error:  # DVC's notes of what it has seen
        raise SeqrecError(f"DVC: {_one_line(error)}; free some space on the disk") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).removesuffix(".")


def add(addition: Addition) -> None:
    """Put the file in its place, write the parameters and hand the log over to DVC.

    Args:
        addition: what was checked by ``check_place``.

    Raises:
        SeqrecError: it cannot be done; the project is then as it was.
    """
    listed = addition.root / GLOBALS
    ignored = addition.folder.with_name(".gitignore")  # where DVC notes what git need not see
    try:
        with ExitStack() as stack:
            for path in (addition.block_file, listed, addition.pointer, ignored):
                stack.enter_context(as_it_was_on_failure(path))
            if not addition.in_place:
                stack.enter_context(new_folder(addition.folder))
                place_file(addition)
            if addition.block is not None:
                _write(addition.block_file, addition.block)
            text = listed.read_text(encoding="utf-8")
            _write(listed, with_dataset(text, addition.name, listed))
            dvc_add(addition.root, addition.folder)
    except OSError as error:
        reason = "no space left on the disk" if is_disk_full(error) else error.strerror or error
        raise SeqrecError(
            f"cannot add {addition.name}: {reason}; nothing was kept, mend it and run it again"
        ) from error


@contextmanager
def as_it_was_on_failure(path: Path) -> Iterator[None]:
    """Restore a file, or its absence, if the block fails."""
    before = path.read_bytes() if path.exists() else None
    try:
        yield
    except BaseException:
        if before is None:
            path.unlink(missing_ok=True)
        elif path.read_bytes() != before:
            path.write_bytes(before)
        raise


@contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """Make a folder, which is gone with all that is in it if the block fails."""
    was_there = folder.is_dir()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder)
        if was_there:
            folder.mkdir()
        raise


def place_file(addition: Addition) -> None:
    """Copy the file to its place, or link it there.

    Raises:
        SeqrecError: the file system has no such link.
    """
    if not addition.link:
        shutil.copyfile(addition.file, addition.target)
        return
    try:
        os.link(addition.file.resolve(), addition.target)
    except OSError as error:
        reason = error.strerror or error
        raise SeqrecError(
            f"{addition.file} cannot be linked into {addition.folder} ({reason}); leave out --link"
        ) from None


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def with_dataset(text: str, name: str, place: Path) -> str:
    """Return the text of globals with a data set more; every other byte stays.

    YAML's own writer would move the comments between the entries.

    Args:
        text: of ``globals.yml``.
        name: of the data set.
        place: the file, for the message.

    Raises:
        SeqrecError: there is no list ``datasets`` in it.
    """
    document = yaml.compose(text, Loader=yaml.SafeLoader)
    pairs = document.value if isinstance(document, yaml.MappingNode) else []
    found = [value for key, value in pairs if key.value == "datasets"]
    if not found or not isinstance(found[0], yaml.SequenceNode) or not found[0].value:
        raise SeqrecError(f"{place}: no list 'datasets' with an entry; write it, one name a line")
    entries = found[0].value
    if name in [entry.value for entry in entries]:
        return text
    last = entries[-1].end_mark
    if found[0].flow_style:
        return f"{text[: last.index]}, {_flow(name)}{text[last.index :]}"
    lines = text.splitlines(keepends=True)
    lines[last.line] = lines[last.line].rstrip("\n") + "\n"
    indent = " " * found[0].start_mark.column
    lines.insert(last.line + 1, f"{indent}- {_flow(name)}\n")
    return "".join(lines)


@contextmanager
def nothing_cached_on_failure(cache: Path, folder: Path) -> Iterator[None]:
    """Take out of DVC's cache what it holds of the folder's files, if the block fails.

    A disk that is full would stay so: DVC leaves the beginning of a file in its cache. What is of
    other files stays, for another process may be writing it.
    """
    before = set(cache.glob("??/*"))
    try:
        yield
    except BaseException:
        for file in folder.iterdir():
            with file.open("rb") as opened:
                digest = hashlib.file_digest(opened, "md5").hexdigest()
            for path in set((cache / digest[:2]).glob("*")) - before:
                if path.name == digest[2:] or path.suffix == ".tmp":
                    path.unlink(missing_ok=True)
        raise


def dvc_add(root: Path, folder: Path) -> None:
    """Hand a folder over to DVC, as ``dvc add`` does.

    Raises:
        SeqrecError: DVC refuses it, or would not find it again.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            # git hears of it when all is well, and of all the files at once.
            repo.scm_context.autostage, repo.scm_context.quiet = False, True
            with nothing_cached_on_failure(Path(repo.cache.local.path), folder):
                (added,) = repo.add(str(folder))
        with Repo(str(root)) as repo:
            found = {stage.path for stage in repo.index.stages}
    except (DvcException, sqlite3.Error) as error:
        raise SeqrecError(f"dvc add {folder}: {_one_line(error)}; nothing was kept") from error
    if added.path not in found:
        # `dvc push` would say that all is up to date.
        raise SeqrecError(
            f"DVC reads .gitignore so that {added.path} is ignored, and would pass over it; "
            "mend .gitignore"
        )
