"""What docs/extend.md adds to the project: files, rows of files, and blocks that use them.

A block with a file's name as its title is that file, or, as a diff, what changes in it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from tests.conftest import ROOT

PAGE = ROOT / "docs/extend.md"
FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block of a section."""

    language: str
    title: str
    """The file that it is about, none where it uses what was added."""
    text: str


def section(name: str) -> str:
    """Return a section of the page."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"^## {re.escape(name)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"docs/extend.md has no section '{name}'"
    return found[1]


def sections() -> list[str]:
    """Return the names of the sections."""
    return re.findall(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def blocks(name: str) -> list[Block]:
    """Return the blocks of a section, in order."""
    return [Block(*found) for found in FENCE.findall(section(name))]


def add(name: str, folder: Path) -> set[str]:
    """Do what a section says in a copy of the project, and return the files it is about."""
    about = [block for block in blocks(name) if block.title]
    for block in about:
        path = folder / block.title
        if block.language == "diff":
            before = path.read_text(encoding="utf-8")
            path.write_text(changed(before, block), encoding="utf-8")
        else:
            assert not path.exists(), f"{block.title} exists"
            path.write_text(block.text, encoding="utf-8")
    return {block.title for block in about}


def changed(text: str, block: Block) -> str:
    """Return a text with the hunks of a diff, each of which fits in one place."""
    for hunk in re.split(r"^@@\n", block.text, flags=re.MULTILINE):
        lines = hunk.splitlines(keepends=True)
        assert all(line[0] in " +-" for line in lines), hunk
        old = "".join(line[1:] for line in lines if line[0] in " -")
        new = "".join(line[1:] for line in lines if line[0] in " +")
        assert f"\n{text}".count(f"\n{old}") == 1, f"{block.title} has not one place for\n{hunk}"
        text = f"\n{text}".replace(f"\n{old}", f"\n{new}")[1:]
    return text
