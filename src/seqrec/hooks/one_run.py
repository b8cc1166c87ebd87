"""A run works in its project, alone on what it writes."""

import gc
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from seqrec.errors import SeqrecError
from seqrec.hooks.places import paths_of
from seqrec.machine.locks import RunLocks

SPILL = "temp_directory"
"""In the catalog: where DuckDB spills."""


class OneRunHooks:
    """A run works in its project, alone on what it writes, one node after the other."""

    def __init__(self) -> None:
        self._locks = RunLocks()
        self._folder: Path | None = None

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Let what spills lie under the project, whatever folder a notebook works in."""
        catalog = context.config_loader["catalog"]
        context.config_loader["catalog"] = {
            name: _spilling_in(Path(context.project_path), entry) for name, entry in catalog.items()
        }

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> None:
        """Change into the project, hold the folders of the outputs, and sweep the spill folder.

        Raises:
            SeqrecError: another run writes there, or the runner is one of several threads.
        """
        runner = str(run_params.get("runner"))
        if runner != "None" and "SequentialRunner" not in runner:
            raise SeqrecError(
                f"the nodes of this project run one after the other, and {_plain(runner)} runs "
                "several at once; leave --runner out (training and reading use all cores anyway)"
            )
        gc.enable()  # the packages are loaded
        self._leave()
        self._folder = Path.cwd()
        os.chdir(run_params.get("project_path") or self._folder)
        try:
            paths = [
                path for name in pipeline.all_outputs() for path in paths_of(catalog.get(name))
            ]
            self._locks.take(path.parent for path in paths)
            self._locks.sweep(Path(catalog.load("params:engine").spill_directory))
        except BaseException:
            self._leave()
            raise

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Let others work on the folders."""
        self._leave()

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Do the same where the run was cut off."""
        self._leave()

    def _leave(self) -> None:
        self._locks.release()
        if self._folder is not None:
            folder, self._folder = self._folder, None
            with suppress(OSError):  # it may be gone
                os.chdir(folder)


def _spilling_in(project: Path, entry: Any) -> Any:
    """Return a catalog entry whose relative ``temp_directory``, if it has one, is a whole path."""
    if not isinstance(entry, dict):
        return entry
    if isinstance(folder := entry.get(SPILL), str):
        return {**entry, SPILL: str(project / folder)}
    return {key: _spilling_in(project, value) for key, value in entry.items()}


def _plain(runner: str) -> str:
    """Return the name of a runner, given as an object or a path."""
    return runner.removeprefix("<").partition(" ")[0].rpartition(".")[2]
