"""The data sets of a project: which names are free, and what the parameters of a new one are."""

import re
from pathlib import Path
from textwrap import indent
from typing import Any

import yaml

from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import RawFileOptions, RawOptions
from seqrec.parameters.refusals import NOT_IN_A_NAME
from seqrec.parameters.section_checks import check_section
from seqrec.parameters.sections import SCALARS, SECTIONS

GLOBALS = "conf/base/globals.yml"
RAW_FOLDER = "data/01_raw"
NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?|0o[0-7]+)")
"""What YAML 1.2 reads as a number; PyYAML knows the older rules, under which ``1e3`` is a text."""


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
    block, global_values = parameter_blocks(root).get(name), read_yaml(root / GLOBALS)
    if isinstance(block, dict) and "raw" in block:
        raw = RawOptions.model_validate(check_section("raw", block["raw"]).model_dump())
        _refuse_fetched(name, raw, global_values.get("downloads") or [])
        return raw
    if not _is_text(name):
        raise SeqrecError(
            f"data set '{name}': YAML reads this name as a number, a date, a truth value or nothing"
            f"; choose one that is text, such as log_{name}"
        )
    if block is not None or name in (*(global_values.get("models") or []), *SECTIONS, *SCALARS):
        raise SeqrecError(f"'{name}' names a model or a section of parameters; choose another name")
    return None


def _is_text(name: str) -> bool:
    """Return whether ``--params dataset=NAME``, which is YAML, would mean this name."""
    try:
        return isinstance(yaml.safe_load(name), str) and not NUMBER.fullmatch(name)
    except yaml.YAMLError:
        return False


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
    """Return the names and values of a YAML file.

    Raises:
        SeqrecError: it cannot be read, or holds something else.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise SeqrecError(f"{path} cannot be read ({reason}); mend it") from None
    if not isinstance(content, dict | None):
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
    return matching[0]


def parameter_block(name: str, options: RawFileOptions) -> str:
    """Return the parameters of a new data set as the text of their file."""
    entry = options.model_dump(exclude_defaults=True, exclude={"columns"})
    if options.columns:  # "timestamp: null" says something, "rating: null" does not
        said = options.columns.model_dump()
        entry["columns"] = {
            role: column
            for role, column in said.items()
            if column is not None or role == "timestamp"
        }
    flow = None if options.columns else False  # the columns stand on one line
    files = yaml.safe_dump(
        [entry], default_flow_style=flow, sort_keys=False, width=10**6, allow_unicode=True
    )
    text = (
        f"# A log of our own: {options.name}, added by `seqrec add-dataset`.\n"
        f"{name}:\n  raw:\n    files:\n{indent(files, ' ' * 6)}"
        f"    note: in DVC; `dvc pull {RAW_FOLDER}/{name}.dvc` fetches it\n"
        "  filtering: {user_core: 5, item_core: 5}\n"
    )
    if "${" in text:  # Kedro and DVC would take it for a reference
        raise SeqrecError(f"{options.name}: a name with '${{' cannot stand in YAML; rename it")
    return text


def with_dataset(text: str, name: str, place: Path) -> str:
    """Return the text of globals with a data set more; every other byte stays.

    Writers of YAML that keep comments move those behind the last entry, and change blanks.

    Args:
        text: of ``globals.yml``.
        name: of the data set.
        place: the file, for the message.

    Raises:
        SeqrecError: there is no list ``datasets`` in it.
    """
    document = yaml.compose(text, Loader=yaml.SafeLoader)
    pairs = document.value if isinstance(document, yaml.MappingNode) else []
    names = next((value for key, value in pairs if key.value == "datasets"), None)
    if not isinstance(names, yaml.SequenceNode) or not names.value:
        raise SeqrecError(f"{place}: no list 'datasets' with an entry; write it, one name a line")
    if name in [entry.value for entry in names.value]:
        return text
    end, entry = names.value[-1].end_mark.index, name if _is_text(name) else f"'{name}'"
    if names.flow_style:
        return f"{text[:end]}, {entry}{text[end:]}"
    end += len(text[end:].partition("\n")[0])
    ending = "" if text[end:] else "\n"
    return f"{text[:end]}\n{' ' * names.start_mark.column}- {entry}{text[end:]}{ending}"
