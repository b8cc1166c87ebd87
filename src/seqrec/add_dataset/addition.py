"""A raw log becomes a data set of the project: its file, its parameters and its place in DVC.

All of it or nothing: whatever fails, the project is as it was. What DVC had begun to copy into its
cache may stay there, as after any `dvc add` that fails; `dvc gc` clears it.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from seqrec.add_dataset.data_sets import GLOBALS, RAW_FOLDER, with_dataset
from seqrec.add_dataset.dvc import check_dvc, dvc_add
from seqrec.errors import SeqrecError
from seqrec.files import remove, replacing
from seqrec.parameters.raw_sections import RawFileOptions


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


def check_new(root: Path, name: str) -> None:
    """Raise a SeqrecError where a data set has a log already, whatever is said of the new one."""
    folder = root / RAW_FOLDER / name
    pointer = folder.parent / f"{name}.dvc"  # the name is not checked yet
    if not pointer.exists():
        return
    files = sorted(path for path in folder.glob("*") if not path.name.startswith("."))
    if files:
        raise SeqrecError(
            f"{pointer} is there already; for newer rows write them into {files[0]} and run "
            f"`kedro run --params dataset={name}` again, or choose another name"
        )
    raise SeqrecError(f"{pointer} is there already; `dvc pull` fetches what it stands for")


def check_place(addition: Addition) -> None:
    """Raise where something stands in the way, before anything is asked or written.

    Raises:
        SeqrecError: the place is taken, the disk too full, or the project not under DVC.
    """
    check_dvc(addition.root)
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


def add(addition: Addition) -> None:
    """Put the file in its place, write the parameters and hand the log over to DVC.

    Args:
        addition: what was checked by ``check_place``.

    Raises:
        SeqrecError: it cannot be done; the project is then as it was.
    """
    global_values = addition.root / GLOBALS
    ignored = addition.folder.with_name(".gitignore")  # where DVC notes what git need not see
    files = (addition.block_file, global_values, addition.pointer, ignored)
    with as_it_was_on_failure(addition.folder, *files):
        if not addition.in_place:
            place_file(addition)
        if addition.block is not None:
            _write(addition.block_file, addition.block)
        text = global_values.read_text(encoding="utf-8")
        _write(global_values, with_dataset(text, addition.name, global_values))
        dvc_add(addition.root, addition.folder)


@contextmanager
def as_it_was_on_failure(folder: Path, *files: Path) -> Iterator[None]:
    """Restore small files, or their absence, and what a folder held, if the block fails."""
    contents = {path: path.read_bytes() if path.exists() else None for path in files}
    inside = set(folder.iterdir()) if folder.is_dir() else None
    try:
        yield
    except BaseException:
        for path in set(folder.glob("*")) - (inside or set()):
            remove(path)
        if inside is None and folder.is_dir():
            folder.rmdir()
        for path, content in contents.items():
            if content is None:
                remove(path)
            elif path.read_bytes() != content:
                path.write_bytes(content)
        raise


def place_file(addition: Addition) -> None:
    """Copy the file to its place, or link it there.

    Raises:
        SeqrecError: it cannot be written, or the file system has no such link.
    """
    with replacing(addition.target) as temporary:
        if not addition.link:
            shutil.copyfile(addition.file, temporary)
            return
        try:
            os.link(addition.file.resolve(), temporary)
        except OSError as error:
            raise SeqrecError(
                f"{addition.file} cannot be linked into {addition.folder} "
                f"({error.strerror or error}); leave out --link"
            ) from None


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
