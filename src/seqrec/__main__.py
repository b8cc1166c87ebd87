"""``python -m seqrec`` runs the project as ``kedro run`` does, from the project's folder."""

import sys
from pathlib import Path
from typing import Any

from kedro.framework.startup import bootstrap_project


def main(*args: Any, **kwargs: Any) -> Any:
    """Run the pipelines; the arguments are those of ``kedro run``."""
    bootstrap_project(Path.cwd())
    from seqrec.cli import run

    return run(*args, standalone_mode=not hasattr(sys, "ps1"), **kwargs)


if __name__ == "__main__":
    main()
