"""Kedro's settings of the project."""

from seqrec.config_loader import SelectingConfigLoader
from seqrec.hooks import CheckpointHooks, ReportHooks, TrainingChecksHooks

CONFIG_LOADER_CLASS = SelectingConfigLoader
CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "local"}
HOOKS = (TrainingChecksHooks(), CheckpointHooks(), ReportHooks())
# No usage data leaves the machine (see also .telemetry).
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-telemetry",)
