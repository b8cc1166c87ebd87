"""``python -m seqrec`` runs the project as ``kedro run`` does, from any folder of it."""

import sys
from typing import Any

from kedro.framework.startup import bootstrap_project

from seqrec.cli import errors_in_one_line, project_root, run


def main(*args: Any, **kwargs: Any) -> Any:
    """Run the pipelines; the arguments are those of ``kedro run``."""
    with errors_in_one_line():
        bootstrap_project(project_root())
    return run(*args, standalone_mode=not hasattr(sys, "ps1"), **kwargs)


if __name__ == "__main__":
    main()
