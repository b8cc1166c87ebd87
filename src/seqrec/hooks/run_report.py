"""What a run says: its nodes while it runs, its metrics and where the outputs are at the end."""

import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog, DatasetError
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from rich.console import Console

from seqrec.console import metrics_table, output_lines
from seqrec.hooks.places import paths_of
from seqrec.hooks.torchrun import speaks
from seqrec.reporting.of_its_models import line_of_older_figures

logger = logging.getLogger(__name__)

INGESTED = "ingestion_report"
"""What names the log that a data set was made from."""


class ReportHooks:
    """One line a node while it runs; the metrics and the outputs' places at the end."""

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Number the nodes in the order in which they run."""
        self._numbers = {node.name: number for number, node in enumerate(pipeline.nodes, start=1)}
        self._ran: set[str] = set()

    @hook_impl
    def before_node_run(self, node: Node, catalog: DataCatalog) -> None:
        """Say which node runs now."""
        self._ran.add(node.name)
        if INGESTED in node.outputs:
            self._log_before = _last_log(catalog)
        logger.info("%d/%d %s", self._numbers[node.name], len(self._numbers), node.name)

    @hook_impl
    def after_node_run(self, node: Node, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
        """Say so where the log is another one than the data set was made from before."""
        if INGESTED in node.outputs:
            log, before = outputs[INGESTED]["file"], self._log_before
            if before not in (None, log):
                name = inputs["params:dataset"]
                logger.warning(
                    "data set '%s' was made from %s before and is made from %s now; to keep both, "
                    "give this log another name, dataset=NAME",
                    *(name, before, log),
                )

    @hook_impl
    def after_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Print the metrics, if they were measured, and where the outputs are.

        What ``--only-missing-outputs`` left as it was is not shown as if it were new.
        """
        if not speaks():
            return
        console = Console(highlight=False)
        ran = [node for node in pipeline.nodes if node.name in self._ran]
        outputs = {name for node in ran for name in node.outputs}
        if len(ran) < len(pipeline.nodes):
            console.print(f"\n{left_line(len(ran), len(pipeline.nodes))}", soft_wrap=True)
        if "metrics" in outputs:
            console.print()
            console.print(metrics_table(catalog.load("metrics")))
        elif "models" in outputs:
            (models,), (metrics,) = (paths_of(catalog.get(name)) for name in ("models", "metrics"))
            if line := line_of_older_figures(models, metrics):
                logger.warning(line)
        paths = {str(path): path for name in outputs for path in paths_of(catalog.get(name))}
        if paths:
            console.print("\nOutputs", style="bold")
            for line in output_lines(paths, Path.cwd()):
                console.print(f"  {line}", soft_wrap=True)


def _last_log(catalog: DataCatalog) -> str | None:
    """Return the log that the data set was made from; one that was not, or not wholly, has none."""
    with suppress(DatasetError, KeyError):  # what cannot be read is about to be replaced
        log: str = catalog.load(INGESTED)["file"]
        return log
    return None


def left_line(ran: int, nodes: int) -> str:
    """Say how much of a run was left out because its outputs are there."""
    which = "nothing ran: the outputs of all" if ran == 0 else "the outputs of"
    return (
        f"{which} {nodes - ran} of {nodes} nodes were there and were left as they are, whatever "
        "--params say now; leave out --only-missing-outputs to make them anew"
    )
