"""What a page of the documentation shows: its blocks, the commands in them, and their output.

The signs that pages use stand in CONTRIBUTING.md ("Pages").
"""

import re
import subprocess
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt

RUN = ("console", "sh", "python", "pycon")
"""The languages of blocks that are run."""
NOT_COMMANDS = (
    "text",
    "diff",
    "yaml",
    "toml",
    "json",
    "csv",
    "html",
    "ini",
    "mermaid",
    "dockerfile",
)
PROMPTS = {"console": ("$ ", "> "), "pycon": (">>> ", "... ")}
"""Of transcripts: before a command, and before its further lines."""
ANYTHING = "…"
"""Alone on a line: any lines, or none. In a line: any characters."""
RELATIVE, ABSOLUTE = 0.05, 0.02
"""Decimal numbers are equal that lie no further apart than one of these."""

MARK = re.compile(r"<!--\s*(not run|run by):\s*(.*?)\s*-->", re.DOTALL)
NUMBER = r"\d[\d,]*(?:\.\d+)?"
MASKED = (
    (re.compile(r"\b\d\d?:\d\d:\d\d\b"), "TIME"),
    (re.compile(rf"{NUMBER} ([a-z]+)/s\b"), r"RATE \1/s"),
    (re.compile(rf"{NUMBER} ?(?:ms|s|min|h|seconds?|minutes?|hours?)\b"), "SPAN"),
    (re.compile(rf"{NUMBER} ?(?:bytes|[kKMGT]?i?B)\b"), "SIZE"),
    (re.compile(r"[─━-]{3,}"), "LINE"),
)
ANY_DECIMAL = r"(-?\d[\d,]*\.\d+(?:e[+-]?\d+)?)"
DECIMAL = re.compile(r"((?<![\w.,])-?\d[\d,]*\.\d+(?:e[+-]?\d+)?(?!\w|\.\d))")


class Block(NamedTuple):
    """A fenced block of a page."""

    line: int
    language: str
    text: str
    not_run: str | None = None
    """Why it is not."""
    run_by: tuple[str, ...] | None = None
    """The tests that run it."""


class Exchange(NamedTuple):
    """A command or statement, and what a page says it prints: None where it does not say."""

    command: str
    output: list[str] | None = None


def blocks_of(page: str) -> Iterator[Block]:
    """Yield the blocks of a page in order, each with the mark that stands right before it."""
    mark: tuple[str, str] | None = None
    for token in MarkdownIt("commonmark").parse(page):
        if token.type == "fence":
            kind, said = mark or ("", "")
            line = token.map[0] + 1 if token.map else 0
            yield Block(
                line,
                token.info.partition(" ")[0],
                token.content,
                said if kind == "not run" else None,
                tuple(re.findall(r"tests/[\w/]+\.py", said)) if kind == "run by" else None,
            )
        found = MARK.fullmatch(token.content.strip()) if token.type == "html_block" else None
        mark = (found[1], found[2]) if found else None


def faults_of(block: Block, root: Path) -> list[str]:
    """Return what is wrong with how a block is marked."""
    faults = []
    if block.language not in (*RUN, *NOT_COMMANDS):
        faults.append(f"language '{block.language}' is none of {', '.join((*RUN, *NOT_COMMANDS))}")
    if block.language not in RUN and re.search(r"^\$ ", block.text, flags=re.MULTILINE):
        faults.append("shows commands after '$': call it console")
    if block.not_run == "":
        faults.append("is not run, and does not say why")
    if block.run_by == ():
        faults.append("names no test that runs it")
    for name in block.run_by or ():
        if not (root / name).is_file():
            faults.append(f"is run by {name}: no such file")
    return faults


def exchanges_of(block: Block) -> Iterator[Exchange]:
    """Yield the commands of a block, with what they print where it is a transcript.

    Raises:
        ValueError: a transcript begins with something else than a command.
    """
    lines = block.text.splitlines()
    if block.language not in PROMPTS:
        yield from map(Exchange, commands_of(lines) if block.language == "sh" else [block.text])
        return
    first, more = PROMPTS[block.language]
    while lines:
        begun, *lines = lines
        if not begun.startswith(first):
            raise ValueError(f"line {begun!r} of a transcript stands before the first command")
        command = begun.removeprefix(first)
        while lines and goes_on(block.language, command, lines[0]):
            command += "\n" + lines.pop(0).removeprefix(more)
        end = next((n for n, line in enumerate(lines) if line.startswith(first)), len(lines))
        yield Exchange(command, lines[:end])
        lines = lines[end:]


