"""What to do about a table that is not there, or damaged."""

from pathlib import Path

from seqrec.errors import SeqrecError


def check_made(path: Path, made_by: str) -> None:
    """Raise one line that names the pipeline to run, unless the path is there."""
    if path.exists():
        return
    first = " first" if made_by else ""
    raise SeqrecError(f"{path} does not exist{run_again(made_by)}{first}")


def run_again(made_by: str) -> str:
    """Return the end of a line that says which pipeline makes what is missing or damaged."""
    return f"; run `kedro run --pipeline {made_by}` with the same --params" if made_by else ""
