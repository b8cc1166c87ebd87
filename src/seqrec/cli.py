"""``kedro run``, with errors a user can act upon.

The options are Kedro's own. What differs: an error that is meant for the user ends as one line,
and names are checked before anything is imported.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from typing import Any

import click
import yaml
from kedro.config import MissingConfigException
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.cli.utils import CONTEXT_SETTINGS, KedroCliError

from seqrec.add_dataset.command import add_dataset
from seqrec.errors import SeqrecError, unknown_name
from seqrec.interop.command import evaluate_checkpoint
from seqrec.parameters.typed_paths import typed_in, with_typed_paths
from seqrec.project import project_root, working_in


@click.group(context_settings=CONTEXT_SETTINGS, name="seqrec")
def cli() -> None:
    """Commands of the project."""


def _run(
    pipeline: str | None,
    pipelines: list[str],
    params: dict[str, Any],
    conf_source: str | None,
    **options: Any,
) -> None:
    """Run the pipeline, or the pipelines, of the project."""
    with errors_in_one_line():
        if pipeline and pipelines:
            raise SeqrecError("give either --pipeline or --pipelines, not both")
        # One option under two names: the older one would only add a warning.
        names = [pipeline] if pipeline else pipelines
        _check_pipelines(names)
        root, folder = project_root(), Path.cwd()
        options["params"] = with_typed_paths(params, folder, root)
        options["conf_source"] = conf_source and typed_in(folder, root, conf_source)
        assert kedro_run.callback is not None
        with working_in(root):
            kedro_run.callback(pipeline=None, pipelines=names, **options)


run = click.Command(
    "run",
    params=kedro_run.params,
    callback=_run,
    help=_run.__doc__,
    epilog="A log of your own becomes a data set by `seqrec add-dataset`; weights of the models'"
    " authors are measured by `seqrec evaluate-checkpoint`.",
    context_settings=CONTEXT_SETTINGS,
)
cli.add_command(run)
cli.add_command(evaluate_checkpoint)
cli.add_command(add_dataset)


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """End the program with ``error: …`` and exit code 1 if the block meets a user's error.

    A mistake of the program itself keeps its traceback.
    """
    try:
        yield
    except click.ClickException:
        raise
    except Exception as error:
        line = explanation(error)
        if line is None or KedroCliError.VERBOSE_ERROR:
            raise
        # A progress bar or a half line may stand on the terminal.
        sys.stdout.flush()
        click.echo(f"error: {line}", err=True)
        raise SystemExit(1) from None


def explanation(error: BaseException) -> str | None:
    """Return the one line for an error, or None if its traceback is worth more.

    Kedro wraps what a dataset raises; the first error of the chain that speaks to the user counts.
    """
    from seqrec.files import is_disk_full

    chain = list(_chain(error))
    for link in chain:
        if isinstance(link, SeqrecError):
            return str(link)
    for link in chain:
        line = _first_line(link)
        if is_disk_full(link):
            return f"no space left on the disk: {line}; free some and run again"
        if type(link).__name__ == "OutOfMemoryException":
            return f"the data engine needs more memory, raise engine.memory_limit: {line}"
        if isinstance(link, yaml.YAMLError | MissingConfigException) or _is_about_names(link):
            return line
    return None


def _is_about_names(error: BaseException) -> bool:
    """Tell whether Kedro found no node, tag or dataset of the name the user gave."""
    frames = [frame.f_globals["__name__"] for frame, _ in walk_tb(error.__traceback__)]
    return isinstance(error, ValueError) and frames[-1:] == ["kedro.pipeline.pipeline"]


def _check_pipelines(names: list[str]) -> None:
    from seqrec.pipeline_registry import pipeline_names

    known = pipeline_names()
    for name in names:
        if name not in known:
            raise unknown_name("pipeline", name, known)


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