def goes_on(language: str, command: str, line: str) -> bool:
    """Tell whether a line goes on with the command before it, and is not its output."""
    return line.startswith("...") if language == "pycon" else not is_whole(command)


def commands_of(lines: Sequence[str]) -> Iterator[str]:
    """Yield the commands of a script, each with the lines that go on with it."""
    begun: list[str] = []
    for line in lines:
        if not begun and (not line.strip() or line.lstrip().startswith("#")):
            continue
        begun.append(line)
        if is_whole("\n".join(begun)):
            yield "\n".join(begun)
            begun = []
    if begun:
        yield "\n".join(begun)


def is_whole(command: str) -> bool:
    """Tell whether the shell would run the command, and not wait for more lines of it."""
    if command.endswith("\\"):
        return False
    if not re.search(r"['\"(<{]|\b(do|then)\b", command):
        return True
    told = subprocess.run(["bash", "-n"], input=command, capture_output=True, text=True)
    return told.returncode == 0 and not told.stderr


def mismatch(expected: Sequence[str], printed: Sequence[str]) -> str | None:
    """Say where the lines that were printed are not those of a page; None where they are.

    Blank lines, and how wide a blank is, do not count.
    """
    head, *others = _pieces([line for line in map(_plain, expected) if line])
    found = [line for line in map(_plain, printed) if line]
    if told := _told(head, found):
        return told
    rest = found[len(head) :]
    if not others:
        return f"more is printed than the page has: {rest[0]}" if rest else None
    *between, tail = others
    for piece in between:
        places = range(len(rest) - len(piece) + 1)
        place = next((n for n in places if not _told(piece, rest[n:])), None)
        if place is None:
            return _missing(piece, rest)
        rest = rest[place + len(piece) :]
    return _told(tail, rest[max(0, len(rest) - len(tail)) :])


def _plain(line: str) -> str:
    """Return a line as a terminal shows it, its blanks made one."""
    return " ".join(line.rpartition("\r")[2].split())


def _pieces(lines: Sequence[str]) -> list[list[str]]:
    """Return the runs of lines between those that stand for any."""
    pieces: list[list[str]] = [[]]
    for line in lines:
        if line == ANYTHING:
            pieces.append([])
        else:
            pieces[-1].append(line)
    return pieces


def _told(expected: Sequence[str], printed: Sequence[str]) -> str | None:
    """Say which of the expected lines is not the printed one in its place."""
    for number, line in enumerate(expected):
        if number >= len(printed):
            return f"not printed: {line}"
        if not same_line(line, printed[number]):
            return f"the page has\n    {line}\nand what is printed is\n    {printed[number]}"
    return None


def _missing(piece: Sequence[str], printed: Sequence[str]) -> str:
    """Say what of the lines, which should stand together, is not printed in its turn."""
    line = next((line for line in piece if not any(same_line(line, o) for o in printed)), None)
    if line is None:
        return "not printed together, or not in this order:\n    " + "\n    ".join(piece)
    nearest = get_close_matches(line, printed, n=1, cutoff=0.3)
    told = (f"not printed in its turn:\n    {line}", *(f"nearest:\n    {o}" for o in nearest))
    return "\n".join(told)


def same_line(expected: str, printed: str) -> bool:
    """Tell whether a line is the one of a page, but for times and the last digits of decimals."""
    wanted, got = (_masked(line) for line in (expected, printed))
    texts, decimals = DECIMAL.split(wanted)[::2], DECIMAL.findall(wanted)
    pattern = ANY_DECIMAL.join(re.escape(text).replace(ANYTHING, ".*") for text in texts)
    found = re.fullmatch(pattern, got)
    return found is not None and all(map(_near, decimals, found.groups()))


def _masked(line: str) -> str:
    for pattern, mask in MASKED:
        line = pattern.sub(mask, line)
    return line


def _near(expected: str, printed: str) -> bool:
    one, other = (float(number.replace(",", "")) for number in (expected, printed))
    return abs(one - other) <= max(ABSOLUTE, RELATIVE * abs(one))
