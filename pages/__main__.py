"""``python -m pages``: write the generated pages, or with ``--check`` see that they are in place.

docs/first_steps.md is no part of the check: it is made whenever the site is, and kept nowhere.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import click

from pages import catalog, commands, first_steps, parameters, questions
from pages.settings import ROOT

DOCS = ROOT / "docs"
PAGES: dict[str, Callable[[], str]] = {
    "reference/parameters.md": parameters.write,
    "reference/catalog.md": catalog.write,
    "reference/commands.md": commands.write,
    "questions.md": questions.write,
}
"""The pages that are kept, and what makes each."""


@click.command()
@click.option(
    "--check", is_flag=True, help="Write nothing; fail where a page is not what it would be."
)
def main(check: bool) -> None:
    """Write the generated pages of the documentation."""
    if check:
        wrong = next((name for name, make in PAGES.items() if _read(DOCS / name) != make()), None)
        if wrong:
            click.echo(f"docs/{wrong} is not what it is made of; run `python -m pages`", err=True)
            sys.exit(1)
        return
    for name, make in PAGES.items():
        path = DOCS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(make(), encoding="utf-8")
    first_steps.write(DOCS)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


if __name__ == "__main__":
    main()
