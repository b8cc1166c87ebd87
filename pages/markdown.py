"""Markdown as the generated pages write it."""

import re
import textwrap
from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest

WIDTH = 110
MADE_BY = "<!-- Written by `python -m pages`; change what it is made of, not this page. -->"


def page(title: str, *blocks: str) -> str:
    """Return a whole page: its title, and blocks between blank lines."""
    return "\n\n".join([f"# {title}", MADE_BY, *filter(None, blocks)]) + "\n"


def prose(text: str) -> str:
    """Return a paragraph, or an entry of a list, in lines that are no longer than the house's."""
    words, inner = " ".join(text.split()), "  " if text.startswith("- ") else ""
    return textwrap.fill(
        words, WIDTH, subsequent_indent=inner, break_long_words=False, break_on_hyphens=False
    )


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table, nothing where it has no rows."""
    lines = [_row(row) for row in rows]
    return "\n".join([_row(header), _row(["---"] * len(header)), *lines]) if lines else ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def code(text: str) -> str:
    """Return a text as code, whatever stands in it."""
    if "`" not in text:
        return f"`{text}`"
    return f"`` {text} ``"


def codes(texts: Iterable[str]) -> str:
    """Return several texts as code, between commas."""
    return ", ".join(map(code, texts))


def anchored(name: str, anchor: str = "") -> str:
    """Return a name as code, with an anchor to link to, its own name unless given."""
    return f'<a id="{anchor or name}"></a>{code(name)}'


def escaped(text: str) -> str:
    """Return a plain text in one line, in which nothing but its backticks means anything."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    plain = (re.sub(r"([\\*_])", r"\\\1", part).replace("<", "&lt;") for part in parts[::2])
    return "".join(chain.from_iterable(zip_longest(plain, parts[1::2], fillvalue="")))


def from_docstring(text: str) -> str:
    """Return a docstring in one line, its double backticks as code."""
    return re.sub(r"``(.+?)``", r"`\1`", " ".join(text.split()))


def first_sentence(text: str) -> str:
    """Return the first sentence of a docstring, without its full stop."""
    first = from_docstring(text.strip().partition("\n\n")[0])
    return re.split(r"\.(?=\s+[A-Z`]|$)", first)[0]


def capitalised(text: str) -> str:
    """Return a text with a capital, unless it begins with a name or code."""
    word = text.partition(" ")[0].strip(",;")
    return text[:1].upper() + text[1:] if word.isalpha() and word.islower() else text
