"""Tables to read, as Markdown for people and as LaTeX (booktabs) for a paper."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import pandas as pd

Style = Literal["plain", "bold", "italic"]

LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "±": r"$\pm$",
    "−": r"$-$",
    "–": "--",
}

LATEX_COMMANDS: dict[Style, str] = {
    "plain": "{}",
    "bold": r"\textbf{{{}}}",
    "italic": r"\emph{{{}}}",
}

MARKDOWN_MARKS: dict[Style, str] = {"plain": "{}", "bold": "**{}**", "italic": "*{}*"}


@dataclass(frozen=True)
class Entry:
    """What stands in one place of a table."""

    text: str
    style: Style = "plain"


Row = tuple[Entry, ...]


@dataclass(frozen=True)
class View:
    """A table to read, before it is Markdown or LaTeX."""

    section: str
    """The data set."""
    heading: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str
    """What the table shows, in a sentence or two."""


class PrintedTable(NamedTuple):
    """A table in its three forms."""

    table: pd.DataFrame
    """Long, to compute with."""
    markdown: str
    latex: str


def printed(title: str, table: pd.DataFrame, views: Iterable[View]) -> PrintedTable:
    """Return a long table with its page and its LaTeX.

    Args:
        title: of the page.
        table: the long one.
        views: what of it is read.
    """
    views = list(views)
    return PrintedTable(table, markdown(title, views), latex(views))


def markdown(title: str, views: Iterable[View]) -> str:
    """Return tables as a Markdown page: a section a data set, a table a heading."""
    lines = [f"# {title}", ""]
    section = None
    views = list(views)
    if not views:
        lines += ["Nothing to show: there are not results enough yet.", ""]
    for view in views:
        if view.section != section:
            section = view.section
            lines += [f"## {section}", ""]
        lines += [f"### {view.heading}", "", *_markdown_table(view), "", view.note, ""]
    return "\n".join(lines).rstrip() + "\n"


def latex(views: Iterable[View]) -> str:
    """Return tables as LaTeX, each a ``table`` with its note as the caption; needs booktabs."""
    return "\n".join(_latex_table(view) for view in views)


def _markdown_table(view: View) -> list[str]:
    escaped = _escaper({"|": r"\|", "*": r"\*"})
    rules = ["---", *["---:"] * (len(view.header) - 1)]
    lines = [[escaped(name) for name in view.header], rules]
    for row in view.rows:
        lines.append([MARKDOWN_MARKS[entry.style].format(escaped(entry.text)) for entry in row])
    return [f"| {' | '.join(line)} |" for line in lines]


def _latex_table(view: View) -> str:
    escaped = _escaper(LATEX)
    rows = [
        [LATEX_COMMANDS[entry.style].format(escaped(entry.text)) for entry in row]
        for row in view.rows
    ]
    caption = f"{view.section}, {view.heading}. {view.note}"
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escaped(caption)}}}",
        rf"\begin{{tabular}}{{l{'r' * (len(view.header) - 1)}}}",
        r"\toprule",
        " & ".join(map(escaped, view.header)) + r" \\",
        r"\midrule",
        *(" & ".join(row) + r" \\" for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _escaper(replacements: dict[str, str]) -> Callable[[str], str]:
    """Return what replaces each of some characters in one pass."""
    pattern = re.compile("|".join(map(re.escape, replacements)))
    return lambda text: pattern.sub(lambda match: replacements[match[0]], text)
