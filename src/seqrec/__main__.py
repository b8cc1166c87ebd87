"""``python -m seqrec``, and the face of the package for code that runs it.

Both are what Kedro documents for a packaged project: without a command the options are those of a
run, and without options it is a run.
"""

import sys
from typing import Any

from seqrec.commands import cli


def main(args: list[str] | None = None, **options: Any) -> Any:
    """Run a command of ``seqrec``, or the pipelines if none is named.

    Args:
        args: what would stand on the command line, ``["--env", "test"]``; that of the process
            unless given.
        options: of ``click.Command.main``.

    Returns:
        What the run leaves in memory, to an interactive session; elsewhere the program ends.
    """
    arguments = sys.argv[1:] if args is None else list(args)
    options = {"standalone_mode": not hasattr(sys, "ps1"), **options}
    return cli.main(arguments or ["run"], **options)


if __name__ == "__main__":
    main()
