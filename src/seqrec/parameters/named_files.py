"""``raw.file`` and ``raw.titles.file``: files by their paths, spelled out as ``raw``."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from seqrec.parameters.raw_sections import Column, LogForm, RawOptions, Separator
from seqrec.parameters.section import Section
from seqrec.parameters.section_checks import check_values
from seqrec.parameters.sections import UserPath, merged

Parameters = dict[str, Any]
Name = Annotated[str, Field(min_length=1)]


class SingleRawFile(LogForm):
    """``raw.file``: one file by its path, the short form of ``raw.files`` and ``raw_dir``."""

    file: UserPath
    """The log: a file, a folder of parts, or a pattern such as ``logs/*.csv.gz``."""
    reader: Name = "table"
    """What reads it: ``table``, ``json_lines``, ``sequence_lines`` or a publisher's own form."""


class SingleTitlesFile(Section):
    """``raw.titles.file``: titles by the path of their file, the short form of ``raw.titles``."""

    file: UserPath
    """The table of titles."""
    reader: Name = "table"
    """What reads it: ``table``, ``json_lines``, or a publisher's own form."""
    member: str | None = None
    """The file inside a zip or tar archive."""
    item: Column = "item_id"
    """The column, or key, with the ids of the log; its position where there is no header."""
    title: Column = "title"
    """The column, or key, with the titles."""
    separator: Separator = None
    """What stands between two columns of a CSV; absent: guessed from the header line."""


def named_files(raw: Parameters) -> tuple[Parameters, str | None]:
    """Spell out ``raw.file`` as ``raw.files`` and the folder it lies in."""
    own_titles = isinstance(raw.get("titles"), dict)
    raw = _named_titles(raw)
    if "file" not in raw:
        return _with_form(raw), None
    # The user's own file stands for whatever the data set's block says about files.
    short = {key: value for key, value in raw.items() if key not in RawOptions.model_fields}
    single = check_values(SingleRawFile, short, "raw")
    path = Path(single.file)
    entry = {"name": path.name, **single.model_dump(exclude={"file"})}
    titles = {"titles": raw["titles"]} if own_titles else {}
    return {"files": [entry], **titles}, str(path.parent)


def _with_form(raw: Parameters) -> Parameters:
    """Let what ``raw.missing``, ``raw.encoding`` and so on say count for each configured file."""
    form = {key: value for key, value in raw.items() if key in LogForm.model_fields}
    if not form or not isinstance(raw.get("files"), list):
        return raw
    rest = {key: value for key, value in raw.items() if key not in form}
    return {**rest, "files": [merged(file, form) for file in raw["files"]]}


def _named_titles(raw: Parameters) -> Parameters:
    """Spell out ``raw.titles.file`` as ``raw.titles``; null stands for none."""
    titles = raw.get("titles")
    if titles is None:
        return {key: value for key, value in raw.items() if key != "titles"}
    if not isinstance(titles, dict):
        return raw
    single = check_values(SingleTitlesFile, titles, "raw.titles")
    # Beside a log that lies elsewhere a path is only found where it is whole.
    entry = {"name": str(Path(single.file).absolute()), **single.model_dump(exclude={"file"})}
    return {**raw, "titles": [entry]}
