"""A run as one of several processes."""

import logging
import os
import sys
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline

from seqrec.errors import SeqrecError

SHARED_NODES = ("train_model", "refit_models", "rank_and_measure", "describe_cell")
"""What several processes can do together."""


class TorchrunHooks:
    """One of the processes of torchrun does its part; the first one speaks and saves for all."""

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> None:
        """Keep what this process makes to itself, unless it is the first one.

        Raises:
            SeqrecError: the run does what one process has to do alone.
        """
        if not _under_torchrun():  # torch need not be loaded
            return
        from seqrec.machine.processes import of_torchrun

        processes = of_torchrun()
        if processes is None:
            return
        for node in pipeline.nodes:
            if node.name not in SHARED_NODES:
                raise SeqrecError(
                    f"torchrun started {processes.size} processes, and each would run "
                    f"{node.name}: run --pipelines training,evaluation under it, all else without"
                )
        if run_params.get("only_missing_outputs"):
            raise SeqrecError(
                "--only-missing-outputs asks each process of torchrun what is missing, and what "
                "they make stays in memory but for the first; leave it out"
            )
        if not processes.first:
            logging.getLogger("kedro").setLevel(logging.ERROR)  # it tells of what is replaced
            for name in pipeline.all_outputs():
                catalog[name] = MemoryDataset(copy_mode="assign")
            logging.getLogger("seqrec").setLevel(logging.ERROR)
            sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 until the process ends

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Take leave of the others."""
        if not _under_torchrun():
            return
        import torch.distributed as dist

        if dist.is_initialized():
            dist.destroy_process_group()


def speaks() -> bool:
    """Return whether this process speaks for all: the first one, or the only one."""
    return not _under_torchrun() or os.environ.get("RANK", "0") == "0"


def _under_torchrun() -> bool:
    return "TORCHELASTIC_RUN_ID" in os.environ
