"""``kedro run`` and ``seqrec run``, with errors a user can act upon.

The options are Kedro's own. What differs: an error that is meant for the user ends as one line,
and names are checked before anything is imported.
"""

import atexit
import gc
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from traceback import walk_tb
from typing import Any, NoReturn

import click
import yaml
from kedro.config import MissingConfigException
from kedro.framework import project as kedro_project
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.cli.utils import CONTEXT_SETTINGS, KedroCliError

from seqrec.commands import cli, fail
from seqrec.errors import SeqrecError, unknown_name
from seqrec.machine.stopping import Terminated, line_of, stopping_on_signals
from seqrec.parameters.typed_params import typed_params
from seqrec.parameters.typed_paths import with_typed_paths
from seqrec.project import run_folder, working_in
from seqrec.spark.session import cancel_jobs, cause_of, tidy_up

__all__ = ["cli", "errors_in_one_line", "explanation", "run"]  # Kedro looks for cli and run here
PACKAGE = "seqrec"
OUR_FAULTS = ("PythonException", "AnalysisException", "ParseException")
"""Of Spark's errors: their tracebacks are worth more than a line."""


def _run(
    pipeline: str | None,
    pipelines: list[str],
    params: dict[str, Any],
    conf_source: str | None,
    **options: Any,
) -> Any:
    """Run the pipeline, or the pipelines, of the project."""
    with errors_in_one_line(), stopping_on_signals(), loading_at_once():
        if pipeline and pipelines:
            raise SeqrecError("give either --pipeline or --pipelines, not both")
        # One option under two names: the older one would only add a warning.
        names = [pipeline] if pipeline else pipelines
        _check_pipelines(names)
        typed_in, folder = Path.cwd(), run_folder(conf_source)
        options["params"] = with_typed_paths(params, typed_in, folder)
        assert kedro_run.callback is not None
        with working_in(folder, conf_source):
            if kedro_project.PACKAGE_NAME != PACKAGE:  # not by way of `kedro`
                kedro_project.configure_project(PACKAGE)
            try:
                return kedro_run.callback(
                    pipeline=None, pipelines=names, conf_source=conf_source, **options
                )
            except KeyboardInterrupt:  # of which Kedro tells its hooks nothing
                cancel_jobs()
                tidy_up()
                raise


class _RunCommand(click.Command):
    """A command whose options are refused in one line too."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with errors_in_one_line():
            return super().make_context(*args, **kwargs)


def _options() -> list[click.Parameter]:
    """Return Kedro's options, ``--params`` with quotes and patterns of dates."""
    options = [copy(option) for option in kedro_run.params]
    for option in options:
        if option.name == "params" and option.callback is not None:
            option.callback = typed_params(option.callback)
    return options


run = _RunCommand(
    "run",
    params=_options(),
    callback=_run,
    help=_run.__doc__,
    context_settings=CONTEXT_SETTINGS,
)


@contextmanager
def loading_at_once() -> Iterator[None]:
    """Put off the search for garbage while packages are loaded, and leave it out at the end.

    Nothing of theirs ever is garbage: looking for it takes a quarter of the time of a short run.
    The hooks take it up again when the run begins.
    """
    gc.disable()
    atexit.register(gc.freeze)
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """End the program with ``error: …`` and exit code 1 if the block meets a user's error.

    A mistake of the program itself keeps its traceback; Ctrl-C and SIGTERM end as shells expect.
    """
    try:
        yield
    except click.ClickException:
        raise
    except KeyboardInterrupt as interrupt:
        _stop(interrupt)
    except Exception as error:
        if stopped := _interruption(error):
            _stop(stopped)
        line = explanation(error)
        if line is None or KedroCliError.VERBOSE_ERROR:
            raise
        fail(line)


def _interruption(error: BaseException) -> KeyboardInterrupt | None:
    """Return what interrupted a program that met it in an engine: DuckDB has its own errors."""
    for link in _chain(error):
        if isinstance(link, KeyboardInterrupt):
            return link
        if type(link).__name__ == "InterruptException" or "Query interrupted" in str(link):
            return Terminated() if Terminated.came else KeyboardInterrupt()
    return None


def _stop(interrupt: KeyboardInterrupt) -> NoReturn:
    """End the program with one line, and the exit code of a program that a signal ended.

    Raises:
        KeyboardInterrupt: in an interactive session, which is to go on.
    """
    if hasattr(sys, "ps1"):
        raise interrupt
    number = signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT
    sys.stdout.flush()
    click.echo(line_of(number), err=True)
    raise SystemExit(128 + number) from None


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
        line = cause_of(link) if _is_of_spark(link) else _first_line(link)
        if is_disk_full(link):
            return f"no space left on the disk: {line}; free some and run again"
        if type(link).__name__ == "OutOfMemoryException":
            return f"the data engine needs more memory, raise engine.memory_limit: {line}"
        if _is_of_spark(link):
            return f"Spark gave up: {line}; spark.log.level in conf/spark/spark.yml shows more"
        if isinstance(link, yaml.YAMLError | MissingConfigException) or _is_about_names(link):
            return line
    return None


def _is_of_spark(error: BaseException) -> bool:
    """Tell whether Spark failed, and not what this package gave it to do."""
    kind = type(error)
    return kind.__module__.startswith(("pyspark.", "py4j.")) and kind.__name__ not in OUR_FAULTS


def _is_about_names(error: BaseException) -> bool:
    """Tell whether Kedro found no node, tag or dataset of the name the user gave."""
    frames = [frame.f_globals["__name__"] for frame, _ in walk_tb(error.__traceback__)]
    return isinstance(error, ValueError) and frames[-1:] == ["kedro.pipeline.pipeline"]


def _check_pipelines(names: list[str]) -> None:
    from seqrec.pipeline_registry import pipeline_names

    registered = pipeline_names()
    for name in names:
        if name not in registered:
            raise unknown_name("pipeline", name, registered)


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
