"""docs/questions.md: what people ask, written by hand, and every error line, from the code."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from pages.errors import Line, lines
from pages.markdown import code, page, prose

BY_HAND = Path(__file__).with_name("questions.md")
GROUPS = (
    ("A log of your own", ("add_dataset",)),
    ("Fetching a log", ("preparation/download",)),
    ("Filtering, order and split", ("preparation/date_window", "preparation/filtering")),
    ("Filtering, order and split", ("preparation/sequences", "batches")),
    ("Reading a log", ("readers", "preparation")),
    ("Results and their book", ("reporting", "pipelines/reporting", "plotting", "cell")),
    ("Export", ("export", "pipelines/model_export")),
    ("Weights of the models' authors", ("interop",)),
    ("The service", ("service",)),
    ("Spark", ("spark",)),
    ("Estimates", ("estimates",)),
    ("Python", ("notebook",)),
    ("Lists", ("recommendation",)),
    ("Tuning and sensitivity", ("tuning",)),
    ("Measuring", ("evaluation", "protocol")),
    ("Trained models", ("models/folder",)),
    ("Parameters", ("parameters", "models")),
    ("Training", ("training", "losses", "machine/devices", "machine/processes")),
    ("Training", ("machine/together", "evidence")),
    ("Runs, folders and files", ("cli", "commands", "hooks", "project", "files", "datasets")),
    ("Runs, folders and files", ("machine/locks",)),
)
"""Where a user meets an error, and which modules make it; the first that fits counts."""
ORDER = (
    *("Runs, folders and files", "Parameters", "A log of your own", "Fetching a log"),
    *("Reading a log", "Filtering, order and split", "Training", "Trained models", "Measuring"),
    *("Tuning and sensitivity", "Results and their book", "Lists", "Export", "The service"),
    *("Python", "Estimates", "Spark", "Weights of the models' authors"),
)
"""The groups as a user walks through them."""
INTRODUCTION = """
An error that is meant for the user is one line, `error: …`, from Python `seqrec.SeqrecError`: the
thing, the place and, after the semicolon, the remedy. Words in capitals stand for what the line
names. Where a name is unknown and none is near, the line lists those there are. In italics stands
what a line comes from, where it does not say so itself. Anything with a traceback is a mistake of
the program, not yours.
"""
ABOUT = {
    "Parameters": "A value of a wrong type, or beyond its limits, is refused as `parameter NAME: "
    "input should be …`; [the parameters](reference/parameters.md) say what may stand there.",
    "Reading a log": "What single rows are refused for stands in [your own log](logs.md).",
    "The service": "The number is the status of HTTP, the line the field `error` of the answer.",
}
"""What is to be known of a group."""


def write() -> str:
    """Return the page."""
    by_hand = BY_HAND.read_text(encoding="utf-8").strip()
    return page("Questions", by_hand, "## Every error", prose(INTRODUCTION), *_groups())


def _groups() -> Iterator[str]:
    found: dict[str, list[Line]] = defaultdict(list)
    for line in lines():
        found[group_of(line.module)].append(line)
    for title in ORDER:
        yield f"### {title}"
        yield prose(ABOUT.get(title, ""))
        yield from _by_cause(found[title])


def group_of(module: str) -> str:
    """Return the group of a module.

    Raises:
        LookupError: it is in none; ``GROUPS`` is to name its room.
    """
    for title, rooms in GROUPS:
        if any(f"{module}/".startswith(f"{room}/") for room in rooms):
            return title
    raise LookupError(f"{module} has errors and stands in no group of pages/questions.py")


def _by_cause(found: Iterable[Line]) -> Iterator[str]:
    """Yield a list of single lines, then the lines that come from one thing together."""
    causes: dict[str, Counter[str]] = defaultdict(Counter)
    for line in found:
        causes[line.cause][line.text] += 1
    alone = {cause for cause, texts in causes.items() if not cause or len(texts) == 1}
    single = [
        (cause, entry) for cause in causes if cause in alone for entry in _entries(causes[cause])
    ]
    yield "\n".join(f"{entry}<br>\n  *{cause}*" if cause else entry for cause, entry in single)
    for cause in (cause for cause in causes if cause not in alone):
        yield f"*{cause}:*"
        yield "\n".join(_entries(causes[cause]))


def _entries(texts: Counter[str]) -> Iterator[str]:
    for text, times in texts.items():
        yield f"- {code(text)}{f' (in {times} places)' if times > 1 else ''}"
