"""Spark around a run."""

from contextlib import suppress
from typing import Any

from kedro.config import MissingConfigException
from kedro.framework.hooks import hook_impl

from seqrec.spark.session import tidy_up, use_settings


class SparkHooks:
    """Spark's settings are there when a table first asks for it; nothing of a run is left."""

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Remember the settings of ``spark.yml``, where the environment has it."""
        with suppress(MissingConfigException):
            use_settings(context.config_loader["spark"])

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Remove what the run has left."""
        self.on_pipeline_error()

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Do the same where the run was cut off."""
        tidy_up()
