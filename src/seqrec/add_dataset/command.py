"""``seqrec add-dataset``: a log of one's own, from a file to a data set under DVC."""

from pathlib import Path
from typing import Any

import click

from seqrec.errors import SeqrecError

NAME = "add-dataset"
FORM = ("reader", "member", "separator")
"""The options on the form of the file; the others name its columns."""
TAB = r"\t"


@click.command(NAME, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--user", metavar="COLUMN", help="Who: found by its name unless given.")
@click.option("--item", metavar="COLUMN", help="What.")
@click.option("--timestamp", metavar="COLUMN", help="When; none: the rows stand in order.")
@click.option("--rating", metavar="COLUMN", help="How good, where the log says so.")
@click.option("--separator", help="What stands between two columns, \\t for a tab.")
@click.option("--reader", help="The form of the file: table, sequence_lines, amazon_reviews …")
@click.option("--member", help="The file inside a zip or tar archive.")
@click.option(
    "--link",
    is_flag=True,
    help="A hard link instead of a copy. DVC puts its own copy in its place, or with its setting"
    " cache.type=hardlink keeps the one file, which then is read-only.",
)
@click.option("--yes", is_flag=True, help="Write without asking.")
def add_dataset(name: str, file: Path, link: bool, yes: bool, **options: str | None) -> None:
    """Make FILE the data set NAME of this project.

    Finds out how the file is read and which columns it has, shows that, and then copies the file
    to data/01_raw/NAME, writes conf/base/parameters/datasets/NAME.yml, lists NAME in
    conf/base/globals.yml and runs `dvc add`.
    """
    # Kedro, Arrow and DVC come with them: not for --help.
    from seqrec.add_dataset.addition import add
    from seqrec.add_dataset.display import is_wanted, show, show_what_comes_next
    from seqrec.add_dataset.plan import plan

    named: Any = {key: value for key, value in options.items() if value is not None}
    form = {key: named.pop(key) for key in FORM if key in named}
    if form.get("separator") == TAB:
        form["separator"] = "\t"
    try:
        addition = plan(name, file, columns=named, form=form, link=link)
        show(addition)
        if not (yes or is_wanted()):
            click.echo("nothing was written")
            raise SystemExit(1)
        add(addition)
    except SeqrecError as error:
        click.echo(f"error: {error}", err=True)
        raise SystemExit(1) from None
    show_what_comes_next(addition)
