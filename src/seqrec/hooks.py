"""What happens around the nodes: checks before a run, tidying and a report after it."""

import logging
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from rich.console import Console

from seqrec.report import metrics_table, output_lines

logger = logging.getLogger(__name__)


class ModelOptionsHooks:
    """The model checks its own options before any work begins."""

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Raise a SeqrecError for a wrong option, if a model is about to be trained."""
        if "params:model_options" not in pipeline.inputs():
            return
        # torch comes with it: not for a run that only handles data.
        from seqrec.models import check_options

        name, options, protocol = (
            catalog.load(f"params:{key}") for key in ("model", "model_options", "protocol")
        )
        check_options(name, options, protocol)


class CheckpointHooks:
    """A checkpoint lives until the trained model is saved."""

    @hook_impl
    def after_node_run(self, node: Node, inputs: dict[str, Any]) -> None:
        """Remember where the training that just ended kept its checkpoint."""
        if "model" in node.outputs:
            from seqrec.pipelines.training.nodes import checkpoint_path

            self._checkpoint = checkpoint_path(inputs["params:dataset"], inputs["params:model"])

    @hook_impl
    def after_dataset_saved(self, dataset_name: str) -> None:
        """Remove the checkpoint of the model that was saved."""
        if dataset_name == "model":
            self._checkpoint.unlink(missing_ok=True)


class ReportHooks:
    """One line a node while it runs; the metrics and the outputs' places at the end."""

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Number the nodes in the order in which they run."""
        self._numbers = {node.name: number for number, node in enumerate(pipeline.nodes, start=1)}

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Say which node runs now."""
        logger.info("%d/%d %s", self._numbers[node.name], len(self._numbers), node.name)

    @hook_impl
    def after_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Print the metrics, if they were measured, and where the outputs are."""
        console = Console(highlight=False)
        made = pipeline.all_outputs()
        if "metrics" in made:
            console.print()
            console.print(metrics_table(catalog.load("metrics")))
        paths = {name: Path(path) for name in made if (path := _path_of(catalog.get(name)))}
        if paths:
            console.print("\nOutputs", style="bold")
            for line in output_lines(paths, Path.cwd()):
                console.print(f"  {line}", soft_wrap=True)


def _path_of(dataset: Any) -> Any:
    """Return where a dataset lies on the disk, or None if it lies in memory."""
    return getattr(dataset, "_filepath", None) or getattr(dataset, "_path", None)
