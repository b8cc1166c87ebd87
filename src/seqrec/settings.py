"""Kedro's settings of the project.

With its configuration loader: the parameters of a run are picked from the blocks of all data sets
and models, and checked.
"""

import os
from pathlib import Path
from typing import Any

from kedro.config import OmegaConfigLoader

from seqrec.hooks.checks import TrainingChecksHooks
from seqrec.hooks.one_run import OneRunHooks
from seqrec.hooks.run_report import ReportHooks
from seqrec.hooks.spark_run import SparkHooks
from seqrec.hooks.torchrun import TorchrunHooks
from seqrec.parameters.plain_yaml import read_plainly
from seqrec.parameters.selection import select_parameters

BLOCKS = "parameter_blocks"
PARAMETER_FILES = ["parameters*", "parameters*/**", "**/parameters*"]


class SelectingConfigLoader(OmegaConfigLoader):
    """``["parameters"]`` gives the parameters of the chosen data set and model.

    The files are read as they are: no interpolation stands in them, so that other tools can read
    them too. ``--params`` does not replace a whole block, it lies over the picked ones.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        own = {BLOCKS: PARAMETER_FILES, "spark": ["spark*"]}
        patterns = {**own, **kwargs.pop("config_patterns", {})}
        # An environment changes single values of a block and leaves the rest of it.
        merging = {BLOCKS: "soft", "globals": "soft", **kwargs.pop("merge_strategy", {})}
        super().__init__(*args, config_patterns=patterns, merge_strategy=merging, **kwargs)

    def __getitem__(self, key: str) -> dict[str, Any]:
        """Return the configuration of one kind; ``parameters`` are selected and checked."""
        if key == BLOCKS and key not in self.data and self._protocol == "file":
            environments = [self.base_env, self.env or self.default_run_env]
            if blocks := read_plainly(Path(self.conf_source), environments):
                return blocks
        if key != "parameters" or key in self.data:
            return super().__getitem__(key)
        return select_parameters(self[BLOCKS], self.runtime_params or {}, self["globals"])

    def _check_duplicates(self, key: str, config: dict[Path, Any]) -> None:
        """Let two files of an environment hold parts of one block, as Kedro's parameters may."""
        super()._check_duplicates("parameters" if key == BLOCKS else key, config)


CONFIG_LOADER_CLASS = SelectingConfigLoader
CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "local"}
# Kedro calls the last one first: locks are taken when all is checked, and let go at the very end.
HOOKS = (OneRunHooks(), TrainingChecksHooks(), ReportHooks(), TorchrunHooks(), SparkHooks())
# No usage data leaves the machine (see also .telemetry).
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-telemetry",)

# Before torch is loaded: its threads soon wait for each other asleep rather than spinning on, which
# is ruinous where another program has a core (docs/decisions, 8).
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "20000")
