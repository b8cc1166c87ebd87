"""``seqrec`` runs the project as ``kedro run`` does, from any folder of it.

``seqrec evaluate-checkpoint`` needs no project, ``seqrec add-dataset`` no run of one;
``python -m seqrec`` is the same as ``seqrec``.
"""

import sys
from typing import Any

from seqrec.add_dataset import command as add_dataset_command
from seqrec.interop import command as checkpoint_command

COMMANDS = {
    checkpoint_command.NAME: checkpoint_command.evaluate_checkpoint,
    add_dataset_command.NAME: add_dataset_command.add_dataset,
}
"""What stands beside the run."""


def main(*args: Any, **kwargs: Any) -> Any:
    """Run the pipelines; the arguments are those of ``kedro run``, or name another command."""
    given = args[0] if args else kwargs.pop("args", None)
    arguments = sys.argv[1:] if given is None else list(given)
    options = {"standalone_mode": not hasattr(sys, "ps1"), **kwargs}
    if command := COMMANDS.get(arguments[0] if arguments else ""):
        return command(arguments[1:], prog_name=f"seqrec {arguments[0]}", **options)
    # Kedro comes with them: not for a command that has no project.
    from kedro.framework.startup import bootstrap_project

    from seqrec.cli import errors_in_one_line, run
    from seqrec.project import project_root

    if not {"-h", "--help"} & set(arguments):
        with errors_in_one_line():
            bootstrap_project(project_root())
    return run(arguments, **options)


if __name__ == "__main__":
    main()
