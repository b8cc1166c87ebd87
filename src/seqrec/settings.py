"""Kedro's settings of the project."""

import os

from seqrec.config_loader import SelectingConfigLoader
from seqrec.hooks import CheckpointHooks, ReportHooks, TrainingChecksHooks

CONFIG_LOADER_CLASS = SelectingConfigLoader
CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "local"}
HOOKS = (TrainingChecksHooks(), CheckpointHooks(), ReportHooks())
# No usage data leaves the machine (see also .telemetry).
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-telemetry",)

# Before torch is loaded: its threads wait for each other asleep rather than spinning. Where
# another program has a core, spinning made an epoch of the demo 40 times slower
# (docs/decisions); alone on the machine there is no difference.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
